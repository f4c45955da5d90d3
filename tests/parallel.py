"""Pipelines whose steps log from pools within pools, processes and programs. ZenML loads steps by their path."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from zenml import pipeline, step

from zenml_comet_tracker import Experiment, current_experiment, log_metrics, log_params

# The whole form, of 50, is run by `make mapped`.
MAPPED = int(os.environ.get("TRACKER_MAPPED", "8"))
WORKERS = 8
POOLS, POINTS = 2, 10


def value_of(number: int, point: int) -> float:
    """What the step of a number logs at a point; no two of them log the same."""
    return float(number * 10_000 + point)


def fails(number: int) -> bool:
    """Whether the step of a number is one that fails."""
    return number % 3 == 0


def _in_context(call: Callable[..., object], *arguments: object) -> Callable[[], object]:
    context = contextvars.copy_context()
    return lambda: context.run(call, *arguments)


def _log_point(experiment: Experiment, number: int, point: int) -> None:
    experiment.log_metric("by_experiment", value_of(number, point), step=point)
    # In a thread of a dynamic pipeline without its context nobody knows whose this is.
    log_metrics({"by_nobody": value_of(number, point)})


def _log_in_context(number: int, point: int) -> None:
    log_metrics({"by_context": value_of(number, point)}, step=point)


def _one_pool(number: int, pool: int) -> None:
    """A pool that is started in the thread of another one."""
    experiment, points = current_experiment(), range(pool * POINTS, (pool + 1) * POINTS)
    with ThreadPoolExecutor(2) as inner:
        futures = [inner.submit(_log_point, experiment, number, point) for point in points]
        futures += [inner.submit(_in_context(_log_in_context, number, point)) for point in points]
    for future in futures:
        future.result()


@step(enable_cache=False)
def numbers() -> list[int]:
    return list(range(MAPPED))


@step(experiment_tracker=True, enable_cache=False)
def one_of_many(number: int) -> None:
    with ThreadPoolExecutor(POOLS) as outer:
        futures = [outer.submit(_in_context(_one_pool, number, pool)) for pool in range(POOLS)]
    for future in futures:
        future.result()
    log_params({"number": number})
    if fails(number):
        raise ValueError(f"step {number} fails")


@pipeline(dynamic=True)
def mapped() -> None:
    one_of_many.map(number=numbers())
