"""The chart of a long series from its rollup, so that a million points are drawn from a few hundred kilobytes.

Rows then hold whole groups of 64 points. Where that would be too coarse, or groups lie over each other on the axis, the
points themselves are read, only those in the window where that will do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zenml_comet_tracker.local.pages import charts, sampling
from zenml_comet_tracker.local.pages.charts import Axis, Look
from zenml_comet_tracker.local.store import rollups, series
from zenml_comet_tracker.local.store.points import NO_STEP
from zenml_comet_tracker.local.store.series import Outline
from zenml_comet_tracker.local.store.views import Reader

# A row of the chart holds at least so many groups; with fewer, their edges would show.
_GROUPS_PER_ROW = 4
_FLAGS: dict[Axis, int] = {
    "step": rollups.STEPS_ASCEND,
    "epoch": rollups.EPOCHS_ASCEND,
    "duration": rollups.MILLIS_ASCEND,
    "wall": rollups.MILLIS_ASCEND,
}


@dataclass(frozen=True)
class _Laid:
    """The groups in the order of the axis, and where each begins and ends on it."""

    groups: rollups.Groups
    chunks: sampling.Indices
    first: sampling.Floats
    last: sampling.Floats
    counted: bool  # whether places are numbers of points, because none was logged
    note: str

    def within(self, window: slice) -> _Laid:
        """The groups in the window."""
        parts = (self.groups[window], self.chunks[window], self.first[window], self.last[window])
        return _Laid(*parts, counted=self.counted, note=self.note)

    def chunk_ids(self) -> list[int]:
        """The chunks of the groups, in their order, each once."""
        return list(dict.fromkeys(self.chunks.tolist()))


def chart(reader: Reader, metric_id: int, count: int, start_millis: int, look: Look) -> dict[str, Any]:
    """As `charts.chart`, of a metric of `count` points."""
    if look.smoothing == 0 and count >= look.buckets * _GROUPS_PER_ROW * rollups.GROUP_POINTS:
        laid = _laid(series.outline(reader, metric_id), start_millis, look.axis)
        drawn = _of_groups(reader, laid, start_millis, look) if laid else None
        if drawn is not None:
            return drawn
    return charts.chart(series.read(reader, metric_id), start_millis, look)


def _laid(outline: Outline, start_millis: int, axis: Axis) -> _Laid | None:
    """The groups side by side on the axis; None when they lie over each other, or when not all have a place there."""
    groups = outline.groups
    if not (groups["ascending"] & _FLAGS[axis]).all():
        return None
    first, last, note = _places(outline, start_millis, axis)
    if note and (groups["finite"] < groups["count"]).any():
        # Where those values stand is known only from all points before them.
        return None
    if not (np.isfinite(first).all() and np.isfinite(last).all()):
        return None
    # Stable: writers whose groups begin at one place stay in order.
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    if (first[1:] < last[:-1]).any():
        return None
    return _Laid(groups[order], outline.chunks[order], first, last, bool(note), note)


def _places(outline: Outline, start_millis: int, axis: Axis) -> tuple[sampling.Floats, sampling.Floats, str]:
    """Where groups begin and end; NaN where that takes a look at their points."""
    groups = outline.groups
    if axis in ("wall", "duration"):
        ends = [groups[f"millis_{end}"].astype(np.float64) for end in ("first", "last")]
        if axis == "duration":
            return (ends[0] - start_millis) / 1_000, (ends[1] - start_millis) / 1_000, ""
        first, last = (np.where(charts.within_years(end), end, np.nan) for end in ends)
        return first, last, ""
    first, last = (_given(groups[f"{axis}_{end}"]) for end in ("first", "last"))
    if np.isnan(first).all() and np.isnan(last).all() and outline.writers == 1:
        ends_at = np.cumsum(groups["count"], dtype=np.float64)
        return ends_at - groups["count"] + 1, ends_at, charts.in_order(axis)
    return first, last, ""


def _given(places: Any) -> sampling.Floats:
    return places if places.dtype.kind == "f" else np.where(places == NO_STEP, np.nan, places)


def _of_groups(reader: Reader, laid: _Laid, start_millis: int, look: Look) -> dict[str, Any] | None:
    seen = laid.within(_window(laid, look))
    total = int(laid.groups["count"].sum())
    if len(seen.groups) < look.buckets * _GROUPS_PER_ROW:
        if laid.counted:
            return None
        drawn = charts.chart(series.read_chunks(reader, seen.chunk_ids()), start_millis, look)
    else:
        drawn = _rows(seen, look)
    return {**drawn, **_marks(reader, laid, start_millis, look), "total": total}


def _window(laid: _Laid, look: Look) -> slice:
    # One group more on either side lets the line run to the edge of the chart.
    first = 0 if look.low is None else max(0, int(np.searchsorted(laid.last, look.low, side="left")) - 1)
    size = len(laid.first)
    last = size if look.high is None else min(size, int(np.searchsorted(laid.first, look.high, side="right")) + 1)
    return slice(first, max(first, last))


def _rows(seen: _Laid, look: Look) -> dict[str, Any]:
    """One row for each bucket of groups: mean, minimum and maximum of the finite values in them."""
    finite = seen.groups["finite"] > 0
    groups, x = seen.groups[finite], seen.first[finite]
    if not len(groups):
        return {"x": [], "y": [], "low": [], "high": [], "counts": []}
    starts = sampling.bucket_starts(x, min(look.buckets, len(x)))
    counts = np.add.reduceat(groups["finite"].astype(np.int64), starts)
    sizes = np.diff(starts, append=len(x))
    shares = groups["finite"] / np.repeat(counts, sizes)
    return {
        "x": charts.column(x[starts + sizes // 2], look.axis),
        "y": np.add.reduceat(groups["mean"] * shares, starts),
        "low": np.minimum.reduceat(groups["low"], starts),
        "high": np.maximum.reduceat(groups["high"], starts),
        "counts": counts,
    }


def _marks(reader: Reader, laid: _Laid, start_millis: int, look: Look) -> dict[str, Any]:
    """Marks and note of values that are not finite, wherever they are; only the chunks of the first are read."""
    odd = laid.groups["count"].astype(np.int64) - laid.groups["finite"]
    if not odd.any():
        return {"marks": [], "note": laid.note}
    upto = int(np.searchsorted(np.cumsum(odd), charts.MARKS)) + 1
    few = replace(laid, chunks=laid.chunks[:upto][odd[:upto] > 0])
    points = series.read_chunks(reader, few.chunk_ids())
    marks = charts.chart(points, start_millis, Look(look.axis))["marks"]
    return {"marks": marks, "note": charts.marks_note(marks, int(odd.sum()))}
