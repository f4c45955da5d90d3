"""What a step calls: log to the experiment of the step that is calling, from wherever in it."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from zenml.steps.step_context import StepContext

from zenml_comet_tracker.comet import inheritance
from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.comet.errors import CometError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.tracker.runs import step_runs

logger = logging.getLogger(__name__)

_notices = Notices(logger)
_warned: weakref.WeakSet[StepContext] = weakref.WeakSet()
# By what the environment said: the experiment of the step that started this process. One, unless a program changes it.
_joined: dict[str, Experiment] = {}


def current_experiment(component_id: UUID | None = None) -> Experiment:
    """The live experiment of the calling step; of its first tracker when it has several.

    In a thread, where it can be known which step started it; in a process that a step started with the environment of
    its experiment, that one. Raises `RuntimeError` where no tracked step is running. A step that could not be tracked
    gets a stand-in that ignores every call.
    """
    found = _experiments_of_caller(component_id)
    if not found:
        raise RuntimeError(_why_none())
    return found[0]


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


def _experiments_of_caller(component_id: UUID | None) -> list[Experiment]:
    step = calling_step()
    runs = step_runs.of_caller(step, component_id)
    if not runs and step is None and not step_runs.any_running:
        return _of_the_environment()
    for run in runs:
        run.at_work = True
    return [run.experiment for run in runs]


def _of_the_environment() -> list[Experiment]:
    """That of the step which started this process, if one did and handed it on."""
    told = os.environ.get(inheritance.VARIABLE, "")
    if told and told not in _joined:
        try:
            if inheritance.joins():
                # Of two threads that come here at once, one makes an experiment that is never begun.
                _joined.setdefault(told, Experiment())
        except CometError as error:
            _notices.warn(told, "The experiment of the process that started this one cannot be joined. %s", error)
    return [_joined[told]] if told in _joined else []


def _experiments(call: str, component_id: UUID | None) -> list[Experiment]:
    found = _experiments_of_caller(component_id)
    if not found:
        _say_ignored(call)
    return found


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
        "No tracked step is running here, or it cannot be known that this thread or process is its own: start threads "
        "with contextvars.copy_context().run, programs with env={**os.environ, **experiment.env()}, or hand the "
        "experiment over."
    )
