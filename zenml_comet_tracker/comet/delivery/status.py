"""What the server is told of an experiment's life: that it lives, and how it ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import UNANSWERED_MEANS_AWAY, Backoff
from zenml_comet_tracker.comet.delivery.notices import Notices, cause_of
from zenml_comet_tracker.comet.delivery.pace import Pace
from zenml_comet_tracker.comet.delivery.protocol import Protocol
from zenml_comet_tracker.comet.journal.record import End, Header
from zenml_comet_tracker.comet.resources import status
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)


class StatusReporter:
    """Heartbeats and the end status of one journal's experiment; only the primary writer's are told.

    A heartbeat is never sent behind the end, whichever thread is faster.
    """

    def __init__(
        self,
        transport: Transport,
        header: Header,
        pace: Pace,
        clock: Callable[[], float],
        wall_millis: Callable[[], int],
        *,
        notices: Notices,
        beats: bool,
    ) -> None:
        self._transport = transport
        self._header = header
        self._pace = pace
        self._clock = clock
        self._wall_millis = wall_millis
        self._beats = beats and header.primary
        self._notices = notices
        self._order = threading.Lock()
        self._next_beat = 0.0
        self.beating = Backoff()
        self.ending = Backoff()
        self.ended = False
        self.held = False
        self.unanswered = 0
        self.last_error: Exception | None = None
        # How often the server wants system metrics, None while it has not said.
        self.monitor_seconds: float | None = None

    def hurry(self) -> None:
        """Allows an attempt of the end status now, whose outcome says whether the server is away."""
        self.ending.hurry()
        self.unanswered = min(self.unanswered, UNANSWERED_MEANS_AWAY - 1)
        self.held = False

    def beat(self, protocol: Protocol) -> float | None:
        """Says that the experiment lives, if that is due; returns the seconds until it is due again."""
        if not self._beats:
            return None
        with self._order:
            now, millis = self._clock(), self._wall_millis()
            due = max(self._next_beat, self.beating.until)
            if self.ended or due > now:
                return None if self.ended else due - now
            try:
                rhythm = protocol.beat(self._transport, millis)
            except errors.RequestError as error:
                self.beating.failed(now, at_least=1.0, asked=self._asked_by(error), because=error)
                said = "A heartbeat was not delivered: %s. What is logged stays in the journal."
                self._notices.warn(cause_of("beat", error), said, error)
                return self.beating.until - now
            self.beating.succeeded()
            self.monitor_seconds = rhythm.monitor_seconds
            interval = rhythm.beat_seconds * self._pace.beat_stretch
            self._next_beat = now + interval
            return interval

    def tell_end(self, protocol: Protocol, end: End) -> float | None:
        """Tells how the experiment ended; returns None when that is done, else the seconds until the next attempt."""
        if not self._header.primary:
            return None
        with self._order:
            now = self._clock()
            if self.ending.until > now:
                return self.ending.until - now
            try:
                protocol.tell_end(self._transport, end)
            except errors.RequestError as error:
                self._end_not_told(error, now)
                return self.ending.until - now
            self.ending.succeeded()
            self.last_error = None
            self.unanswered = 0
            return None

    def clear_throttling(self, protocol: Protocol) -> None:
        """Tells a server that held us back that all has arrived; an older one does not know that, and does no harm."""
        if not (self._header.primary and self._pace.held_back_by_server):
            return
        self._pace.held_back_by_server = False
        try:
            status.clear_throttling(self._transport, protocol.handshake.experiment_key)
        except errors.RequestError as error:
            logger.debug("The throttling of experiment %s is not cleared: %s", self._header.experiment_key, error)

    def _end_not_told(self, error: errors.RequestError, now: float) -> None:
        self.last_error = error
        self.unanswered = self.unanswered + 1 if isinstance(error, errors.ConnectionFailedError) else 0
        self.held = not error.retryable
        at_least = 60.0 if self.held else 0.0
        self.ending.failed(now, asked=self._asked_by(error), at_least=at_least, because=error)
        self._notices.warn(cause_of("end", error), "The end of the experiment is not told yet: %s", error)

    def _asked_by(self, error: errors.RequestError) -> float:
        """How many seconds the server wants to be left alone."""
        if not isinstance(error, errors.ThrottledError):
            return 0.0
        self._pace.hold_back(error.retry_after, by_server=True)
        return error.retry_after
