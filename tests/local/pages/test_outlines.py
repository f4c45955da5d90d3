"""The chart of a long series from its rollup, against the chart from its points and against the points themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from tests.fixtures.local_server import LocalServer, TurnedClock, begin
from tests.local.store.conftest import KEY, store  # noqa: F401
from tests.local.store.test_rollups import add
from zenml_comet_tracker.local.pages import charts, outlines
from zenml_comet_tracker.local.pages.charts import Look
from zenml_comet_tracker.local.store import series
from zenml_comet_tracker.local.store.points import NO_STEP, Points
from zenml_comet_tracker.local.store.store import Store

START = 1_000_000
COUNT = 40_000
BUCKETS = 20


def logged(**columns: Any) -> Points:
    """Noise with a spike either way, at every second step."""
    values = np.random.default_rng(1).normal(size=COUNT)
    values[12_345], values[31_007] = 99.0, -99.0
    steps = np.arange(0, 2 * COUNT, 2)
    given = {"values": values, "steps": steps, "epochs": steps / 100, "millis": START + 1_000 * steps, **columns}
    return Points(**given)


def drawn(store: Store, look: Look, parts: dict[str, Points]) -> tuple[dict[str, Any], dict[str, Any], list[int]]:  # noqa: F811
    """The chart as it is drawn, the chart from all points, and how many chunks were read for the former."""
    for writer, points in parts.items():
        for at in range(0, len(points), 1_000):
            metric = add(store, writer, points.take(slice(at, at + 1_000)))
    count = sum(map(len, parts.values()))
    asked: list[int] = []
    with store.read() as connection, pytest.MonkeyPatch.context() as patch:
        whole, chunks = series.read, series.read_chunks
        patch.setattr(series, "read", lambda *given: asked.append(-1) or whole(*given))
        patch.setattr(series, "read_chunks", lambda reader, ids: asked.extend(ids) or chunks(reader, ids))
        found = outlines.chart(connection, metric, count, START, look)
        patch.undo()
        return found, charts.chart(series.read(connection, metric), START, look), asked


@pytest.mark.parametrize("axis", ["step", "epoch", "duration", "wall"])
def test_rows_hold_the_extremes_of_the_points_they_stand_for(store: Store, axis: Any) -> None:  # noqa: F811
    points = logged()
    found, whole, asked = drawn(store, Look(axis, buckets=BUCKETS), {"": points})
    assert asked == []
    assert sum(found["counts"]) == found["total"] == COUNT
    for at, part in enumerate(np.split(points.values, np.cumsum(found["counts"])[:-1])):
        assert (found["low"][at], found["high"][at]) == (part.min(), part.max())
        assert math.isclose(found["y"][at], part.mean(), abs_tol=1e-9)
    assert (min(found["low"]), max(found["high"])) == (-99.0, 99.0)
    # The same picture as from the points: rows at the same places to within a group, on the same axis.
    assert len(found["x"]) == len(whole["x"])
    assert found["x"].dtype == whole["x"].dtype
    assert np.allclose(found["x"], whole["x"], atol=(whole["x"][-1] - whole["x"][0]) / 200)
    assert (found["note"], found["marks"]) == (whole["note"], whole["marks"])


def test_values_that_are_not_finite_hide_no_spike_and_are_marked(store: Store) -> None:  # noqa: F811
    points = logged()
    points.values[[12_340, 12_350, 31_000]] = [math.inf, math.nan, -math.inf]
    found, whole, asked = drawn(store, Look(buckets=BUCKETS), {"": points})
    assert (min(found["low"]), max(found["high"])) == (-99.0, 99.0)
    assert (found["note"], found["marks"]) == (whole["note"], whole["marks"])
    assert 0 < len(asked) <= 3
    assert sum(found["counts"]) == COUNT - 3


def test_of_very_many_marks_the_first_are_drawn_and_all_are_counted(store: Store) -> None:  # noqa: F811
    points = logged()
    points.values[::7] = math.nan
    found, whole, asked = drawn(store, Look(buckets=BUCKETS), {"": points})
    assert (found["note"], found["marks"]) == (whole["note"], whole["marks"])
    assert len(asked) == 1


def test_a_narrow_window_is_drawn_from_its_own_points(store: Store) -> None:  # noqa: F811
    found, whole, asked = drawn(store, Look(buckets=BUCKETS, low=24_000, high=26_000), {"": logged()})
    assert {name: list(found[name]) for name in ("x", "y")} == {name: list(whole[name]) for name in ("x", "y")}
    assert found["total"] == COUNT
    assert 0 < len(asked) <= 3


def test_a_wide_window_reaches_to_its_edges(store: Store) -> None:  # noqa: F811
    low, high = 10_000, 70_000
    found, _, asked = drawn(store, Look(buckets=BUCKETS, low=low, high=high), {"": logged()})
    assert asked == []
    assert sum(found["counts"]) >= (high - low) / 2
    assert sum(found["counts"]) <= (high - low) / 2 + 4 * 64


def test_writers_one_after_the_other_are_one_line(store: Store) -> None:  # noqa: F811
    points = logged()
    parts = {"b" * 32: points.take(slice(0, 25_000)), "a" * 32: points.take(slice(25_000, None))}
    found, _, asked = drawn(store, Look(buckets=BUCKETS), parts)
    assert asked == []
    assert [part.max() for part in np.split(points.values, np.cumsum(found["counts"])[:-1])] == list(found["high"])


@pytest.mark.parametrize("columns", ["interleaved", "smoothed", "backwards", "half without steps"])
def test_what_groups_cannot_tell_is_drawn_from_all_points(store: Store, columns: str) -> None:  # noqa: F811
    points, look = logged(), Look(buckets=BUCKETS, smoothing=0.9 if columns == "smoothed" else 0)
    parts = {"": points}
    if columns == "interleaved":
        parts = {"a" * 32: points.take(slice(0, None, 2)), "b" * 32: points.take(slice(1, None, 2))}
    elif columns == "backwards":
        parts = {"": logged(steps=points.steps[::-1].copy())}
    elif columns == "half without steps":
        parts = {"": logged(steps=np.where(points.steps < COUNT, NO_STEP, points.steps))}
    found, whole, asked = drawn(store, look, parts)
    assert asked == [-1]
    assert {name: list(value) for name, value in found.items() if name in "xy"} == {
        "x": list(whole["x"]),
        "y": list(whole["y"]),
    }
    assert found["note"] == whole["note"]


def test_a_series_without_steps_is_drawn_in_order(store: Store, clock: TurnedClock) -> None:  # noqa: F811
    bare = logged(steps=np.full(COUNT, NO_STEP))
    found, whole, asked = drawn(store, Look(buckets=BUCKETS), {"": bare})
    assert asked == []
    assert found["note"] == whole["note"] == "Logged without steps: shown in order"
    assert (min(found["low"]), max(found["high"])) == (-99.0, 99.0)
    assert np.allclose(found["x"], whole["x"], atol=COUNT / 200)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_series_of_nothing_finite_is_drawn_as_marks(store: Store, value: float) -> None:  # noqa: F811
    found, whole, _ = drawn(store, Look(buckets=BUCKETS), {"": logged(values=np.full(COUNT, value))})
    assert len(found["x"]) == len(found["y"]) == 0
    assert (found["note"], found["marks"]) == (whole["note"], whole["marks"])


def test_a_page_of_thousands_of_metrics_reads_no_series(local_server: LocalServer) -> None:
    key = begin(local_server)
    values = [{"metricName": f"layer{at}/norm", "metricValue": at, "step": 1} for at in range(3_000)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        page = local_server.call("GET", f"ws/tests/{key}")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert page.text.count("data-chart=") == 3_000
    assert asked
    assert not [statement for statement in asked if "chunk" in statement or "rollup" in statement]
