"""Delivery of one lane of one journal, a portion at a time."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import UNANSWERED_MEANS_AWAY, Backoff
from zenml_comet_tracker.comet.delivery.notices import Notices, cause_of
from zenml_comet_tracker.comet.delivery.pace import GATHER_SECONDS, Pace
from zenml_comet_tracker.comet.delivery.protocol import Protocol
from zenml_comet_tracker.comet.journal.lane_reader import LaneReader
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import BATCHED_LANES, FILES
from zenml_comet_tracker.comet.transport import Transport

HOLD_SECONDS = 60.0
# A server that finds less than this too large means something else: a proxy that is being set up, say.
SMALL_BYTES = 64 << 10
# For how long it is believed to change its mind.
DOUBT_SECONDS = 600.0


class LaneDelivery:
    """Moves one lane's records to the server, or out of the way when the server will never take them.

    A failing lane never holds another: each has its own back-off. `held` says that the server refuses us rather than
    the records; `unanswered` counts attempts in a row that got no answer at all; `bytes_sent` is the size of all values
    and files that were delivered.
    """

    def __init__(self, journal: JournalReader, lane: str, notices: Notices, pace: Pace) -> None:
        self._journal = journal
        self._notices = notices
        self._pace = pace
        self.lane = lane
        self.reader: LaneReader = journal.lanes[lane]
        self.backoff = Backoff()
        self.held = False
        self.unanswered = 0
        self.last_error: Exception | None = None
        self.bytes_sent = 0
        self._doubted_since: float | None = None
        # Set to find the one value that makes a server refuse a whole batch.
        self._limit: int | None = None

    @property
    def stuck(self) -> bool:
        """Whether something waits that cannot go now."""
        return self.backoff.resting and self.reader.waiting

    def due(self, now: float) -> float:
        """Seconds until what waits is to be looked at again."""
        return max(0.0, self.backoff.until - now) if self.backoff.resting else GATHER_SECONDS

    def hurry(self) -> None:
        """Allows an attempt now, whose outcome says whether the server is away."""
        self.backoff.hurry()
        self.unanswered = min(self.unanswered, UNANSWERED_MEANS_AWAY - 1)
        self.held = False

    def attempt(self, protocol: Protocol, transport: Transport, now: float) -> bool:
        """Whether more may follow at once, of what was there already: the rest is gathered for a while."""
        if self.backoff.until > now or not self.reader.waiting:
            return False
        most = protocol.max_values(self.lane)
        # Looking into records takes time, and is only of use when something is wrong with them.
        portion = self.reader.peek(min(most, self._limit or most), checked=self.last_error is not None)
        if portion is None:
            return False
        if portion.torn:
            self._notices.warn("torn", "%d unreadable lines of %s were skipped", portion.torn, self._journal.folder)
        if not portion.lines:
            self.reader.commit(portion)
            return True
        portion = protocol.part(self.lane, portion)
        try:
            if not protocol.send(transport, self.lane, portion):
                return True
        except errors.RequestError as error:
            return self._failed(error, portion, now)
        except (errors.JournalError, OSError, ValueError, KeyError, TypeError) as error:
            # Not the server's fault nor the network's: the record's file is gone, or the record is none of ours.
            self._refused(portion, str(error))
            return True
        self._delivered(portion)
        self._gather(now, full=portion.values >= most)
        return portion.more

    def _delivered(self, portion: Portion) -> None:
        self.reader.commit(portion)
        self.bytes_sent += self._size(portion)
        if self.lane == FILES:
            self._journal.forget_file(portion.rows()[0]["file"])
        self._forget_trouble()
        if self._limit is not None:
            self._limit *= 2

    def _gather(self, now: float, *, full: bool) -> None:
        """After a batch that was not full, lets the next one grow for as long as the server's pace asks for."""
        if not full and self.lane in BATCHED_LANES and (stretch := self._pace.stretch) > 1.0:
            self.backoff.rest(now, GATHER_SECONDS * stretch)

    def _forget_trouble(self) -> None:
        self.backoff.succeeded()
        self.last_error = None
        self.held = False
        self.unanswered = 0
        self._doubted_since = None

    def _failed(self, error: errors.RequestError, portion: Portion, now: float) -> bool:
        if isinstance(error, errors.PacedError):
            self._wait_for_our_turn(error, now)
            return False
        self.last_error = error
        self.unanswered = self.unanswered + 1 if isinstance(error, errors.ConnectionFailedError) else 0
        doubtful = isinstance(error, errors.TooLargeError) and self._may_be_taken_later(portion, now)
        if isinstance(error, errors.StatusError) and error.about_the_body and not doubtful:
            self._refused(portion, f"status {error.status} {error.server_message}".strip())
            return True
        if error.retryable or doubtful:
            asked = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
            if asked:
                self._pace.hold_back(asked, by_server=True)
            self.backoff.failed(now, asked=asked, because=error)
            self._notices.warn(cause_of(self.lane, error), "%s. It stays in the journal and is tried again.", error)
        else:
            self.held = True
            self.backoff.failed(now, at_least=HOLD_SECONDS)
            self._notices.warn(cause_of(self.lane, error), "%s. What was logged stays in the journal.", error)
        return False

    def _may_be_taken_later(self, portion: Portion, now: float) -> bool:
        """Whether what is called too large is not, and nobody has said so for long."""
        if self._size(portion) >= SMALL_BYTES:
            return False
        self._doubted_since = now if self._doubted_since is None else self._doubted_since
        return now - self._doubted_since < DOUBT_SECONDS

    def _size(self, portion: Portion) -> int:
        """In bytes, with the files that the lines are about."""
        files = sum(row["file"]["size"] for row in portion.rows()) if self.lane == FILES else 0
        return int(files) + sum(map(len, portion.lines))

    def _wait_for_our_turn(self, error: errors.PacedError, now: float) -> None:
        self.last_error = error
        self.unanswered = 0
        if not self._pace.held_back_by_us:
            # Once: it may go on like this for hours, as it should.
            self._notices.warn("paced", "%s. It stays in the journal and goes as there is room.", error)
        self._pace.hold_back(error.retry_after, by_server=False)
        self.backoff.rest(now, error.retry_after, asked=True)

    def _refused(self, portion: Portion, reason: str) -> None:
        """Sets aside what will never be taken, once it stands alone."""
        if portion.values > 1:
            self._limit = portion.values // 2
        else:
            self._set_aside(portion, reason)

    def _set_aside(self, portion: Portion, reason: str) -> None:
        self.reader.set_aside(portion, reason)
        self._forget_trouble()
        self._notices.warn(
            f"refused {reason}",
            "The server will not take %s (%s); it is set aside in %s",
            describe(portion),
            reason,
            self._journal.folder,
        )


def describe(portion: Portion) -> str:
    """What a portion logs, for a message: the first of its names, never its values."""
    try:
        rows = portion.rows()[:5]
    except ValueError:
        return "a damaged record"
    return ", ".join(_name_of(row) for row in rows)


def _name_of(row: dict[str, Any]) -> str:
    asset = row.get("asset") or {}
    name = row.get("metricName") or row.get("parameterName") or asset.get("file_name") or row.get("name")
    return str(name or row.get("k"))
