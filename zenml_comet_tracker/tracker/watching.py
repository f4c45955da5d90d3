"""A look, now and then, at steps of which ZenML tells the tracker nothing more: nobody waits for it.

ZenML tells nobody when a step's input cannot be loaded, or when another component of the stack is not ready. Without a
look the experiment of such a step would seem to run for as long as nothing else happens in its process.
"""

from __future__ import annotations

import sys
import time
import weakref
from types import FrameType

from zenml_comet_tracker.tracker import asking, ending, last_word
from zenml_comet_tracker.tracker.background import background
from zenml_comet_tracker.tracker.runs import StepRun, step_runs

# Of a step that has not begun to log, ZenML is asked so late, and then each time twice as late.
SECONDS = 30.0
LONGEST_SECONDS = 600.0

# When ZenML is to be asked of a run, and how long it is then left alone.
_due: weakref.WeakKeyDictionary[StepRun, tuple[float, float]] = weakref.WeakKeyDictionary()


def begun(run: StepRun) -> None:
    """Watches a run that has just been prepared. Asks nothing; to be called by the thread that prepared it."""
    last_word.begun(run)
    if run.inert is None:
        _due[run] = (time.monotonic() + SECONDS, 2 * SECONDS)
        background.later(SECONDS, _look)


def at_exit() -> None:
    """Ends what is still running when the process ends, and settles what can be settled."""
    ending.end_abandoned(step_runs.pop_all())
    last_word.at_exit(ending.PATIENCE, failing=lambda: getattr(sys, "last_value", None) is not None)


def _look() -> None:
    for run in step_runs.running:
        if _is_over(run) and step_runs.pop(run.component_id, run.step_run_id):
            ending.end_abandoned([run])
    if step_runs.any_running:
        background.later(SECONDS, _look)


def _is_over(run: StepRun) -> bool:
    """Whether ZenML is through with a step, and has not called the clean-up."""
    if run.let_go:
        return True
    due, wait = _due.get(run, (0.0, SECONDS))
    now = time.monotonic()
    # Of a step whose function has begun ZenML tells the end.
    if run.inert or run.followed or run.at_work or now < due:
        return False
    _due[run] = (now + wait, min(2 * wait, LONGEST_SECONDS))
    known = asking.step(run.step_run_id)
    if known is None or known.status.value not in ("failed", "retrying", "retried"):
        return False
    # With an exception it is that of the function, and the clean-up is still to come.
    return known.exception_info is None and not _is_at_it(run)


def _is_at_it(run: StepRun) -> bool:
    """Whether any thread of this process runs the step, whatever ZenML's store says of it."""
    info = run.owner() if run.owner is not None else None
    return any(_runs(frame, info) for frame in sys._current_frames().values())


def _runs(frame: FrameType | None, info: object) -> bool:
    while frame is not None:
        of_runner = frame.f_globals.get("__name__") == "zenml.orchestrators.step_runner"
        if of_runner and any(held is info for held in frame.f_locals.values()):
            return True
        frame = frame.f_back
    return False
