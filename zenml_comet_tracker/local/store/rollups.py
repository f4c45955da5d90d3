"""What every 64 points of a series come to: enough to draw a long series, and to lose no spike, without its points.

Extremes are those of the finite values; how many of the 64 are not finite is told beside them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zenml_comet_tracker.local.store.points import Points

GROUP_POINTS = 64
# A chunk of fewer points is read faster than a rollup is looked up.
LEAST_POINTS = 4 * GROUP_POINTS

Groups: TypeAlias = NDArray[Any]

# One entry a group. Of the axes the first and the last place; between them they ascend where `ascending` says so.
GROUP = np.dtype(
    [
        ("first", "<f8"),
        ("last", "<f8"),
        ("low", "<f8"),  # +inf when nothing is finite
        ("high", "<f8"),  # -inf when nothing is finite
        ("mean", "<f8"),  # of what is finite
        ("step_first", "<i8"),
        ("step_last", "<i8"),
        ("epoch_first", "<f8"),
        ("epoch_last", "<f8"),
        ("millis_first", "<i8"),
        ("millis_last", "<i8"),
        ("count", "u1"),
        ("finite", "u1"),
        ("low_at", "u1"),  # place among the group's points
        ("high_at", "u1"),
        ("ascending", "u1"),
    ]
)
STEPS_ASCEND, EPOCHS_ASCEND, MILLIS_ASCEND = 1, 2, 4


def groups(points: Points) -> Groups:
    """The rollup of the points, 64 by 64 from the first on; the last group may hold fewer."""
    count = len(points)
    starts = np.arange(0, count, GROUP_POINTS)
    ends = np.minimum(starts + GROUP_POINTS, count) - 1
    made: Groups = np.zeros(len(starts), GROUP)
    made["count"] = ends - starts + 1
    made["first"], made["last"] = points.values[starts], points.values[ends]
    made["step_first"], made["step_last"] = points.steps[starts], points.steps[ends]
    made["epoch_first"], made["epoch_last"] = points.epochs[starts], points.epochs[ends]
    made["millis_first"], made["millis_last"] = points.millis[starts], points.millis[ends]
    _tell_extremes(made, points.values, starts)
    _tell_order(made, points, starts)
    return made


def pack(made: Groups) -> bytes:
    """The rollup as bytes."""
    return made.tobytes()


def unpack(packed: bytes) -> Groups:
    """The rollup that was packed; several, one after the other, come back as one."""
    return np.frombuffer(packed, GROUP)


def _tell_extremes(made: Groups, values: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
    finite = np.isfinite(values)
    rows = np.arange(len(made))
    for which, neutral, find in (("low", np.inf, np.argmin), ("high", -np.inf, np.argmax)):
        flat = np.full(len(made) * GROUP_POINTS, neutral)
        flat[: len(values)][finite] = values[finite]
        padded = flat.reshape(-1, GROUP_POINTS)
        made[f"{which}_at"] = at = find(padded, axis=1)
        made[which] = padded[rows, at]
    made["finite"] = np.add.reduceat(finite, starts, dtype=np.int64)
    # A sum of large values may overflow where their mean does not.
    shares = np.where(finite, values, 0) / np.repeat(np.maximum(made["finite"], 1), made["count"])
    made["mean"] = np.add.reduceat(shares, starts)


def _tell_order(made: Groups, points: Points, starts: NDArray[np.int64]) -> None:
    # No epoch stands before all others, as no step does.
    epochs = np.where(np.isnan(points.epochs), -np.inf, points.epochs)
    odd = np.isinf(points.epochs)
    for flag, column in ((STEPS_ASCEND, points.steps), (EPOCHS_ASCEND, epochs), (MILLIS_ASCEND, points.millis)):
        falls = np.zeros(len(column), np.bool_)
        falls[1:] = column[1:] < column[:-1]
        # From one group to the next is for whoever puts groups side by side.
        falls[starts] = False
        if flag == EPOCHS_ASCEND:
            falls |= odd
        made["ascending"] |= np.where(np.logical_or.reduceat(falls, starts), 0, flag).astype(np.uint8)
