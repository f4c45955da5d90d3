"""Values as a reader wants them: short numbers, durations, sizes, relative times. The whole value goes in a title."""

from __future__ import annotations

import math
from datetime import datetime, timezone

ABSENT = "—"
_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def number(value: float | int | None, digits: int = 5) -> str:
    """`value` to `digits` significant digits; "NaN", "∞" and "-∞" by name; a dash for None."""
    if value is None:
        return ABSENT
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if 1e-4 <= abs(value) < 1e6:
        # Significant digits, but never an exponent and never a cut of the whole part.
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return text


def duration(seconds: float | None) -> str:
    """Two units at most: "0.4 s", "12 s", "3 m 05 s", "2 h 07 m", "4 d 03 h"."""
    if seconds is None:
        return ABSENT
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02d} m"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600:02d} h"


def size(count: int | None) -> str:
    """Bytes in units of 1,000: "512 B", "3.4 kB", "1.2 GB"."""
    if count is None:
        return ABSENT
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"


def relative(millis: int | None, now_millis: int) -> str:
    """How long ago, in the largest fitting unit: "just now", "5 minutes ago"."""
    if millis is None:
        return ABSENT
    seconds = (now_millis - millis) / 1_000
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def absolute(millis: int | None) -> str:
    """The moment in UTC to the second: "2026-03-01 14:05:09 UTC"."""
    return "" if millis is None else f"{_moment(millis):%Y-%m-%d %H:%M:%S} UTC"


def iso(millis: int | None) -> str:
    """The moment for a `datetime` attribute."""
    return "" if millis is None else _moment(millis).isoformat(timespec="milliseconds")


def middle(text: str, limit: int = 48) -> str:
    """`text` in at most `limit` characters, cut in the middle: both ends of a name tell names apart."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[-(limit - 1 - head) :]}"


def _moment(millis: int) -> datetime:
    # Clients choose their timestamps; a senseless one is shown as the end of the calendar, not as an error page.
    bounded = min(max(millis, 0), 253_402_300_799_000)
    return datetime.fromtimestamp(bounded / 1_000, tz=timezone.utc)
