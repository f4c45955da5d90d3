"""How long to leave a failing server alone."""

from __future__ import annotations

import random
from collections.abc import Callable

from zenml_comet_tracker.comet.errors import ConnectionFailedError, StatusError

# A single dropped connection should cost next to nothing.
FIRST_SECONDS = 0.05
LONGEST_SECONDS = 60.0
# One lost connection is no outage; this many in a row are.
UNANSWERED_MEANS_AWAY = 3
# Within so long is tried again what got no answer, once the server answers something else.
ANSWERS_AGAIN_SECONDS = 1.0

# Not the program's generator: drawing from that would change the numbers that a seeded step gets.
_own_random = random.SystemRandom()


class Backoff:
    """Doubling waits with jitter, so that many clients do not come back at the same moment.

    Times are of the clock that the caller passes in, in seconds. `failures` counts those in a row; `unanswered` says
    that the last of them was no answer at all.
    """

    def __init__(self, jitter: Callable[[float, float], float] = _own_random.uniform) -> None:
        self._jitter = jitter
        self._asked_until = 0.0
        self._resting = False
        self.failures = 0
        self.unanswered = False
        self.until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.failures > 0

    @property
    def resting(self) -> bool:
        """Whether the next attempt waits for something, a failure or not."""
        return self.failing or self._resting

    def rest(self, now: float, seconds: float, *, asked: bool = False) -> None:
        """Puts the next attempt off without a failure; with `asked`, nobody overrides it."""
        self._resting = True
        self.until = now + seconds
        self._asked_until = self.until if asked else 0.0

    def failed(
        self, now: float, *, at_least: float = 0.0, asked: float = 0.0, because: Exception | None = None
    ) -> None:
        """Notes a failure. `at_least` is our own caution; `asked` is what the server wants, which nobody overrides."""
        self.unanswered = _no_answer(because)
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self.failures, 16))
        self.failures += 1
        self._asked_until = now + asked
        self.until = now + max(at_least, asked, self._jitter(longest / 2, longest))

    def succeeded(self) -> None:
        """Forgets the failures."""
        self.failures = 0
        self.unanswered = False
        self.until = self._asked_until = 0.0
        self._resting = False

    def hurry(self) -> None:
        """Allows one attempt now, because somebody waits for it; not before the time that the server asked for."""
        self.until = min(self.until, self._asked_until)
        self._resting = self._resting and self.until > 0.0

    def answers_again(self, now: float) -> bool:
        """Makes an attempt due soon if only silence put it off: the server answers others. Whether that changed it."""
        soon = max(self._asked_until, now + self._jitter(0.0, ANSWERS_AGAIN_SECONDS))
        if not self.unanswered or self.until <= soon:
            return False
        self.until = soon
        return True


def _no_answer(error: Exception | None) -> bool:
    """Whether the server gave none, to us or to a gateway before it."""
    through_gateway = isinstance(error, StatusError) and error.status in (502, 504)
    return through_gateway or isinstance(error, ConnectionFailedError)
