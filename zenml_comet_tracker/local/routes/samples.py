"""Which points stand for a series when not all of them are asked for: its ends, and the extremes of equal stretches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from zenml_comet_tracker.local.store.points import NO_STEP, Integers, Numbers, Points


def sample(points: Points, limit: int) -> Points:
    """At most `limit` of the points, in order: first and last, and of every stretch the least and the greatest."""
    return points if len(points) <= limit else points.take(_kept(points.values, limit))


def on_common_steps(series: Mapping[str, Points]) -> dict[str, Points]:
    """Only the points at steps at which every series has one; nothing when there is no such step."""
    steps = [np.unique(points.steps[points.steps != NO_STEP]) for points in series.values()]
    common: Integers = reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), steps)
    return _at_steps(series, common) if len(common) else {}


def sample_steps(series: Mapping[str, Points], limit: int) -> dict[str, Points]:
    """As `sample`, but of the same steps in all series, so that they stay comparable: those at which one of them has an
    end or an extreme. Series with several points at one step may keep more than `limit`."""
    if max(map(len, series.values())) <= limit:
        return dict(series)
    share = max(2, limit // len(series))
    steps = [points.steps[_kept(points.values, share)] for points in series.values()]
    return _at_steps(series, np.unique(np.concatenate(steps)))


def _at_steps(series: Mapping[str, Points], steps: Integers) -> dict[str, Points]:
    return {name: points.take(np.isin(points.steps, steps)) for name, points in series.items()}


def _kept(values: Numbers, limit: int) -> NDArray[np.intp]:
    """Indices of the points to keep, ascending."""
    if len(values) <= limit:
        return np.arange(len(values))
    ends = [0, len(values) - 1]
    stretches = (limit - len(ends)) // 2
    if not stretches:
        return np.array(ends)
    starts = np.linspace(0, len(values), stretches, endpoint=False).astype(np.intp)
    # A stretch of nothing but NaN keeps its first.
    least = _first_places(np.where(np.isnan(values), np.inf, values), starts, np.minimum)
    greatest = _first_places(np.where(np.isnan(values), -np.inf, values), starts, np.maximum)
    return np.unique(np.concatenate([ends, least, greatest]))


def _first_places(values: Numbers, starts: NDArray[np.intp], extreme: np.ufunc) -> NDArray[np.intp]:
    """Where each stretch has its extreme first."""
    sizes = np.diff(starts, append=len(values))
    there = np.flatnonzero(values == np.repeat(extreme.reduceat(values, starts), sizes))
    return there[np.searchsorted(there, starts)]
