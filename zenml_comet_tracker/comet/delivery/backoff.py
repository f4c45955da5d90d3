"""How long to leave a failing server alone."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 60.0


class Backoff:
    """Doubling waits with jitter, so that many clients do not come back at the same moment.

    Times are of the clock that the caller passes in, in seconds.
    """

    def __init__(self, jitter: Callable[[float, float], float] = random.uniform) -> None:
        self._jitter = jitter
        self._failures = 0
        self.until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def failed(self, now: float, *, at_least: float = 0.0) -> None:
        """Notes a failure; `at_least` is what the server itself asked for."""
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self.until = now + max(at_least, self._jitter(longest / 2, longest))

    def succeeded(self) -> None:
        """Forgets the failures."""
        self._failures = 0
        self.until = 0.0

    def hurry(self) -> None:
        """Allows one attempt now, because somebody waits for it."""
        self.until = 0.0
