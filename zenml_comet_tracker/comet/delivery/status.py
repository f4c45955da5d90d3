"""What the server is told of an experiment's life: that it lives, and how it ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.notices import Notices
from zenml_comet_tracker.comet.journal.record import End, Header
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)


class StatusReporter:
    """Heartbeats and the end status of one journal's experiment; only the primary writer's are told.

    A heartbeat is never sent behind the end, whichever thread is faster.
    """

    def __init__(
        self,
        transport: Transport,
        api_key: str,
        header: Header,
        clock: Callable[[], float],
        wall_millis: Callable[[], int],
        *,
        beats: bool,
    ) -> None:
        self._transport = transport
        self._api_key = api_key
        self._header = header
        self._clock = clock
        self._wall_millis = wall_millis
        self._beats = beats and header.primary
        self._notices = Notices(logger, clock)
        self._order = threading.Lock()
        self._next_beat = 0.0
        self._beating = Backoff()
        self._ending = Backoff()
        self.ended = False
        self.held = False
        self.unanswered = 0
        self.last_error: Exception | None = None

    def hurry(self) -> None:
        """Allows an attempt of the end status now."""
        self._ending.hurry()
        self.held = False

    def beat(self, handshake: Handshake) -> float | None:
        """Says that the experiment lives, if that is due; returns the seconds until it is due again."""
        if not self._beats:
            return None
        with self._order:
            now, millis = self._clock(), self._wall_millis()
            due = max(self._next_beat, self._beating.until)
            if self.ended or due > now:
                return None if self.ended else due - now
            try:
                interval = self._report(handshake, alive=True, millis=millis)
            except errors.RequestError as error:
                self._beating.failed(now, at_least=1.0)
                self._notices.warn(f"beat {type(error).__name__}", "A heartbeat was not delivered: %s", error)
                return self._beating.until - now
            self._beating.succeeded()
            self._next_beat = now + interval
            return interval

    def tell_end(self, handshake: Handshake, end: End) -> float | None:
        """Tells how the experiment ended; returns None when that is done, else the seconds until the next attempt."""
        if not self._header.primary:
            return None
        with self._order:
            now = self._clock()
            if self._ending.until > now:
                return self._ending.until - now
            try:
                self._send_end(handshake, end)
            except errors.RequestError as error:
                self._end_not_told(error, now)
                return self._ending.until - now
            self.last_error = None
            self.unanswered = 0
            return None

    def _send_end(self, handshake: Handshake, end: End) -> None:
        # The failure first, so that no reader sees a success in between.
        if end.error is not None:
            experiments.report_failure(
                self._transport, self._header.experiment_key, error=end.error, millis=end.at_millis, attempt=end.attempt
            )
        self._report(handshake, alive=False, millis=end.at_millis)

    def _end_not_told(self, error: errors.RequestError, now: float) -> None:
        self.last_error = error
        self.unanswered = self.unanswered + 1 if isinstance(error, errors.ConnectionFailedError) else 0
        self.held = not error.retryable
        asked = error.retry_after if isinstance(error, errors.ThrottledError) else 0.0
        self._ending.failed(now, asked=asked, at_least=60.0 if self.held else 0.0)
        self._notices.warn(f"end {type(error).__name__}", "The end of the experiment is not told yet: %s", error)

    def _report(self, handshake: Handshake, *, alive: bool, millis: int) -> float:
        return experiments.report_status(
            self._transport,
            self._api_key,
            self._header.experiment_key,
            handshake,
            alive=alive,
            millis=millis,
            attempt=self._header.attempt,
        )
