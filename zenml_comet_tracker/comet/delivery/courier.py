"""Delivery of one journal: the handshake, its lanes, the end status."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.dispatch import Dispatch
from zenml_comet_tracker.comet.delivery.lane import LaneDelivery
from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.comet.delivery.status import StatusReporter
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import END_SENT, FILES, METRICS, OPENED, PARAMETERS, REST, End
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

RECORD_LANES = (REST, PARAMETERS, METRICS)
# A refused handshake is tried again in case the account was mended, which takes people minutes.
REFUSED_RETRY_SECONDS = 300.0
# One turn of one experiment, so that many experiments in one process share the thread fairly.
REQUESTS_PER_TURN = 20
# One lost connection is no outage; this many in a row are.
UNANSWERED_MEANS_AWAY = 3


@dataclass(frozen=True)
class Progress:
    """Where delivery stands, for whoever waits for it.

    `finished`: everything is delivered or set aside, the end status is told, and nothing is left to do. `refused`: the
    server does not want us, `unreachable`: it does not answer. `reason` says why things stand still, if they do.
    """

    finished: bool
    drained: bool
    refused: bool
    unreachable: bool
    reason: str | None


class Courier:
    """Delivers one journal. The threads for records, files and heartbeats each call their own method, turn by turn.

    Each turn returns the seconds until the next is due, None for "when something is logged". With `adopted`, the writer
    is dead: no heartbeat says that it lives.
    """

    def __init__(
        self,
        journal: JournalReader,
        api_key: str,
        new_transport: Callable[[], Transport],
        *,
        adopted: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_millis: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.journal = journal
        self._api_key = api_key
        self._clock = clock
        self._transports = {role: new_transport() for role in ("records", "files", "status")}
        self._notices = Notices(logger, clock)
        self._lanes = {lane: LaneDelivery(journal, lane, self._notices) for lane in (*RECORD_LANES, FILES)}
        self._opening = Backoff()
        self._unanswered_openings = 0
        self._refusal: errors.StatusError | None = None
        self._opening_error: Exception | None = None
        self._fault: Exception | None = None
        self.handshake: Handshake | None = None
        self._end: End | None = journal.end()
        self._end_sent = journal.marked(END_SENT)
        self._finished = False
        self._stopped = False
        self._closing = threading.Lock()
        self._status = StatusReporter(
            self._transports["status"], api_key, journal.header, clock, wall_millis, beats=not adopted
        )
        self.changed = threading.Condition()
        self.wake_senders: Callable[[], None] = lambda: None

    @property
    def stopped(self) -> bool:
        """Whether this courier takes no more turns."""
        return self._stopped

    @property
    def delivered(self) -> int:
        """Values delivered so far."""
        return sum(lane.reader.delivered for lane in self._lanes.values())

    @property
    def refused(self) -> int:
        """Values set aside because the server will never take them."""
        return sum(lane.reader.refused for lane in self._lanes.values())

    def progress(self) -> Progress:
        """Where delivery stands now; reads no record."""
        lanes = self._lanes.values()
        problems = [self._refusal, self._opening_error, *(lane.last_error for lane in lanes)]
        problems += [self._status.last_error, self._fault]
        unanswered = max(self._unanswered_openings, self._status.unanswered, *(lane.unanswered for lane in lanes))
        return Progress(
            finished=self._finished,
            drained=self.handshake is not None and not self._waiting(),
            refused=self._refusal is not None or any(lane.held for lane in lanes) or self._status.held,
            unreachable=unanswered >= UNANSWERED_MEANS_AWAY or self._fault is not None,
            reason=next((str(problem) for problem in problems if problem is not None), None),
        )

    def reached(self, targets: dict[str, int]) -> bool:
        """Whether every lane is delivered, or set aside, up to these sequence numbers."""
        return all(self._lanes[lane].reader.cursor.next_sequence >= target for lane, target in targets.items())

    def hurry(self) -> None:
        """Allows one attempt of everything now: somebody waits for the outcome, and earlier ones no longer count."""
        self._refusal = self._fault = None
        self._opening.hurry()
        self._status.hurry()
        for lane in self._lanes.values():
            lane.hurry()

    def finish(self, end: End) -> None:
        """Says how the experiment ended, or ended after all; told once the records are through or stuck."""
        self._end = end
        self._end_sent = False
        self._status.ended = True

    def deliver_records(self) -> float | None:
        """One turn of everything but files and heartbeats, with the handshake first and the end status last."""
        if self._stopped:
            return None
        try:
            if self.handshake is None and not self._open():
                return max(0.0, self._opening.until - self._clock())
            waits = (self._deliver_lanes(RECORD_LANES, "records"), self._finish())
            return min((wait for wait in waits if wait is not None), default=None)
        finally:
            self._tell()

    def deliver_files(self) -> float | None:
        """One turn of the files lane, once the handshake is done."""
        if self.handshake is None or self._stopped:
            return None
        try:
            wait = self._deliver_lanes((FILES,), "files")
            self._close_when_through()
            return wait
        finally:
            self._tell()

    def beat(self) -> float | None:
        """One heartbeat, if one is due."""
        if self.handshake is None or self._stopped:
            return None
        return self._status.beat(self.handshake)

    def broke(self, fault: Exception) -> float:
        """Notes that a turn failed in a way nobody foresaw; returns the seconds after which to try again."""
        self._fault = fault
        self._notices.warn(
            f"fault {type(fault).__name__}",
            "Delivery of %s stumbled (%s: %s); it is tried again, and everything is still in the journal.",
            self.journal.folder,
            type(fault).__name__,
            fault,
        )
        self._tell()
        return 10.0

    def stop(self) -> None:
        """Closes connections and lets go of the journal."""
        self._stopped = True
        for transport in self._transports.values():
            transport.close()
        self.journal.close()
        self.wake_senders()
        self._tell()

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _open(self) -> bool:
        now = self._clock()
        if self._opening.until > now:
            return False
        header = self.journal.header
        # An experiment that exists is ours when an earlier attempt may have reached the server.
        join = header.mode != "create" or header.parent_writer is not None or self.journal.marked(OPENED)
        opening = experiments.Opening(
            header.experiment_key, header.workspace, header.project_name, header.started_millis, join
        )
        try:
            handshake = experiments.open_experiment(self._transports["records"], self._api_key, opening)
        except errors.RequestError as error:
            self._not_opened(error, now)
            return False
        self.journal.mark(OPENED)
        self._opening.succeeded()
        self._unanswered_openings = 0
        self._refusal = self._opening_error = self._fault = None
        self.handshake = handshake
        self._tell()
        self.wake_senders()
        return True

    def _not_opened(self, error: errors.RequestError, now: float) -> None:
        self._opening_error = error
        unanswered = isinstance(error, errors.ConnectionFailedError)
        self._unanswered_openings = self._unanswered_openings + 1 if unanswered else 0
        if not isinstance(error, errors.StatusError) or isinstance(error, errors.ServerFaultError):
            self.journal.mark(OPENED)
        if isinstance(error, errors.StatusError) and not error.retryable:
            self._refusal = error
            self._opening.failed(now, at_least=REFUSED_RETRY_SECONDS)
        else:
            asked = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
            self._opening.failed(now, asked=asked)
        self._notices.warn(
            f"open {type(error).__name__}",
            "Experiment %s is not open at %s yet: %s. What is logged is kept in %s.",
            self.journal.header.experiment_key,
            self.journal.header.root,
            error,
            self.journal.folder,
        )

    def _deliver_lanes(self, names: Iterable[str], role: str) -> float | None:
        assert self.handshake is not None  # noqa: S101
        dispatch = Dispatch(self._transports[role], self._api_key, self.journal, self.handshake)
        lanes = [self._lanes[name] for name in names]
        for _ in range(REQUESTS_PER_TURN):
            moved = [lane.attempt(dispatch, self._clock()) for lane in lanes]
            if not any(moved):
                waits = [lane.backoff.until - self._clock() for lane in lanes if lane.stuck]
                return max(0.0, min(waits)) if waits else None
        self._fault = None
        return 0.0

    def _waiting(self) -> bool:
        """Whether any lane still holds records."""
        return any(lane.reader.waiting for lane in self._lanes.values())

    def _finish(self) -> float | None:
        """Tells the end status once the records are through or stuck, and closes the journal once all is through."""
        if self._end is None:
            return None
        if not self._end_sent:
            if any(lane.reader.waiting and not lane.stuck for lane in self._record_lanes()):
                return 0.0
            assert self.handshake is not None  # noqa: S101
            wait = self._status.tell_end(self.handshake, self._end)
            if wait is not None:
                return wait
            self._end_sent = True
            self.journal.mark(END_SENT)
        self._close_when_through()
        return None

    def _close_when_through(self) -> None:
        """Closes the journal, and deletes it unless it holds something set aside; either thread may come last."""
        with self._closing:
            if self._stopped or not self._end_sent or self._waiting():
                return
            if not self.journal.set_aside():
                self.journal.remove()
            self._finished = True
            self.stop()

    def _record_lanes(self) -> list[LaneDelivery]:
        return [self._lanes[name] for name in RECORD_LANES]
