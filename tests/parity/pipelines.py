"""The pipelines that every tracker is put to. ZenML loads steps by their path, so they stand at the top of a module."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from zenml import pipeline, step
from zenml.client import Client
from zenml.config.retry_config import StepRetryConfig

CONCURRENT = 4

# What the steps of the last run saw, by name.
seen: dict[str, Any] = {}
meeting = threading.Barrier(CONCURRENT, timeout=60)


def _of_the_component(metrics: dict[str, Any]) -> None:
    """As the documents of both Comet trackers say."""
    Client().active_stack.experiment_tracker.log_metrics(metrics)


# How a step logs; the peers put their own here.
log: Callable[[dict[str, Any]], None] = _of_the_component


def _log(metrics: dict[str, Any]) -> None:
    log(metrics)


def _log_untracked(name: str) -> None:
    try:
        _log({name: 1.0})
    except Exception as error:
        seen[name] = f"{type(error).__name__}: {error}"


@step(enable_cache=False)
def before() -> float:
    _log_untracked("before")
    return 0.1


@step(experiment_tracker=True, enable_cache=False, settings={"experiment_tracker": {"tags": ["of the step"]}})
def fit(rate: float, depth: int = 3) -> float:
    seen["key in the environment"] = os.environ.get("COMET_API_KEY")
    _log({"fit": rate})
    return rate


@step(enable_cache=False)
def after(rate: float) -> float:
    _log_untracked("after")
    return rate


@step(experiment_tracker=True, enable_cache=False)
def fail(rate: float) -> None:
    raise ValueError(f"no good at {rate}")


@pipeline(settings={"experiment_tracker": {"tags": ["of the pipeline"]}})
def day() -> None:
    """Untracked, tracked, untracked again, and a failure."""
    fail(after(fit(before())))


@step(experiment_tracker=True, enable_cache=False)
def only() -> None:
    began = time.monotonic()
    _log({"only": 1.0})
    seen["seconds of a call"] = time.monotonic() - began


@pipeline
def one_step() -> None:
    only()


@pipeline
def one_step_with(settings: dict[str, Any]) -> None:
    only.with_options(settings={"experiment_tracker": settings})()


@step(experiment_tracker=True, enable_cache=False, retry=StepRetryConfig(max_retries=2, delay=0, backoff=0))
def third_time_lucky() -> None:
    seen["attempts"] = seen.get("attempts", 0) + 1
    _log({"attempt": float(seen["attempts"])})
    if seen["attempts"] < 3:
        raise ConnectionError("not yet")


@pipeline
def retried() -> None:
    third_time_lucky()


@step(experiment_tracker=True, enable_cache=False)
def one_of_many(number: int) -> None:
    meeting.wait()
    _log({"number": float(number)})
    meeting.wait()


@pipeline(dynamic=True)
def concurrent() -> None:
    for future in [one_of_many.submit(number=number) for number in range(CONCURRENT)]:
        future.wait()


@step(experiment_tracker=True, enable_cache=True)
def cached_one() -> None:
    _log({"cached": 1.0})


@pipeline(enable_cache=True)
def cached() -> None:
    """Not all of it: of a run whose steps are all cached ZenML asks nobody anything."""
    cached_one()
    only()


def _refuse() -> None:
    raise OSError("this artifact cannot be read")


class Unreadable:
    """Can be stored, and not be loaded."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _refuse, ()


@step(enable_cache=False)
def store_unreadable() -> Unreadable:
    return Unreadable()


@step(experiment_tracker=True, enable_cache=False)
def needs_it(value: Unreadable) -> None: ...


@pipeline
def unreadable_input() -> None:
    needs_it(store_unreadable())


class Unstorable:
    """Cannot be stored."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        raise OSError("this artifact cannot be stored")


@step(experiment_tracker=True, enable_cache=False)
def returns_it() -> Unstorable:
    return Unstorable()


@pipeline
def unstored_output() -> None:
    returns_it()
