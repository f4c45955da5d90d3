"""Warnings about delivery, at most one a minute for each cause."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from zenml_comet_tracker.comet.errors import ConnectionFailedError

INTERVAL_SECONDS = 60.0


def cause_of(what: str, error: Exception) -> str:
    """The cause of `error` when `what` was tried; an outage is one, because everything that is tried fails by it."""
    return "outage" if isinstance(error, ConnectionFailedError) else f"{what} {type(error).__name__}"


class Notices:
    """Passes warnings on to a logger, leaving out repetitions; with `quiet`, as messages for debugging."""

    def __init__(
        self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic, *, quiet: bool = False
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._level = logging.DEBUG if quiet else logging.WARNING
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def warn(self, cause: str, message: str, *arguments: object) -> None:
        """Says `message` unless one with the same cause was said within the last minute."""
        now = self._clock()
        with self._lock:
            last = self._last.get(cause)
            if last is not None and now - last < INTERVAL_SECONDS:
                return
            self._last[cause] = now
        self._logger.log(self._level, message, *arguments)
