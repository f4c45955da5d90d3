"""One value -> the number or scalar that it is. Nothing here raises on a value, whatever its type does."""

from __future__ import annotations

import enum
import math
import numbers
import os
from collections import deque
from collections.abc import Sequence, Set
from itertools import islice
from typing import Any

from zenml_comet_tracker.comet.guard import interrupts
from zenml_comet_tracker.comet.texts import clean, text_of

# An array with more elements is data and no parameter; its own text is a summary of it.
MAX_ELEMENTS = 10_000
# Integers up to here have a float64 of their own.
_EXACT = 2**53

# What `plain` makes of scalars, exactly.
SCALARS = frozenset({str, bool, int, float})

# Made once, because asking for `float | int` makes one for each question.
_NUMBERS = (float, int)

WireNumber = float | str


def number_of(value: Any) -> float | None:
    """A float for anything that is one number: Python, numpy, torch and Decimal scalars, booleans, number texts."""
    try:
        if isinstance(value, _NUMBERS):
            return float(value)
        if isinstance(value, enum.Enum):
            return number_of(value.value)
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if _is_no_number(value):
            return None
        if isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real):
            # Those of numpy give up their imaginary part with no more than a warning.
            return None
        if isinstance(value, numbers.Number | str):
            return _unless_overflown(float(value), value)  # type: ignore[arg-type]
        # `float` reads the digits of bytes as well, which hold anything but a number.
        return None if isinstance(value, bytes | bytearray | memoryview | list | tuple) else _of_array(value)
    except Exception as error:
        if interrupts(error):
            raise
        # A user's type may raise anything from its conversion, and an integer beyond float64 raises OverflowError:
        # calling that infinite would be untrue.
        return None


def is_rounded(value: Any) -> bool:
    """Whether a metric's integer is beyond those that float64 keeps apart."""
    return issubclass(type(value), int) and not -_EXACT <= value <= _EXACT


def wire_number(number: float) -> WireNumber:
    """A float as JSON can carry it: non-finite values as Comet's strings."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def plain(value: Any) -> Any:
    """The scalar that a value is, or holds alone, as JSON can carry it; the value itself when it is none.

    >>> plain(None), plain(2**70), plain([1])
    ('None', '1180591620717411303424', [1])
    """
    kind = type(value)
    if kind is str:
        return clean(value)
    if kind is bool:
        return value
    if value is None:
        return "None"
    try:
        return _scalar_in(value.value if isinstance(value, enum.Enum) else value)
    except Exception as error:
        if interrupts(error):
            raise
        # As in `number_of`; the value's text may still be had.
        return value


def elements(value: Any) -> list[Any] | None:
    """The elements of a list, a set (in the order of their texts) or an array that is not too large; else None."""
    try:
        if isinstance(value, Set):
            return sorted(value, key=text_of)
        if isinstance(value, list | tuple | deque):
            return list(value)
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview | range):
            length = len(value)
            return list(islice(value, length)) if length <= MAX_ELEMENTS else None
        tolist = getattr(value, "tolist", None)
        if callable(tolist) and math.prod(value.shape) <= MAX_ELEMENTS:
            found = tolist()
            return found if isinstance(found, list) else None
    except Exception as error:
        if interrupts(error):
            raise
        # As in `number_of`.
        return None
    return None


def _is_no_number(value: Any) -> bool:
    """Whether numpy would make up a number: for a date, a span of time, or an element that is masked."""
    if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):
        return True
    mask = getattr(value, "mask", None)
    return mask is not None and not callable(mask) and bool(getattr(mask, "any", bool)())


def _of_array(value: Any) -> float:
    item = getattr(value, "item", None)
    return float(item() if callable(item) else value)


def _unless_overflown(number: float, value: Any) -> float | None:
    """None where `float` made infinity of a number that is finite."""
    if not math.isinf(number):
        return number
    infinite = "inf" in value.lower() if isinstance(value, str) else value == number
    return number if infinite else None


def _scalar_in(value: Any) -> Any:
    if value is None:
        return "None"
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        # JSON readers, Comet's own among them, hold integers beyond 64 bits wrongly or not at all.
        return int(value) if -(2**63) <= value < 2**64 else text_of(int(value))
    if isinstance(value, float):
        return wire_number(float(value))
    if isinstance(value, os.PathLike):
        return text_of(os.fspath(value))
    if isinstance(value, list | tuple):
        return value
    if _is_no_number(value):
        return value
    item = getattr(value, "item", None)
    found = item() if callable(item) else value
    return plain(found) if isinstance(found, str | bool | int | float) else value
