"""Delivery of one journal: the handshake, its lanes, the end status."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import UNANSWERED_MEANS_AWAY, Backoff
from zenml_comet_tracker.comet.delivery.lane import LaneDelivery
from zenml_comet_tracker.comet.delivery.notices import Notices, cause_of
from zenml_comet_tracker.comet.delivery.opening import Opening
from zenml_comet_tracker.comet.delivery.pace import Pace
from zenml_comet_tracker.comet.delivery.protocol import Protocol
from zenml_comet_tracker.comet.delivery.quota import Quota
from zenml_comet_tracker.comet.delivery.status import StatusReporter
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import END_SENT, FILES, METRICS, PARAMETERS, REST, End
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

RECORD_LANES = (REST, PARAMETERS, METRICS)
# A refused handshake is tried again in case the account was mended, which takes people minutes.
REFUSED_RETRY_SECONDS = 300.0
# One turn of one experiment, so that many experiments in one process share the thread fairly.
REQUESTS_PER_TURN = 20


@dataclass(frozen=True)
class Progress:
    """Where delivery stands, for whoever waits for it.

    `finished`: everything is delivered or set aside, the end status is told, and nothing is left to do. `refused`: the
    server does not want us, `unreachable`: it does not answer, `throttled`: it wants to be left alone for a while.
    `reason` says why things stand still, if they do.
    """

    finished: bool
    drained: bool
    refused: bool
    unreachable: bool
    reason: str | None
    throttled: bool = False


class Courier:
    """Delivers one journal. The threads for records, files and heartbeats each call their own method, turn by turn.

    Each turn returns the seconds until the next is due, None for "when something is logged". With `adopted`, the writer
    is dead: no heartbeat says that it lives. With `quiet`, troubles are for `progress` to tell, not for the log.
    """

    def __init__(
        self,
        journal: JournalReader,
        api_key: str,
        new_transport: Callable[[], Transport],
        *,
        adopted: bool = False,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_millis: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        new_quota: Callable[[], Quota] | None = None,
    ) -> None:
        self.journal = journal
        self._clock = clock
        # One pool for all three threads: they are seldom at it together, so that one connection mostly does.
        self._transport = new_transport()
        self._notices = Notices(logger, clock, quiet=quiet, server=journal.header.root)
        self._pace = Pace(clock)
        self._lanes = {lane: LaneDelivery(journal, lane, self._notices, self._pace) for lane in (*RECORD_LANES, FILES)}
        self._opener = Opening(journal, api_key, wall_millis, new_quota)
        self._opening = Backoff()
        self._unanswered_openings = 0
        self._refusal: errors.RequestError | None = None
        self._opening_error: Exception | None = None
        self._fault: Exception | None = None
        self._protocol: Protocol | None = None
        self._end: End | None = journal.end()
        self._end_sent = journal.marked(END_SENT)
        # Nothing can be told any more, and then: nothing is left of the journal but what was set aside.
        self._through = False
        self._finished = False
        self._stopped = False
        self._closing = threading.Lock()
        self._status = StatusReporter(
            self._transport,
            journal.header,
            self._pace,
            clock,
            wall_millis,
            notices=self._notices,
            beats=not adopted,
        )
        # Taken as it is where a signal may interrupt: a condition's own entering can be cut short with the lock held.
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.wake_senders: Callable[[], None] = lambda: None
        # The server answers this one, for the first time or again.
        self.when_answered: Callable[[], None] = lambda: None
        self.when_opened: Callable[[], None] = lambda: None
        self.when_finished: Callable[[], None] = lambda: None

    @property
    def handshake(self) -> Handshake | None:
        """What the server said when it opened the experiment, None until then."""
        return self._protocol.handshake if self._protocol is not None else None

    @property
    def monitor_seconds(self) -> float | None:
        """How often the server wants system metrics, None while it has not said."""
        return self._status.monitor_seconds

    @property
    def throttled_seconds(self) -> float:
        """For how long something was held back because it was too much, for the server or for our allowance."""
        return self._pace.throttled_seconds

    @property
    def bytes_sent(self) -> int:
        """The size of the values and files that the server has taken."""
        return sum(lane.bytes_sent for lane in self._lanes.values())

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
        return sum(lane.reader.refused.total() for lane in self._lanes.values())

    @property
    def lost(self) -> int:
        """Values that were in segments which somebody deleted before they were delivered."""
        return sum(lane.reader.lost for lane in self._lanes.values())

    def progress(self) -> Progress:
        """Where delivery stands now; reads no record."""
        lanes = self._lanes.values()
        problems = [self._refusal, self._opening_error, *(lane.last_error for lane in lanes)]
        problems += [self._status.last_error, self._fault]
        unanswered = max(self._unanswered_openings, self._status.unanswered, *(lane.unanswered for lane in lanes))
        return Progress(
            finished=self._finished,
            drained=self._protocol is not None and not self._waiting(),
            refused=self._refusal is not None or any(lane.held for lane in lanes) or self._status.held,
            unreachable=unanswered >= UNANSWERED_MEANS_AWAY or self._fault is not None,
            reason=next((str(problem) for problem in problems if problem is not None), None),
            throttled=any(isinstance(problem, errors.ThrottledError) for problem in problems),
        )

    def reached(self, targets: dict[str, int]) -> bool:
        """Whether every lane is delivered, or set aside, up to these sequence numbers."""
        return all(self._lanes[lane].reader.delivered_to >= target for lane, target in targets.items())

    def hurry(self) -> None:
        """Allows one attempt of everything now: somebody waits for the outcome, and earlier ones no longer count."""
        self._refusal = self._fault = None
        # The next failure decides, and no earlier one: the server may be back by now.
        self._unanswered_openings = min(self._unanswered_openings, UNANSWERED_MEANS_AWAY - 1)
        self._opening.hurry()
        self._status.hurry()
        for lane in self._lanes.values():
            lane.hurry()

    def answers_again(self) -> bool:
        """Tries again soon what got no answer, because the server answers others; whether there was any."""
        now = self._clock()
        backoffs = [self._opening, self._status.beating, self._status.ending]
        backoffs += [lane.backoff for lane in self._lanes.values()]
        sooner = [backoff.answers_again(now) for backoff in backoffs]
        return any(sooner)

    def finish(self, end: End) -> bool:
        """Says how the experiment ended, or ended after all; told once the records are through or stuck.

        False when all was through before, an earlier end included, so that nobody is left to tell it.
        """
        with self.lock:
            if self._through:
                return False
            self._end = end
            self._end_sent = False
            self._status.ended = True
            self.journal.unmark(END_SENT)
            return True

    def deliver_records(self) -> float | None:
        """One turn of everything but files and heartbeats, with the handshake first and the end status last."""
        if self._stopped:
            return None
        try:
            self._mend()
            if self._protocol is None and not self._open():
                return max(0.0, self._opening.until - self._clock())
            with self._heard(*(lane.backoff for lane in self._record_lanes()), self._status.ending):
                waits = (self._deliver_lanes(RECORD_LANES), self._finish())
            return min((wait for wait in waits if wait is not None), default=None)
        finally:
            self._tell()

    def deliver_files(self) -> float | None:
        """One turn of the files lane, once the handshake is done."""
        if self._protocol is None or self._stopped:
            return None
        try:
            with self._heard(self._lanes[FILES].backoff):
                wait = self._deliver_lanes((FILES,))
            self._close_when_through()
            return wait
        finally:
            self._tell()

    def beat(self) -> float | None:
        """One heartbeat, if one is due."""
        if self._protocol is None or self._stopped:
            return None
        with self._heard(self._status.beating):
            return self._status.beat(self._protocol)

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
        """Lets go of the connections and of the journal."""
        self._stopped = True
        self._transport.release()
        self.journal.close()
        self.wake_senders()
        self._tell()

    @contextlib.contextmanager
    def _heard(self, *backoffs: Backoff) -> Iterator[None]:
        """Tells the others when one of these got no answer before, and gets one inside."""
        silent = [backoff for backoff in backoffs if backoff.unanswered]
        yield
        if any(not backoff.failing for backoff in silent):
            self.when_answered()

    def _mend(self) -> None:
        try:
            mended = self.journal.mend()
        except OSError as problem:
            self._notices.warn(
                "deleted for good",
                "The journal %s was deleted under the running process and cannot be made anew (%s); what could be "
                "saved of it is in memory and dies with the process unless it is delivered before.",
                self.journal.folder,
                problem,
            )
            return
        if mended:
            self._notices.warn(
                "deleted",
                "The journal %s was deleted under the running process; it is made anew, and logging goes on.",
                self.journal.folder,
            )

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _open(self) -> bool:
        now = self._clock()
        if self._opening.until > now:
            return False
        try:
            protocol = self._opener.open(self._transport)
        except errors.RequestError as error:
            self._not_opened(error, now)
            return False
        self._opening.succeeded()
        self._unanswered_openings = 0
        self._refusal = self._opening_error = self._fault = None
        self._protocol = protocol
        self._tell()
        self.wake_senders()
        self.when_answered()
        self.when_opened()
        return True

    def _not_opened(self, error: errors.RequestError, now: float) -> None:
        self._opening_error = error
        unanswered = isinstance(error, errors.ConnectionFailedError)
        self._unanswered_openings = self._unanswered_openings + 1 if unanswered else 0
        if not error.retryable:
            self._refusal = error
            self._opening.failed(now, at_least=REFUSED_RETRY_SECONDS)
        else:
            asked = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
            self._opening.failed(now, asked=asked, because=error)
        self._notices.warn(
            cause_of("open", error),
            "Experiment %s is not open at %s yet: %s. What is logged is kept in %s.",
            self.journal.header.experiment_key,
            self.journal.header.root,
            error,
            self.journal.folder,
        )

    def _deliver_lanes(self, names: Iterable[str]) -> float | None:
        protocol = self._protocol
        assert protocol is not None  # noqa: S101
        lanes = [self._lanes[name] for name in names]
        for _ in range(REQUESTS_PER_TURN):
            moved = [lane.attempt(protocol, self._transport, self._clock()) for lane in lanes]
            if not any(moved):
                waits = [lane.due(self._clock()) for lane in lanes if lane.reader.waiting]
                return min(waits, default=None)
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
            assert self._protocol is not None  # noqa: S101
            if not self._waiting():
                self._status.clear_throttling(self._protocol)
            end = self._end
            wait = self._status.tell_end(self._protocol, end)
            if wait is not None:
                return wait
            with self.lock:
                if self._end is not end:
                    # Told otherwise meanwhile: it failed after all.
                    return 0.0
                self._end_sent = True
                self.journal.mark(END_SENT)
        self._close_when_through()
        return None

    def _close_when_through(self) -> None:
        """Closes the journal, and deletes it unless it holds something set aside; either thread may come last."""
        with self._closing:
            with self.lock:
                if self._stopped or not self._end_sent or self._waiting():
                    return
                self._through = True
            if not self.journal.set_aside():
                self.journal.remove()
            with self.lock:
                self._finished = True
            self.stop()
        self.when_finished()

    def _record_lanes(self) -> list[LaneDelivery]:
        return [self._lanes[name] for name in RECORD_LANES]
