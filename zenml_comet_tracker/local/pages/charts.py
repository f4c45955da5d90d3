"""The data of a chart: a series on the asked x axis, smoothed as a whole, then cut to the window and the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from zenml_comet_tracker.local.pages import sampling
from zenml_comet_tracker.local.store.points import NO_STEP, Points

Axis: TypeAlias = Literal["step", "epoch", "duration", "wall"]

# A browser draws this many points of a line as fast as fewer: no need to stand anything for anything.
_WHOLE = 1_000
# More marks than this would hide the chart; the count is told in full.
MARKS = 100
# The years 1 to 9999: beyond them neither browsers nor Plotly can write a moment.
_FIRST_MILLIS, _LAST_MILLIS = -62_135_596_800_000, 253_402_300_799_999
# JavaScript counts this far; a float tells the rest as well as any reader there could.
_WHOLE_NUMBERS = 2.0**53


@dataclass(frozen=True)
class Look:
    """How a reader looks at the charts of an experiment: x axis, smoothing weight, rows to draw, window in x."""

    axis: Axis = "step"
    smoothing: float = 0.0
    buckets: int = 400
    low: float | None = None
    high: float | None = None


def chart(points: Points, start_millis: int, look: Look) -> dict[str, Any]:
    """What the page draws of one series, ready for JSON: columns of equal length, absent where not needed.

    `x`, `y`; `low`, `high` when a row stands for several points; `smooth` when smoothing; `marks` of values that are
    not finite; `total` points; `note` in words where the drawing is not simply the points.
    """
    x, note = _x(points, start_millis, look.axis)
    placed, misplaced = _placed(x, look.axis)
    x, y = x[placed], points.values[placed]
    # Stable: points at one place stay in the order in which they were logged.
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    finite = np.isfinite(y)
    marks = _marks(x[~finite], y[~finite])
    x, y = x[finite], y[finite]
    smoothed = sampling.smooth(x, y, look.smoothing) if look.smoothing > 0 else None
    window = _window(x, look)
    line = sampling.reduce(x[window], y[window], look.buckets, _WHOLE)
    drawn: dict[str, Any] = {
        "x": column(x[window][line.index], look.axis),
        "y": line.y,
        "marks": marks,
        "total": len(points),
        "note": ". ".join(part for part in (note, misplaced, marks_note(marks, int((~finite).sum()))) if part),
    }
    if not line.exact:
        drawn.update(low=line.low, high=line.high, counts=line.counts)
    if smoothed is not None:
        drawn["smooth"] = smoothed[window][line.index]
    return drawn


def in_order(axis: Axis) -> str:
    """What is said of a series that nobody gave places on this axis."""
    return f"Logged without {axis}s: shown in order"


def within_years(millis: sampling.Floats) -> npt.NDArray[np.bool_]:
    """Which moments a browser can write."""
    return (millis >= _FIRST_MILLIS) & (millis <= _LAST_MILLIS)


def _x(points: Points, start_millis: int, axis: Axis) -> tuple[sampling.Floats, str]:
    if axis == "wall":
        return points.millis.astype(np.float64), ""
    if axis == "duration":
        return (points.millis.astype(np.float64) - start_millis) / 1_000, ""
    given = points.epochs if axis == "epoch" else np.where(points.steps == NO_STEP, np.nan, points.steps)
    absent = np.isnan(given)
    if not absent.any():
        return given.astype(np.float64), ""
    if absent.all():
        return np.arange(1, given.size + 1, dtype=np.float64), in_order(axis)
    return _carried(given), f"{int(absent.sum()):,} of {given.size:,} values without {axis} stand at the one before"


def _carried(given: sampling.Floats) -> sampling.Floats:
    """`given` with each absent entry taking the one before it; the first ones take the first that is there."""
    present = np.flatnonzero(~np.isnan(given))
    places = np.searchsorted(present, np.arange(given.size), side="right") - 1
    carried: sampling.Floats = given[present[np.maximum(places, 0)]]
    return carried


def _placed(x: sampling.Floats, axis: Axis) -> tuple[npt.NDArray[np.bool_], str]:
    """Which points have a place on the axis, and how many have none in words."""
    placed = within_years(x) if axis == "wall" else np.isfinite(x)
    lost = int(x.size - placed.sum())
    where = "outside the years 1 to 9999" if axis == "wall" else f"at an infinite {axis}"
    return placed, f"{lost:,} value{'' if lost == 1 else 's'} {where} not drawn" if lost else ""


def _window(x: sampling.Floats, look: Look) -> slice:
    # One point more on either side lets the line run to the edge of the chart.
    first = 0 if look.low is None else max(0, int(np.searchsorted(x, look.low, side="left")) - 1)
    last = x.size if look.high is None else min(x.size, int(np.searchsorted(x, look.high, side="right")) + 1)
    return slice(first, max(first, last))


def column(x: sampling.Floats, axis: Axis) -> npt.NDArray[Any]:
    """Places as they are sent: whole where the axis has whole numbers."""
    whole = axis in ("step", "wall") and bool((np.abs(x) <= _WHOLE_NUMBERS).all())
    return x.astype(np.int64) if whole else x


def _marks(x: sampling.Floats, y: sampling.Floats) -> list[dict[str, Any]]:
    kinds = np.where(np.isnan(y), "NaN", np.where(y > 0, "∞", "-∞"))
    return [{"x": float(at), "kind": str(kind)} for at, kind in zip(x[:MARKS], kinds[:MARKS], strict=True)]


def marks_note(marks: list[dict[str, Any]], count: int) -> str:
    """What is said of `count` values that are not finite, of which `marks` are the first."""
    if not count:
        return ""
    kinds = sorted({mark["kind"] for mark in marks})
    return f"{count:,} value{'' if count == 1 else 's'} {' or '.join(kinds)}"
