"""Delivery of one lane of one journal, a portion at a time."""

from __future__ import annotations

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.dispatch import MAX_VALUES, Dispatch, describe
from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.comet.journal.reader import JournalReader, LaneReader, Portion
from zenml_comet_tracker.comet.journal.record import FILES

HOLD_SECONDS = 60.0


class LaneDelivery:
    """Moves one lane's records to the server, or out of the way when the server will never take them.

    A failing lane never holds another: each has its own back-off. `held` says that the server refuses us rather than
    the records; `unanswered` counts attempts in a row that got no answer at all.
    """

    def __init__(self, journal: JournalReader, lane: str, notices: Notices) -> None:
        self._journal = journal
        self._notices = notices
        self.lane = lane
        self.reader: LaneReader = journal.lanes[lane]
        self.backoff = Backoff()
        self.held = False
        self.unanswered = 0
        self.last_error: Exception | None = None
        self._max_values = MAX_VALUES.get(lane, 1)
        # Lowered to find the one record that makes a server refuse a whole batch.
        self._limit = self._max_values

    @property
    def stuck(self) -> bool:
        """Whether something waits that cannot go now."""
        return self.backoff.failing and self.reader.waiting

    def hurry(self) -> None:
        """Allows an attempt now."""
        self.backoff.hurry()
        self.held = False

    def attempt(self, dispatch: Dispatch, now: float) -> bool:
        """Whether something was delivered, or set aside, and more may follow at once."""
        if self.backoff.until > now or not self.reader.waiting:
            return False
        portion = self.reader.peek(self._limit)
        if portion is None:
            return False
        if not portion.records:
            self._notices.warn("torn", "%d unreadable lines of %s were skipped", portion.torn, self._journal.folder)
            self.reader.commit(portion)
            return True
        try:
            dispatch.send(self.lane, portion)
        except errors.RequestError as error:
            return self._failed(error, portion, now)
        except (errors.JournalError, OSError, ValueError, KeyError, TypeError) as error:
            # Not the server's fault nor the network's: the record's file is gone, or the record is none of ours.
            self._set_aside(portion, str(error))
            return True
        self._delivered(portion)
        return True

    def _delivered(self, portion: Portion) -> None:
        self.reader.commit(portion)
        if self.lane == FILES:
            self._journal.forget_file(portion.records[0].content["file"])
        self._forget_trouble()
        self._limit = min(self._limit * 2, self._max_values)

    def _forget_trouble(self) -> None:
        self.backoff.succeeded()
        self.last_error = None
        self.held = False
        self.unanswered = 0

    def _failed(self, error: errors.RequestError, portion: Portion, now: float) -> bool:
        self.last_error = error
        self.unanswered = self.unanswered + 1 if isinstance(error, errors.ConnectionFailedError) else 0
        if isinstance(error, errors.StatusError) and error.about_the_body:
            return self._refused(error, portion)
        if error.retryable:
            asked = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
            self.backoff.failed(now, asked=asked)
            self._notices.warn(type(error).__name__, "%s. It stays in the journal and is tried again.", error)
        else:
            self.held = True
            self.backoff.failed(now, at_least=HOLD_SECONDS)
            self._notices.warn(type(error).__name__, "%s. What was logged stays in the journal.", error)
        return False

    def _refused(self, error: errors.StatusError, portion: Portion) -> bool:
        if len(portion.records) > 1:
            self._limit = max(1, min(self._limit, portion.values) // 2)
        else:
            self._set_aside(portion, f"status {error.status} {error.server_message}".strip())
        return True

    def _set_aside(self, portion: Portion, reason: str) -> None:
        self.reader.set_aside(portion, reason)
        self._forget_trouble()
        self._notices.warn(
            f"refused {reason}",
            "The server will not take %s (%s); it is set aside in %s",
            "; ".join(describe(record) for record in portion.records[:3]),
            reason,
            self._journal.folder,
        )
