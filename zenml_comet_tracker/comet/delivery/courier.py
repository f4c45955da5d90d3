"""Delivery of one journal: the handshake, its lanes, the heartbeat, the end status."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.dispatch import Dispatch
from zenml_comet_tracker.comet.delivery.lane import LaneDelivery, Outcome
from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, REST, End
from zenml_comet_tracker.comet.resources import experiments
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
    """Where delivery stands, for whoever waits for it."""

    finished: bool
    drained: bool
    refused: bool
    unreachable: bool
    reason: str | None


class Courier:
    """Delivers one journal. The records thread and the files thread each call their own `deliver_*`.

    Each of them returns the seconds until it wants to be called again, None for "when something is logged". With
    `adopted`, the writer is dead: its experiment is joined, and no heartbeat says that it lives.
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
        self._adopted = adopted
        self._transport = new_transport()
        self._files_transport = new_transport()
        self._clock = clock
        self._wall_millis = wall_millis
        notices = Notices(logger, clock)
        self._notices = notices
        self._lanes = {lane: LaneDelivery(journal, lane, notices) for lane in (*RECORD_LANES, FILES)}
        self._opening = Backoff()
        self._beat = Backoff()
        self._next_beat = 0.0
        self.handshake: Handshake | None = None
        self._refusal: errors.StatusError | None = None
        self._last_error: Exception | None = None
        self._end_sent = False
        self._unreachable = False
        self._stopped = False
        self._closing = threading.Lock()
        self.changed = threading.Condition()
        self.when_open: Callable[[], None] = lambda: None

    @property
    def stopped(self) -> bool:
        """Whether nothing is left to do here: all is delivered, or delivery was given up."""
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
        """Where delivery stands now."""
        error = self._refusal or self._last_error
        return Progress(
            finished=self._stopped,
            drained=self.handshake is not None and not self._waiting(),
            refused=self._refusal is not None,
            unreachable=self._unreachable,
            reason=str(error) if error else None,
        )

    def hurry(self) -> None:
        """Allows one attempt of everything now: somebody waits for the outcome."""
        self._unreachable = False
        for backoff in (self._opening, self._beat, *(lane.backoff for lane in self._lanes.values())):
            backoff.hurry()

    def deliver_records(self) -> float | None:
        """One turn of everything but files, with the handshake first and the end status last."""
        try:
            return self._deliver_records()
        finally:
            self._tell()

    def deliver_files(self) -> float | None:
        """One turn of the files lane, once the handshake is done."""
        if self.handshake is None or self._stopped:
            return None
        try:
            wait = self._deliver_lanes((FILES,), self._files_transport)
            self._close_when_through()
            return wait
        finally:
            self._tell()

    def stop(self) -> None:
        """Closes connections and lets go of the journal."""
        self._stopped = True
        self._transport.close()
        self._files_transport.close()
        self.journal.close()
        self._tell()

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _deliver_records(self) -> float | None:
        if self._stopped:
            return None
        if self.handshake is None and not self._open():
            return max(0.0, self._opening.until - self._clock())
        waits = [self._deliver_lanes(RECORD_LANES, self._transport), self._finish()]
        if not self._stopped and not self._end_sent:
            waits.append(self._heartbeat())
        return min((wait for wait in waits if wait is not None), default=None)

    def _open(self) -> bool:
        now = self._clock()
        if self._opening.until > now:
            return False
        header = self.journal.header
        # After an attempt without an answer, the experiment that exists is most likely our own.
        join = self._adopted or header.mode != "create" or bool(header.parent_writer) or self._opening.failing
        opening = experiments.Opening(
            header.experiment_key, header.workspace, header.project_name, header.started_millis, join
        )
        try:
            handshake = experiments.open_experiment(self._transport, self._api_key, opening)
        except errors.RequestError as error:
            self._not_opened(error, now)
            return False
        self._opening.succeeded()
        self._refusal = self._last_error = None
        self.handshake = handshake
        self._tell()
        self.when_open()
        return True

    def _not_opened(self, error: errors.RequestError, now: float) -> None:
        self._last_error = error
        self._unreachable = isinstance(error, errors.ConnectionFailedError)
        if isinstance(error, errors.StatusError) and not error.retryable:
            self._refusal = error
            self._opening.failed(now, at_least=REFUSED_RETRY_SECONDS)
        else:
            at_least = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
            self._opening.failed(now, at_least=at_least)
        self._notices.warn(
            f"open {type(error).__name__}",
            "Experiment %s is not open at %s yet: %s. What is logged is kept in %s.",
            self.journal.header.experiment_key,
            self.journal.header.root,
            error,
            self.journal.folder,
        )

    def _deliver_lanes(self, names: tuple[str, ...], transport: Transport) -> float | None:
        assert self.handshake is not None  # noqa: S101
        dispatch = Dispatch(transport, self._api_key, self.journal, self.handshake)
        lanes = [self._lanes[name] for name in names]
        for _ in range(REQUESTS_PER_TURN):
            outcomes = [lane.attempt(dispatch, self._clock()) for lane in lanes]
            self._note(outcomes, lanes)
            if Outcome.PROGRESS not in outcomes:
                waits = [lane.backoff.until - self._clock() for lane in lanes if lane.backoff.failing]
                return max(0.0, min(waits)) if waits else None
        return 0.0

    def _note(self, outcomes: list[Outcome], lanes: list[LaneDelivery]) -> None:
        if Outcome.UNREACHABLE in outcomes:
            self._unreachable = True
        elif Outcome.PROGRESS in outcomes:
            self._unreachable = False
        self._last_error = next((lane.last_error for lane in lanes if lane.last_error), None)

    def _waiting(self) -> bool:
        """Whether any lane still holds records."""
        return any(lane.reader.peek(1) is not None for lane in self._lanes.values())

    def _heartbeat(self) -> float | None:
        if self._adopted or not self.journal.header.primary:
            return None
        now = self._clock()
        due = max(self._next_beat, self._beat.until)
        if due > now:
            return due - now
        try:
            interval = self._report_alive(alive=True, millis=self._wall_millis())
        except errors.RequestError as error:
            self._beat.failed(now)
            self._notices.warn(f"beat {type(error).__name__}", "A heartbeat was not delivered: %s", error)
            return self._beat.until - now
        self._beat.succeeded()
        self._next_beat = now + interval
        return interval

    def _report_alive(self, *, alive: bool, millis: int) -> float:
        assert self.handshake is not None  # noqa: S101
        header = self.journal.header
        return experiments.report_status(
            self._transport,
            self._api_key,
            header.experiment_key,
            self.handshake,
            alive=alive,
            millis=millis,
            attempt=header.attempt,
        )

    def _finish(self) -> float | None:
        """Sends the end status once the records are through or stuck, and closes the journal once all is through."""
        end = self.journal.end()
        if end is None:
            return None
        if not self._end_sent:
            now = self._clock()
            if not all(lane.backoff.failing or lane.reader.peek(1) is None for lane in self._record_lanes()):
                return 0.0
            if self._beat.until > now:
                return self._beat.until - now
            try:
                self._send_end(end)
            except errors.RequestError as error:
                self._beat.failed(now)
                self._last_error = error
                self._unreachable = isinstance(error, errors.ConnectionFailedError)
                return self._beat.until - now
        self._close_when_through()
        return None

    def _close_when_through(self) -> None:
        """Closes the journal, and deletes it unless it holds something set aside; either thread may come last."""
        with self._closing:
            if self._stopped or not self._end_sent or self._waiting():
                return
            if not self.refused:
                self.journal.remove()
            self.stop()

    def _record_lanes(self) -> list[LaneDelivery]:
        return [self._lanes[name] for name in RECORD_LANES]

    def _send_end(self, end: End) -> None:
        """Only the primary writer decides the status; of the failure first, so that no reader sees a success."""
        key, millis = self.journal.header.experiment_key, end.at_millis
        if self.journal.header.primary:
            if end.error is not None:
                experiments.report_failure(self._transport, key, error=end.error, millis=millis, attempt=end.attempt)
            self._report_alive(alive=False, millis=millis)
        self._end_sent = True
