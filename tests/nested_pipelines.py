"""Pipelines within pipelines, and one that is deployed."""

from __future__ import annotations

import threading

from zenml import pipeline, step
from zenml.config import DeploymentDefaultMiddleware, DeploymentSettings

from zenml_comet_tracker import current_experiment, log_metrics


@step(experiment_tracker=True, enable_cache=False)
def leaf(value: float) -> float:
    log_metrics({"leaf": value})
    return value


@step(experiment_tracker=True, enable_cache=False)
def parent() -> None:
    """Calls another step, which within a step is the function that it is, and nothing more."""
    log_metrics({"before": 10.0})
    mine = current_experiment().id
    leaf(12.0)
    assert current_experiment().id == mine
    log_metrics({"after": 13.0})
    raise ValueError("the parent fails")


@pipeline(dynamic=True)
def child(value: float) -> None:
    leaf(value)


@pipeline(dynamic=True)
def family() -> None:
    of_a_child = child.submit(value=2.0)
    child.embed(value=3.0)
    of_a_child.wait()
    parent()


# Two invocations meet here, so that "at the same time" is no matter of luck.
together = threading.Barrier(2, timeout=60)


@step(experiment_tracker=True, enable_cache=False)
def answer(number: int) -> int:
    log_metrics({"number": number}, step=0)
    if number < 2:
        together.wait()
    log_metrics({"number": number}, step=1)
    if number == 1:
        raise ValueError("the second one fails")
    return number * 2


@pipeline(
    enable_cache=False,
    settings={
        "deployment": DeploymentSettings(include_default_middleware=DeploymentDefaultMiddleware.NONE),
    },
)
def answering(number: int = 0) -> int:
    return answer(number)
