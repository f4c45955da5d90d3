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
both_answer, one_answers, gossip_is_over = threading.Barrier(2, timeout=60), threading.Event(), threading.Event()


@step(enable_cache=False)
def gossip(number: int) -> int:
    """Is not tracked, and logs from a thread that does not say whose it is, while another invocation's step runs."""
    if number == 1:
        one_answers.wait(60)
        thread = threading.Thread(target=log_metrics, args=({"gossip": 1.0},))
        thread.start()
        thread.join(60)
        gossip_is_over.set()
    return number


@step(experiment_tracker=True, enable_cache=False)
def answer(number: int) -> int:
    log_metrics({"number": number}, step=0)
    if number == 0:
        one_answers.set()
        gossip_is_over.wait(60)
    if number < 2:
        both_answer.wait()
    log_metrics({"number": number}, step=1)
    if number == 1:
        raise ValueError("the second one fails")
    return number * 2


@pipeline(
    enable_cache=False,
    settings={"deployment": DeploymentSettings(include_default_middleware=DeploymentDefaultMiddleware.NONE)},
)
def answering(number: int = 0) -> int:
    return answer(gossip(number))
