"""How an attempt of a step ended: in ZenML's words, and as Comet is told."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

from zenml_comet_tracker.tracker import asking
from zenml_comet_tracker.tracker.attempts import Attempt

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo
    from zenml.models import StepRunResponse

    from zenml_comet_tracker.tracker.runs import StepRun
    from zenml_comet_tracker.tracker.telling import Telling

# How ZenML ends the function of a step that somebody stopped. By name, since they moved between its versions.
_STOPS = frozenset({"StepHeartBeatTerminationException", "RunStoppedException"})
_STOPPED = frozenset({"stopping", "stopped"})
_CANCELLED = frozenset({"cancelling", "cancelled"})
# ZenML publishes the failure of a step whose outputs could not be stored only after it let go of the step.
_ANOTHER_FOLLOWS = frozenset({"running", "retrying", "retried"})
NOT_COMPLETED = "The step's function succeeded, but ZenML could not complete the step."


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `status` is completed, failed, stopped, cancelled or retrying (failed, another follows).

    `line` is the one of the step's function that failed, where ZenML knows it.
    """

    status: str
    error: BaseException | str | None = None
    line: int | None = None

    def ended_as(self, attempt: Attempt) -> Literal["stopped", "retrying"] | None:
        """What Comet is told besides finished and failed."""
        if self.status in ("stopped", "cancelled"):
            return "stopped"
        # With an experiment of its own the attempt has failed for good.
        return "retrying" if self.status == "retrying" and attempt.later_key is None else None

    @property
    def failure(self) -> BaseException | str | None:
        """What a failed experiment carries; None for one that did not fail."""
        # Comet takes `sys.exit()` for a good end, and ZenML fails the step.
        if isinstance(self.error, SystemExit):
            return "".join(traceback.format_exception(self.error))
        return self.error

    def others(self, attempt: Attempt) -> dict[str, Any]:
        """What the experiment says of it; nothing is said of the whole while another attempt follows."""
        others: dict[str, Any] = {}
        if self.status != "retrying":
            others["zenml_status"] = self.status
        elif attempt.later_key is not None:
            others = {"zenml_status": self.status, "zenml_later_attempt": attempt.later_key}
        if self.error is not None or attempt.number > 1:
            others[attempt.name] = attempt.line(self.status, time.time(), self.error, self.line)
        return others


def of(run: StepRun, error: BaseException | str | None) -> Outcome:
    """The outcome of a step that ended with an error, or without; asks ZenML, in bounded time, what it says of one."""
    if error is None:
        return Outcome("completed")
    known = asking.step(run.step_run_id)
    status = "" if known is None else str(known.status.value)
    line = None if known is None or known.exception_info is None else known.exception_info.user_code_line
    if status in _CANCELLED:
        return Outcome("cancelled")
    if status in _STOPPED or type(error).__name__ in _STOPS:
        return Outcome("stopped")
    if run.attempt.retriable and status in _ANOTHER_FOLLOWS:
        return Outcome("retrying", error, line)
    return Outcome("failed", error, line)


def of_abandoned(run: StepRun, text: str, patience: float) -> Outcome:
    """The outcome of a step that ZenML never cleaned up after: as ZenML says, else failed with `text`."""
    known = asking.step(run.step_run_id, patience)
    status = "" if known is None else str(known.status.value)
    if status in _CANCELLED | _STOPPED:
        return Outcome("stopped")
    if run.succeeded and status in ("", "running", "completed"):
        return Outcome("completed")
    error = _traceback(known) or text
    return Outcome("retrying" if run.attempt.retriable and status in _ANOTHER_FOLLOWS else "failed", error)


def of_completed(run: StepRun, patience: float) -> Outcome | None:
    """How ZenML says that a step ended whose function succeeded; None while it does not say.

    It is "retried" when another attempt has taken over the experiment.
    """
    known = asking.step(run.step_run_id, patience)
    said = "" if known is None else str(known.status.value)
    if said in _STOPPED | _CANCELLED:
        return Outcome("stopped" if said in _STOPPED else "cancelled")
    if said == "retried" and run.attempt.later_key is None:
        return Outcome("retried")
    if said in ("failed", "retrying", "retried"):
        return Outcome("failed", _traceback(known) or NOT_COMPLETED)
    return Outcome("completed") if said == "completed" else None


def without_another(run: StepRun, telling: Telling, patience: float) -> Outcome | None:
    """How ZenML says that a step ended that failed and was to be repeated, which nobody does any more.

    None while it does not say, or another attempt is under way. It is "completed" by an attempt that was not tracked.
    """
    found = asking.attempts(telling.run_id, telling.step_name, patience)
    newest = max(found, key=lambda step_run: step_run.version, default=None)
    if newest is None:
        return None
    said = str(newest.status.value)
    if said in _STOPPED | _CANCELLED:
        return Outcome("stopped" if said in _STOPPED else "cancelled")
    if newest.version > run.attempt.number and newest.status.is_successful:
        return Outcome("completed")
    repeated = newest.version > run.attempt.number and not newest.status.is_finished
    return None if repeated else Outcome("failed")


def earlier(info: StepRunInfo) -> dict[str, Any]:
    """How ZenML says that the attempts before this one ended, as others; asks in bounded time, and only on a retry."""
    if info.step_run.version == 1:
        return {}
    found = asking.attempts(info.run_id, info.pipeline_step_name)
    return dict(_told(step_run) for step_run in found if step_run.version < info.step_run.version)


def _told(step_run: StepRunResponse) -> tuple[str, str]:
    begun, ended, exception = step_run.start_time, step_run.end_time, step_run.exception_info
    attempt = Attempt(step_run.version, begun_seconds=_seconds(begun) if begun else 0.0)
    # Without one it was killed, say, and ZenML found out by other means, or when the step was repeated.
    why, at = "it did not say why", None
    if exception is not None:
        name = (exception.source or "").rpartition(".")[2]
        why, at = ": ".join(part for part in (name, exception.message) if part), exception.user_code_line
    return attempt.name, attempt.line(step_run.status.value, _seconds(ended) if ended else None, why, at)


def _seconds(time_of_zenml: datetime) -> float:
    # ZenML's times are UTC and do not say so.
    return time_of_zenml.replace(tzinfo=time_of_zenml.tzinfo or timezone.utc).timestamp()


def _traceback(known: StepRunResponse | None) -> str | None:
    return None if known is None or known.exception_info is None else known.exception_info.traceback
