"""What a step calls: log to the experiment of the step that is calling, from wherever in it."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml.steps.step_context import StepContext

from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.tracker.runs import StepRun, step_runs

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.experiment import Experiment

logger = logging.getLogger(__name__)

_notices = Notices(logger)
_warned: weakref.WeakSet[StepContext] = weakref.WeakSet()


def current_experiment(component_id: UUID | None = None) -> Experiment:
    """The live experiment of the calling step; of its first tracker when it has several.

    In a thread, where it can be known which step started it. Raises `RuntimeError` where no tracked step is running. A
    step that could not be tracked gets a stand-in that ignores every call.
    """
    runs = _runs_of_caller(component_id)
    if not runs:
        raise RuntimeError(_why_none())
    return runs[0].experiment


def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    epoch: int | None = None,
    *,
    component_id: UUID | None = None,
) -> None:
    """Log values to the calling step's experiment (to each, when the step has several trackers).

    >>> log_metrics({"loss": 0.3}, step=1)

    In a step that is not tracked: one warning, and nothing is logged.
    """
    for experiment in _experiments("log_metrics", component_id):
        experiment.log_metrics(metrics, step=step, epoch=epoch)


def log_params(params: Mapping[str, Any], *, component_id: UUID | None = None) -> None:
    """Log parameters to the calling step's experiment (to each, when the step has several trackers).

    >>> log_params({"learning_rate": 0.1})

    In a step that is not tracked: one warning, and nothing is logged.
    """
    for experiment in _experiments("log_params", component_id):
        experiment.log_parameters(params)


def calling_step() -> UUID | None:
    """The step run whose function is calling; None in a thread without its context, and outside of steps."""
    context = StepContext.get()
    return context.step_run.id if context else None


def _runs_of_caller(component_id: UUID | None) -> tuple[StepRun, ...]:
    return step_runs.of_caller(calling_step(), component_id)


def _experiments(call: str, component_id: UUID | None) -> list[Experiment]:
    runs = _runs_of_caller(component_id)
    if not runs:
        _say_ignored(call)
    return [run.experiment for run in runs]


def _say_ignored(call: str) -> None:
    """Once for each step; where no step is known, now and then for each thread."""
    if context := StepContext.get():
        if context not in _warned:
            logger.warning("%s was ignored. %s", call, _why_none())
            _warned.add(context)
    else:
        _notices.warn(f"{call} {threading.get_ident()}", "%s was ignored. %s", call, _why_none())


def _why_none() -> str:
    if context := StepContext.get():
        return (
            f"Step {context.step_name!r} has no live Comet experiment. Name the tracker in its decorator, "
            "@step(experiment_tracker='<name of the component>'); the experiment ends with the step's function."
        )
    return (
        "No tracked step is running here, or it cannot be known that this thread is its own: start threads with "
        "contextvars.copy_context().run, or hand them the experiment."
    )
