"""How an experiment gives way to a server that says it is too much, and for how long it was held back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Short enough to look live on a page; long enough that a value logged each moment costs 3,600 requests an hour, of the
# 15,000 that Comet grants, and that a burst of calls has the interpreter for itself.
GATHER_SECONDS = 1.0
# A batch every eight seconds instead of each second is as far as gathering should go: people look at the page.
MOST = 8.0
CALM_SECONDS = 60.0
# A server takes an experiment that is silent for long for dead.
MOST_FOR_BEATS = 2.0


class Pace:
    """Stretched to twice its length by each refusal for too many requests, and back by each calm minute.

    `held_back_by_server` says whether the server ever asked for it, `held_back_by_us` whether our own allowance did.
    Threads: any number.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stretch = 1.0
        self._until = 0.0
        self._planned = 0.0
        self.held_back_by_server = False
        self.held_back_by_us = False

    @property
    def stretch(self) -> float:
        """How many times as long as usual to gather before a batch goes: 1 to 8."""
        with self._lock:
            return self._relaxed()

    @property
    def beat_stretch(self) -> float:
        """How many times as long as the server wants to wait between signs of life: 1 to 2."""
        return min(MOST_FOR_BEATS, self.stretch)

    @property
    def throttled_seconds(self) -> float:
        """How long something was held back so far, by the server or by our own allowance."""
        with self._lock:
            return self._planned - max(0.0, self._until - self._clock())

    def hold_back(self, seconds: float, *, by_server: bool) -> None:
        """Notes that something has to wait so long from now."""
        with self._lock:
            now = self._clock()
            self.held_back_by_us |= not by_server
            if by_server:
                self.held_back_by_server = True
                # Several lanes are refused in one storm, which is one reason to slow down.
                if now >= self._until:
                    self._stretch = min(MOST, self._relaxed() * 2)
            end = max(self._until, now + seconds)
            self._planned += end - max(now, self._until)
            self._until = end

    def _relaxed(self) -> float:
        calm_minutes = int(max(0.0, self._clock() - self._until) / CALM_SECONDS)
        return max(1.0, self._stretch / (1 << min(64, calm_minutes)))
