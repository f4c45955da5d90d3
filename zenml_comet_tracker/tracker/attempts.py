"""The attempts of a step: which one this is, and what its experiment says of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo

# An other is no place for a traceback.
_ERROR_LIMIT = 300


@dataclass(frozen=True)
class Attempt:
    """One attempt of a step. `retriable` when ZenML repeats the step if it fails; `later_key` is the key of the
    experiment that the next attempt would have, None when all write to one. `begun_seconds` is since the epoch."""

    number: int = 1
    retriable: bool = False
    later_key: str | None = None
    begun_seconds: float = field(default_factory=time.time)

    @property
    def name(self) -> str:
        """The other that says how it ended."""
        return f"zenml_attempt_{self.number}"

    def line(
        self, status: str, ended_seconds: float | None, error: BaseException | str | None = None, at: int | None = None
    ) -> str:
        """One line that says how it ended, when, and why.

        >>> Attempt(begun_seconds=0).line("retrying", 2, ValueError("no good"), at=7)
        'failed, 1970-01-01 00:00:00 to 1970-01-01 00:00:02 UTC, in line 8 of the step: ValueError: no good'
        """
        until = "an unknown time" if ended_seconds is None else _time(ended_seconds)
        # Another attempt following is how things stand now; the line is for good.
        how = "failed" if status in ("retrying", "retried") else status
        # ZenML counts from the step's decorator, which is line 0.
        where = "" if at is None else f", in line {at + 1} of the step"
        why = "" if error is None else f": {_first_words(error)}"
        return f"{how}, {_time(self.begun_seconds)} to {until} UTC{where}{why}"


def of_step(info: StepRunInfo, later_key: str | None) -> Attempt:
    """The attempt that is about to begin."""
    step_run = info.step_run
    return Attempt(step_run.version, bool(getattr(step_run, "is_retriable", False)), later_key)


def _first_words(error: BaseException | str) -> str:
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}".removesuffix(": ")
    if text.startswith("Traceback "):
        text = text.rstrip().rpartition("\n")[2]
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _ERROR_LIMIT else f"{line[:_ERROR_LIMIT]}..."


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}"
