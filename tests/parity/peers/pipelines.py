"""The pipelines that ZenML's other trackers are put to, besides those of both Comet trackers."""

from __future__ import annotations

import os
from typing import Any

from zenml import pipeline, step

from tests.parity import pipelines as shared
from tests.parity.pipelines import needs_it, returns_it, seen, store_unreadable


@step(enable_cache=False)
def before() -> float:
    return _untracked("before", 0.1)


@step(experiment_tracker=True, enable_cache=False)
def fit(rate: float, depth: int = 3) -> float:
    seen["environment"] = dict(os.environ)
    shared.log({"loss": rate})
    return rate


@step(enable_cache=False)
def after(rate: float) -> float:
    return _untracked("after", rate)


@step(experiment_tracker=True, enable_cache=False)
def test(rate: float) -> None:
    shared.log({"accuracy": rate})


@step(experiment_tracker=True, enable_cache=False)
def fail(rate: float) -> None:
    raise ValueError(f"no good at {rate}")


@pipeline
def day() -> None:
    test(fit(0.1))


@pipeline
def tagged(of_step: dict[str, Any]) -> None:
    fit.with_options(settings={"experiment_tracker": of_step})(0.1)


@pipeline
def untracked() -> None:
    after(fit(before()))


@pipeline
def failing() -> None:
    """A step that fails after one that does not."""
    fail(fit(0.2))


@pipeline
def failing_first() -> None:
    """A step that does not fail after one that does."""
    fail(0.3)
    test(0.4)


@pipeline
def unreadable_input() -> None:
    needs_it(store_unreadable())


@pipeline
def unstored_output() -> None:
    returns_it()


def _untracked(name: str, value: float) -> float:
    try:
        shared.log({name: value})
    except Exception as error:
        seen[name] = f"{type(error).__name__}: {error}"
    return value
