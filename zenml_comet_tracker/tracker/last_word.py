"""ZenML's last word on steps whose experiments have ended: heard afterwards, and told where it is another one.

ZenML says that a step has succeeded only when nothing of the step runs any more, and does not say it of one that was
told to stop meanwhile. And an attempt that another was to follow is the last one when whoever repeats it is gone.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.comet.exits import error_text
from zenml_comet_tracker.tracker import asking, outcomes
from zenml_comet_tracker.tracker.background import background
from zenml_comet_tracker.tracker.outcomes import Outcome
from zenml_comet_tracker.tracker.runs import StepRun
from zenml_comet_tracker.tracker.telling import Telling

logger = logging.getLogger(__name__)

# How long a step is given that ZenML should have had its say on; asked again, it is given twice as long.
SECONDS = 30.0
LONGEST_SECONDS = 600.0


@dataclass(eq=False)
class _Awaited:
    """A step whose experiment ended as `status`, with the `error` of an attempt that failed.

    `memory` is what ZenML knows of the run in this process, which then is the one that repeats its steps, in `thread`;
    None in a process that ZenML started for a step.
    """

    run: StepRun
    telling: Telling
    status: str
    error: str | None
    memory: Any
    thread: int
    ended_seconds: float = field(default_factory=time.time)
    wait: float = field(default_factory=lambda: SECONDS)
    due: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    let_go_since: float | None = None
    amended: bool = False

    @property
    def confirmed(self) -> bool:
        """Whether ZenML has said in this process that the step is completed."""
        known = getattr(self.memory, "step_runs", None) or {}
        step_run = known.get(self.telling.step_name)
        return self.status == "completed" and step_run is not None and step_run.id == self.run.step_run_id

    def is_due(self, now: float) -> bool:
        """Whether it is time to ask ZenML; of an attempt only when nobody has been at it for a while."""
        if self.status == "retrying":
            if self.let_go_since is None and self.run.let_go:
                self.let_go_since = now
            return self.memory is not None and self.let_go_since is not None and now - self.let_go_since >= SECONDS
        return self.memory is not None and now >= self.due

    def put_off(self, now: float) -> None:
        self.wait = min(2 * self.wait, LONGEST_SECONDS)
        self.due = now + self.wait
        self.let_go_since = None


_awaited: list[_Awaited] = []
# Where each run began: what ZenML remembers there, and the thread.
_origins: weakref.WeakKeyDictionary[StepRun, tuple[Any, int]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def await_word(run: StepRun, outcome: Outcome) -> None:
    """Remembers a run whose experiment has just ended, if ZenML may still say otherwise of it. Asks nothing."""
    if outcome.status in ("completed", "retrying") and run.telling is not None and run.experiment.primary:
        # The text, because an exception would keep all that its step has held.
        error = error_text(outcome.failure) if outcome.status == "retrying" else None
        memory, thread = _origins.get(run, (None, 0))
        with _lock:
            _awaited.append(_Awaited(run, run.telling, outcome.status, error, memory, thread))
        if memory is not None:
            background.later(SECONDS, _look)


def begun(run: StepRun) -> None:
    """Settles what is settled when another step begins; what has to be asked is asked in the background."""
    _, thread = _origins[run] = _memory(), threading.get_ident()
    for awaited in list(_awaited):
        if awaited.confirmed or awaited.memory is None or _takes_over(run, awaited):
            _forget(awaited)
        elif awaited.status == "retrying":
            # Whoever repeats a step does nothing else meanwhile.
            if awaited.thread == thread and not _is_repeated_by(run, awaited):
                background.submit(functools.partial(_settle, awaited))
        elif awaited.run.let_go:
            background.submit(functools.partial(_settle, awaited))


def _look() -> None:
    """Asks ZenML of what it should have had its say on, and looks again while anything is awaited."""
    now = time.monotonic()
    for awaited in list(_awaited):
        if awaited.confirmed:
            _forget(awaited)
        elif awaited.is_due(now):
            last = awaited.wait >= LONGEST_SECONDS
            awaited.put_off(now)
            _settle(awaited)
            if last:
                _forget(awaited)
    if any(awaited.memory is not None for awaited in _awaited):
        background.later(SECONDS, _look)


def at_exit(seconds: float, *, failing: Callable[[], bool]) -> None:
    """Settles all that can be settled when the process ends, in so many seconds.

    `failing` says whether the process ends by an exception: one that ZenML started for a step does so when ZenML could
    not say that the step has succeeded.
    """
    deadline = time.monotonic() + seconds

    def left() -> float:
        return max(0.0, deadline - time.monotonic())

    asked = list(_awaited)
    for awaited in asked:
        if awaited.status == "retrying":
            # Whoever would have repeated it is gone with the process.
            if awaited.memory is not None:
                said = outcomes.without_another(awaited.run, awaited.telling, min(asking.PATIENCE, left() / 2))
                if _forget(awaited):
                    _amend(awaited, said or Outcome("failed"))
        elif not awaited.confirmed and (awaited.memory is not None or failing()):
            _settle(awaited, min(asking.PATIENCE, left() / 2))
    for run in [awaited.run for awaited in asked if awaited.amended]:
        # What was amended is on its way; a strict experiment raises when it does not arrive.
        with contextlib.suppress(DeliveryError):
            run.experiment.end(timeout=left())


def _settle(awaited: _Awaited, patience: float = asking.PATIENCE) -> None:
    """Ends the waiting if ZenML has had its say, and corrects the experiment if that was another one than ours."""
    if awaited.confirmed:
        _forget(awaited)
        return
    if awaited.status == "retrying":
        said = outcomes.without_another(awaited.run, awaited.telling, patience)
    else:
        said = outcomes.of_completed(awaited.run, patience)
    if said is not None and _forget(awaited) and said.status not in (awaited.status, "retried"):
        _amend(awaited, said)


def _amend(awaited: _Awaited, said: Outcome) -> None:
    run = awaited.run
    others: dict[str, Any] = {"zenml_status": said.status}
    if awaited.status == "completed" and (said.error is not None or run.attempt.number > 1):
        others[run.attempt.name] = run.attempt.line(said.status, awaited.ended_seconds, said.error)
    stopped = said.status in ("stopped", "cancelled")
    # What failed has failed, whatever became of the step without it.
    error = None if stopped else said.error or awaited.error
    try:
        ended_as = "stopped" if stopped else None
        run.experiment.amend_end(error_text(error), ended_as=ended_as, others=others)  # type: ignore[arg-type]
    except Exception as failure:
        logger.warning("Experiment %s (%s) does not say that it is %s: %s", run.name, run.key, said.status, failure)
        return
    awaited.amended = True
    logger.info("Experiment %s (%s) is %s, as ZenML says of its step by now.", run.name, run.key, said.status)


def _is_repeated_by(run: StepRun, awaited: _Awaited) -> bool:
    """Whether this is a later attempt of the step, for whichever tracker."""
    if run.telling is None or run.attempt.number <= awaited.run.attempt.number:
        return False
    telling = run.telling
    return (telling.run_id, telling.step_name) == (awaited.telling.run_id, awaited.telling.step_name)


def _takes_over(run: StepRun, awaited: _Awaited) -> bool:
    """Whether how the experiment ends is for this run to say."""
    goes_on = run.inert is None and run.key == awaited.run.key
    return goes_on or (run.component_id == awaited.run.component_id and _is_repeated_by(run, awaited))


def _memory() -> Any:
    """What ZenML remembers of the steps of a run in the process that runs them all; None elsewhere."""
    try:
        from zenml.execution.context import ExecutionContext
    except ImportError:
        return None
    context = ExecutionContext.get()
    return context if hasattr(context, "step_runs") else None


def _forget(awaited: _Awaited) -> bool:
    """Whether it was awaited until now: of two threads that settle it one does."""
    with _lock:
        if awaited not in _awaited:
            return False
        _awaited.remove(awaited)
        return True


def _in_child() -> None:
    """In a forked child: they are the parent's."""
    global _lock
    _lock = threading.Lock()
    _awaited.clear()


os.register_at_fork(after_in_child=_in_child)
