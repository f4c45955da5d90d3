"""Points of a metric as columns, and each column as the fewest plain bytes that give it back to the bit."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

NO_STEP = int(np.iinfo(np.int64).min)

Integers: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.float64]

_FLOAT = np.dtype("<f8")
_INT = np.dtype("<i8")
_WIDTH = 8

# What the first byte of a packed column says of the rest. A column of full width has no such byte: its length tells it,
# eight bytes a point, which every packed one is shorter than.
_EVEN = b"="  # first value and distance
# First value and narrow distances.
_GAPS: dict[bytes, np.dtype[Any]] = {b"b": np.dtype("<i1"), b"h": np.dtype("<i2"), b"i": np.dtype("<i4")}
_ONE_NUMBER = b"1"
_WHOLE_NUMBERS = b"w"  # followed by packed integers
_SHORT_NUMBERS = b"f"  # single precision holds them all
_SHORT = np.dtype("<f4")


@dataclass(frozen=True)
class Points:
    """Columns of equal length: value, step (`NO_STEP` = none), epoch (NaN = none), time in milliseconds."""

    values: Numbers
    steps: Integers
    epochs: Numbers
    millis: Integers

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(
        cls,
        values: Sequence[float],
        steps: Sequence[int | None],
        epochs: Sequence[float | None],
        millis: Sequence[int],
    ) -> Points:
        """Points from lists, None where a point has no step or epoch."""
        return cls(
            np.array(values, _FLOAT),
            np.array([NO_STEP if step is None else step for step in steps], _INT),
            np.array([np.nan if epoch is None else epoch for epoch in epochs], _FLOAT),
            np.array(millis, _INT),
        )

    @classmethod
    def join(cls, parts: Sequence[Points]) -> Points:
        """The points of all parts, one after the other."""
        if not parts:
            return cls.of([], [], [], [])
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.epochs for part in parts]),
            np.concatenate([part.millis for part in parts]),
        )

    def take(self, selection: slice | NDArray[Any]) -> Points:
        """The selected points: a slice, indices or a mask."""
        return Points(self.values[selection], self.steps[selection], self.epochs[selection], self.millis[selection])

    def step_range(self) -> tuple[int | None, int | None]:
        """The least and the greatest step; None when no point has one."""
        least = int(self.steps.min())
        if least > NO_STEP:
            return least, int(self.steps.max())
        steps = self.steps[self.steps != NO_STEP]
        return (int(steps.min()), int(steps.max())) if len(steps) else (None, None)

    def extremes(self) -> tuple[int | None, int | None]:
        """Where the least and the greatest value stand first; NaN takes no part, None when there is nothing but NaN."""
        least = int(self.values.argmin())
        # argmin() takes the first NaN there is for the least.
        if not np.isnan(self.values[least]):
            return least, int(self.values.argmax())
        if np.isnan(self.values).all():
            return None, None
        return int(np.nanargmin(self.values)), int(np.nanargmax(self.values))


def number_or_none(value: float) -> float | None:
    """The value as SQLite can hold it: NULL for NaN."""
    return None if np.isnan(value) else float(value)


def pack_integers(column: Integers) -> bytes:
    """The column as bytes: evenly spaced or close together takes less than eight bytes a value."""
    if len(column) < 3:
        return _whole_width(column, _INT)
    # Distances beyond 64 bits wrap around, and back when they are added up again.
    gaps = np.diff(column)
    first, low, high = int(column[0]), int(gaps.min()), int(gaps.max())
    if low == high:
        return _EVEN + struct.pack("<qq", first, low)
    for tag, kind in _GAPS.items():
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            return tag + struct.pack("<q", first) + gaps.astype(kind).tobytes()
    return _whole_width(column, _INT)


def unpack_integers(packed: bytes, count: int) -> Integers:
    """The column of `count` values that was packed."""
    if len(packed) == count * _WIDTH:
        return np.frombuffer(packed, _INT)
    tag, (first,) = packed[:1], struct.unpack_from("<q", packed, 1)
    if tag == _EVEN:
        (gap,) = struct.unpack_from("<q", packed, 9)
        even: Integers = np.arange(count, dtype=_INT) * gap + first
        return even
    column = np.empty(count, _INT)
    column[0] = first
    column[1:] = np.frombuffer(packed, _GAPS[tag], offset=9)
    return np.cumsum(column, out=column)


def pack_numbers(column: Numbers) -> bytes:
    """The column as bytes: one value all over, whole numbers or such of single precision take less than eight each."""
    if len(column) < 3:
        return _whole_width(column, _FLOAT)
    bits = column.view(np.int64)
    if bool((bits == bits[0]).all()):
        return _ONE_NUMBER + column[:1].astype(_FLOAT, copy=False).tobytes()
    with np.errstate(invalid="ignore", over="ignore"):
        whole = column.astype(_INT)
        if _same_bits(whole, bits):
            packed = pack_integers(whole)
            return _WHOLE_NUMBERS + packed if len(packed) < len(column) * _WIDTH else _whole_width(column, _FLOAT)
        short = column.astype(_SHORT)
        if _same_bits(short, bits):
            return _SHORT_NUMBERS + short.tobytes()
    return _whole_width(column, _FLOAT)


def unpack_numbers(packed: bytes, count: int) -> Numbers:
    """The column of `count` values that was packed."""
    if len(packed) == count * _WIDTH:
        return np.frombuffer(packed, _FLOAT)
    if packed[:1] == _ONE_NUMBER:
        return np.repeat(np.frombuffer(packed, _FLOAT, offset=1), count)
    if packed[:1] == _WHOLE_NUMBERS:
        return unpack_integers(packed[1:], count).astype(_FLOAT)
    return np.frombuffer(packed, _SHORT, offset=1).astype(_FLOAT)


def _whole_width(column: NDArray[Any], kind: np.dtype[Any]) -> bytes:
    return column.astype(kind, copy=False).tobytes()


def _same_bits(column: NDArray[Any], bits: Integers) -> bool:
    """Whether the column, as numbers of full width, is what it was made from: zero's sign and NaN's kind count."""
    return bool((column.astype(_FLOAT).view(np.int64) == bits).all())
