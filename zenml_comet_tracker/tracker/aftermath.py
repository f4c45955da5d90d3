"""What is known of a step only when ZenML is through with it: whether its outputs were stored, and as what.

ZenML calls the tracker's clean-up before it stores what the step returned. What comes after is heard from the step's
context, which runs what was registered with it when it is left.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from zenml.steps.step_context import StepContext

from zenml_comet_tracker.tracker import ending
from zenml_comet_tracker.tracker.runs import StepRun

logger = logging.getLogger(__name__)

Teller = Callable[[StepRun], None]

_tellers: list[Teller] = []


def tell_when_stored(teller: Teller) -> None:
    """Calls it for each step that succeeded, in the step's context, once its outputs are stored and before its
    experiment ends. What it raises is logged."""
    _tellers.append(teller)


def follow(run: StepRun) -> bool:
    """Ends the run when ZenML leaves the context of its step; False where that cannot be heard of."""
    if run.followed:
        return True
    context = StepContext.get()
    register = getattr(getattr(context, "_cleanup_registry", None), "register_callback", None)
    if context is None or register is None or context.step_run.id != run.step_run_id:
        return False
    register(_leave, run)
    run.followed = True
    return True


def _leave(run: StepRun) -> None:
    # The context is being left by an exception, unless that is one which the whole pipeline runs in the handler of.
    error = sys.exc_info()[1]
    if error is run.outer_error:
        error = None
    if error is None and not run.inert and run.experiment.primary and not run.experiment.ended:
        _tell_all(run)
    try:
        ending.finish(run, error)
    except Exception as failure:
        # Nothing can fail the step any more.
        logger.warning("Experiment %s (%s) did not end well. %s", run.name, run.key, failure)


def _tell_all(run: StepRun) -> None:
    for teller in _tellers:
        try:
            teller(run)
        except Exception:
            logger.warning("What became of step %s is not told whole.", run.name, exc_info=True)
