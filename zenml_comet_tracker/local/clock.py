"""The time of the local server, in milliseconds since the epoch; tests hand in a clock that they turn."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]


def system_clock() -> int:
    """Now, by the machine's clock."""
    return time.time_ns() // 1_000_000
