"""How long a server that answers 429 wants to be left alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

# What Comet's own client waits on a 429 that names no time.
DEFAULT_SECONDS = 60.0
# A slip of the server's clock must not silence us for good.
LONGEST_SECONDS = 3_600.0


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds, from `Retry-After-Custom`, else `Retry-After` (seconds or a date), else 60; at most an hour."""
    for name in ("Retry-After-Custom", "Retry-After"):
        seconds = seconds_until(headers.get(name, ""), headers.get("Date", ""))
        if seconds is not None:
            return min(max(0.0, seconds), LONGEST_SECONDS)
    return DEFAULT_SECONDS


def seconds_until(said: str, now: str) -> float | None:
    """From a number of seconds, or from a date by the server's own clock; None for what is neither."""
    try:
        seconds = float(said)
        return None if math.isnan(seconds) else seconds
    except ValueError:
        return _until_date(said, now)


def _until_date(said: str, now: str) -> float | None:
    try:
        begin = parsedate_to_datetime(now).timestamp() if now else time.time()
        return parsedate_to_datetime(said).timestamp() - begin
    except (ValueError, OverflowError):
        return None
