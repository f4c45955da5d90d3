"""A series made small enough to draw, without losing an extreme, and smoothed before it is made small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# exp() of less than this much stays far from overflow and from losing digits.
_SPAN = 300.0


@dataclass(frozen=True)
class Line:
    """What a chart draws, one row per drawn point. `low` and `high` are the extremes of all that a row stands for."""

    index: Indices  # of the point each row stands at
    y: Floats
    low: Floats
    high: Floats
    counts: npt.NDArray[np.int64]

    @property
    def exact(self) -> bool:
        """Whether every row is one true point."""
        return bool((self.counts == 1).all())


def smooth(x: Floats, y: Floats, weight: float) -> Floats:
    """The exponential moving average of `y`, unbiased at its start.

    `weight` (0 to below 1) is what remains of a value after a distance of the mean gap in `x`, so that uneven spacing
    does not distort it. `x` ascends, `y` is finite.
    """
    if weight <= 0 or x.size < 2:
        return np.array(y)
    # Halves, because the distance of two finite places may be more than a float holds.
    half = x / 2
    gap = (half[-1] - half[0]) / (x.size - 1)
    distance: Floats = np.diff(half, prepend=half[0]) / gap if gap > 0 else np.ones(x.size)
    # Sums of values no larger than 1 cannot overflow, nor can their average be larger.
    size = float(np.abs(y).max()) or 1.0
    averages = _averages(y / size, np.minimum(-np.log(weight) * distance, _SPAN))
    return np.clip(averages, -1, 1) * size


def _averages(values: Floats, decay: Floats) -> Floats:
    """The recurrence `sum = sum * exp(-decay) + value`, over the same with all values 1, in vectorised blocks."""
    age = np.cumsum(decay)
    averages = np.empty_like(values)
    total = weight = 0.0
    first = 0
    while first < values.size:
        origin = age[first] - decay[first]
        # At least one value a block, also where a single decay fills the whole span.
        last = max(int(np.searchsorted(age, origin + _SPAN, side="right")), first + 1)
        growth = np.exp(age[first:last] - origin)
        totals = (total + np.cumsum(values[first:last] * growth)) / growth
        weights = (weight + np.cumsum(growth)) / growth
        averages[first:last] = totals / weights
        total, weight, first = float(totals[-1]), float(weights[-1]), last
    return averages


def reduce(x: Floats, y: Floats, buckets: int, whole: int = 0) -> Line:
    """At most `buckets` rows with the mean, minimum and maximum of what each holds; the points themselves when
    there are not many more, or up to `whole`.

    Buckets have equal width in `x`, which ascends; a row stands at the middle point of its bucket. `y` is finite.
    """
    if x.size <= max(whole, 2 * buckets):
        return Line(np.arange(x.size), y, y, y, np.ones(x.size, dtype=np.int64))
    starts = bucket_starts(x, buckets)
    counts = np.diff(starts, append=x.size)
    return Line(
        index=starts + counts // 2,
        # A sum of large values may overflow where their mean does not.
        y=np.add.reduceat(y / np.repeat(counts, counts), starts),
        low=np.minimum.reduceat(y, starts),
        high=np.maximum.reduceat(y, starts),
        counts=counts.astype(np.int64),
    )


def bucket_starts(x: Floats, buckets: int) -> Indices:
    """Where each bucket begins that is not empty: buckets of equal width in `x`, which ascends."""
    half = x / 2
    place = half - half[0]
    if place[-1] <= 0:
        # All points stand at one place: split by order, or the line would be a single dot.
        return np.linspace(0, x.size, buckets, endpoint=False).astype(np.intp)
    number = np.minimum((place / place[-1] * buckets).astype(np.intp), buckets - 1)
    return np.flatnonzero(np.diff(number, prepend=-1))
