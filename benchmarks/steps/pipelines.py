"""The step that is measured. ZenML loads steps by their path, so it stands at the top of a module."""

from __future__ import annotations

from zenml import pipeline, step


@step(enable_cache=False)
def trivial() -> None:
    """Does nothing."""


@pipeline
def untracked() -> None:
    """The step without a tracker."""
    trivial()


@pipeline
def tracked() -> None:
    """The step with every tracker of the active stack."""
    trivial.with_options(experiment_tracker=True)()
