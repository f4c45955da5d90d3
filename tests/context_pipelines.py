"""Pipelines whose steps have a context: parameters, inputs, a model, others beside them. See `tests.pipelines`."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Annotated, Any

from zenml import Model, pipeline, step

from zenml_comet_tracker import current_experiment, log_metrics

PAIR = 2
# Steps of one process meet here, line by line, so that their output is mixed for certain.
meeting = threading.Barrier(PAIR, timeout=60)


def _hook() -> None:
    log_metrics({"hooked": 1.0})


@step(experiment_tracker=True, enable_cache=False)
def load(
    rate: float = 0.1,
    database: dict[str, Any] = {"password": "hunter22", "url": "db://me:secret@host/x"},  # noqa: B006
) -> Annotated[list[float], "values"]:
    print("loading")
    return [rate, len(database)]


@step(experiment_tracker=True, enable_cache=False)
def train(values: list[float]) -> None:
    log_metrics({"loss": 0.5, "nan": float("nan"), "a:colon": 2})
    with current_experiment().train():
        log_metrics({"loss": 0.25})
    raise ValueError("no good")


@pipeline(tags=["nightly"], model=Model(name="digits"), enable_cache=False)
def contextual() -> None:
    # Here and not in its decorator: ZenML then asks for the project's root, which a test worker has only later.
    train(load.with_options(on_success=_hook)())


@step(experiment_tracker=True, enable_cache=False)
def scores(value: float) -> None:
    log_metrics({"loss": value})


@pipeline(model=Model(name="late"), enable_cache=False)
def scoring(value: float) -> None:
    scores(value)


def _talk(name: str) -> None:
    for number in range(3):
        meeting.wait()
        print(f"{name} prints {number}")
        print(f"{name} complains {number}", file=sys.stderr)
        logging.getLogger(name).warning("%s logs %d", name, number)
    meeting.wait()


@step(experiment_tracker=True, enable_cache=False)
def talk(name: str) -> None:
    _talk(name)
    log_metrics({"said": 3.0})


@step(experiment_tracker=True, enable_cache=False)
def quiet() -> None: ...


@pipeline(enable_cache=False)
def one_quiet_step() -> None:
    quiet()


@pipeline(dynamic=True, enable_cache=False)
def quiet_and_dynamic() -> None:
    quiet()


@pipeline(dynamic=True, enable_cache=False)
def talking() -> None:
    others = [talk.submit(name="left"), talk.submit(name="right")]
    for other in others:
        other.wait()
    print("the body prints")
