"""Delivery of one lane of one journal, a portion at a time."""

from __future__ import annotations

from enum import Enum

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.dispatch import MAX_VALUES, Dispatch, describe
from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.comet.journal.reader import JournalReader, LaneReader, Portion
from zenml_comet_tracker.comet.journal.record import FILES

# These are about the account or the key, not about what is sent: the records wait for someone to mend that.
HOLDING_STATUSES = {401, 402, 403}
HOLD_SECONDS = 60.0


class Outcome(Enum):
    """What an attempt led to."""

    IDLE = "nothing waits"
    PROGRESS = "something was delivered or set aside"
    WAITING = "backing off"
    UNREACHABLE = "no answer; backing off"


class LaneDelivery:
    """Moves one lane's records to the server, or out of the way when the server will never take them.

    A failing lane never holds another: each has its own back-off.
    """

    def __init__(self, journal: JournalReader, lane: str, notices: Notices) -> None:
        self._journal = journal
        self._notices = notices
        self.lane = lane
        self.reader: LaneReader = journal.lanes[lane]
        self.backoff = Backoff()
        self.last_error: Exception | None = None
        self._max_values = MAX_VALUES.get(lane, 1)
        # Lowered to find the one record that makes a server refuse a whole batch.
        self._limit = self._max_values

    def attempt(self, dispatch: Dispatch, now: float) -> Outcome:
        """Delivers the next portion, if there is one and the lane is not backing off."""
        if self.backoff.until > now:
            return Outcome.WAITING
        portion = self.reader.peek(self._limit)
        if portion is None:
            return Outcome.IDLE
        if not portion.records:
            self._notices.warn("torn", "%d unreadable lines of %s were skipped", portion.torn, self._journal.folder)
            self.reader.commit(portion)
            return Outcome.PROGRESS
        try:
            dispatch.send(self.lane, portion)
        except errors.RequestError as error:
            return self._failed(error, portion, now)
        except (errors.JournalError, ValueError, KeyError, TypeError) as error:
            self._set_aside(portion, f"{error}")
            return Outcome.PROGRESS
        self._delivered(portion)
        return Outcome.PROGRESS

    def _delivered(self, portion: Portion) -> None:
        self.reader.commit(portion)
        if self.lane == FILES:
            self._journal.forget_file(portion.records[0].content["file"])
        self.backoff.succeeded()
        self.last_error = None
        self._limit = min(self._limit * 2, self._max_values)

    def _failed(self, error: errors.RequestError, portion: Portion, now: float) -> Outcome:
        self.last_error = error
        if isinstance(error, errors.StatusError) and not error.retryable:
            return self._refused(error, portion, now)
        at_least = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
        self.backoff.failed(now, at_least=at_least)
        self._notices.warn(type(error).__name__, "%s. It stays in the journal and is tried again.", error)
        return Outcome.UNREACHABLE if isinstance(error, errors.ConnectionFailedError) else Outcome.WAITING

    def _refused(self, error: errors.StatusError, portion: Portion, now: float) -> Outcome:
        if error.status in HOLDING_STATUSES:
            self.backoff.failed(now, at_least=HOLD_SECONDS)
            self._notices.warn(f"status {error.status}", "%s. What was logged stays in the journal.", error)
            return Outcome.WAITING
        if len(portion.records) > 1:
            self._limit = max(1, min(self._limit, portion.values) // 2)
            return Outcome.PROGRESS
        self._set_aside(portion, f"status {error.status} {error.server_message}".strip())
        return Outcome.PROGRESS

    def _set_aside(self, portion: Portion, reason: str) -> None:
        self.reader.set_aside(portion, reason)
        self._notices.warn(
            f"refused {reason}",
            "The server will not take %s (%s); it is set aside in %s",
            "; ".join(describe(record) for record in portion.records[:3]),
            reason,
            self._journal.folder,
        )
