"""The pipelines of the tests. ZenML loads steps by their path, so they stand at the top of a module."""

from __future__ import annotations

from zenml import pipeline, step


@step(experiment_tracker=True, enable_cache=False, settings={"experiment_tracker.comet_rest": {"tagz": ["x"]}})
def nothing() -> None: ...


@pipeline(settings={"experiment_tracker": {"run_nam": "x"}})
def typos() -> None:
    nothing()
