"""Wire values to stored ones and back: numbers that JSON cannot hold, and the text that stands for any value."""

from __future__ import annotations

import math
from typing import Any

import orjson

_COUNTED = 2.0**53
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_double(value: Any) -> float | None:
    """The number that a wire value means: a number, or a text that spells one ("NaN" and "Infinity" too); else None."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return _SPECIAL[value] if value in _SPECIAL else float(value)
        except ValueError:
            return None
    return None


def double_text(value: float | None) -> str:
    """A number the way Comet writes it: always as a double, so 10 reads "10.0". None is NaN, as in the database."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def double_json(value: float) -> float | str:
    """A number as JSON: NaN and infinities as texts, since JSON has no others."""
    return value if math.isfinite(value) else double_text(value)


def epoch_json(value: float) -> int | float | None:
    """An epoch as JSON: whole where it is whole, None where there is none."""
    if math.isnan(value):
        return None
    return whole_json(value) if value.is_integer() else value


def whole_json(value: float) -> int | float | None:
    """A whole number as JSON: without a point while doubles count by ones, then as it is; None for infinities."""
    if not math.isfinite(value):
        return None
    return int(value) if abs(value) <= _COUNTED else value


def to_text(value: Any) -> str:
    """The text that stands for a parameter or other: texts as they are, all else as JSON writes it."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
