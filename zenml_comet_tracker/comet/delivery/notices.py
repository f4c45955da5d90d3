"""Warnings about delivery, at most one a minute for each cause."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.errors import ConnectionFailedError

INTERVAL_SECONDS = 60.0
OUTAGE = "outage"


def cause_of(what: str, error: Exception) -> str:
    """The cause of `error` when `what` was tried; an outage is one, because everything that is tried fails by it."""
    return OUTAGE if isinstance(error, ConnectionFailedError) else f"{what} {type(error).__name__}"


class Memory:
    """What was said within the last minute."""

    def __init__(self) -> None:
        self._lock = forks.Lock()
        self._last: dict[str, float] = {}

    def is_news(self, cause: str, now: float) -> bool:
        """Whether it is to be said now; whoever is told so says it."""
        with self._lock:
            last = self._last.get(cause)
            if last is not None and now - last < INTERVAL_SECONDS:
                return False
            self._last[cause] = now
            return True

    def forget(self) -> None:
        """Takes everything for news again."""
        with self._lock:
            self._last.clear()


class Notices:
    """Passes warnings on to a logger, leaving out repetitions; with `quiet`, as messages for debugging.

    With `server` an outage is told once for all of the process that is meant for the same one.
    """

    def __init__(
        self,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        *,
        quiet: bool = False,
        server: str | None = None,
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._level = logging.DEBUG if quiet else logging.WARNING
        self.memory = Memory()
        self._outages = self.memory if quiet or server is None else _of_servers.setdefault(server, Memory())

    def warn(self, cause: str, message: str, *arguments: object) -> None:
        """Says `message` unless one with the same cause was said within the last minute."""
        memory = self._outages if cause == OUTAGE else self.memory
        if memory.is_news(cause, self._clock()):
            self._logger.log(self._level, message, *arguments)


_of_servers: dict[str, Memory] = {}
# Another thread of the parent may have held a lock.
os.register_at_fork(after_in_child=_of_servers.clear)
