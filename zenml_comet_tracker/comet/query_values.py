"""What a query compares with -> values of the wire."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidQueryError


def short(value: object) -> str:
    """The value as code writes it, for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def wire_value(value: Any) -> str | float | int | None:
    """The value as the wire has it; TypeError for none of its kinds."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, datetime):
        moment = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(" ")
    if isinstance(value, date):
        return datetime.combine(value, time()).isoformat(" ")
    if isinstance(value, timedelta):
        return _wire_number(value.total_seconds())
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else _beyond_64_bits(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _wire_number(value)
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        return wire_value(_of_numpy(value).item())
    raise TypeError


def _of_numpy(value: Any) -> Any:
    """The value with its times in microseconds: finer ones would turn into plain integers."""
    # Tensors have a dtype too, of another kind.
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    unit = {"M": "datetime64[us]", "m": "timedelta64[us]"}.get(str(kind))
    return value if unit is None else value.astype(unit)


def _beyond_64_bits(value: int) -> float | int | str:
    """The nearest number that JSON readers agree on."""
    try:
        return float(value)
    except OverflowError:
        return _wire_number(math.inf if value > 0 else -math.inf)


def sendable(text: str) -> str:
    """The text itself; `InvalidQueryError` for one that JSON cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidQueryError(f"{short(text)} holds half a character, which no text that is sent can.") from None
    return text


def _wire_number(number: float) -> float | int | str:
    """A whole number as an integer, and what JSON cannot hold as the text that Comet uses for it."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return int(number) if number.is_integer() else number
