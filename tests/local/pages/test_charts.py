"""The data of charts, against the same worked out value by value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenml_comet_tracker.local.pages import sampling
from zenml_comet_tracker.local.pages.charts import Look, chart
from zenml_comet_tracker.local.store.points import Points

START = 1_000_000


def points(values: list[float], steps: list[int | None] | None = None) -> Points:
    """Values a second apart, at steps 0, 1, 2 ... unless given, in epochs of ten."""
    count = len(values)
    return Points.of(
        values,
        steps if steps is not None else list(range(count)),
        [at // 10 for at in range(count)],
        [START + 1_000 * at for at in range(count)],
    )


def averages(x: list[float], y: list[float], weight: float) -> list[float]:
    """The moving average by its recurrence."""
    gap = (x[-1] - x[0]) / (len(x) - 1)
    total = scale = 0.0
    smoothed = []
    for at, value in enumerate(y):
        kept = weight ** ((x[at] - x[at - 1]) / gap) if at and gap else weight
        total, scale = total * kept + value, scale * kept + 1
        smoothed.append(total / scale)
    return smoothed


def test_a_planted_spike_survives_whatever_the_buckets() -> None:
    values = np.random.default_rng(1).random(100_000)
    values[77_777], values[33_333] = 50.0, -50.0
    for buckets in (10, 333, 4_000):
        line = chart(points(list(values)), START, Look(buckets=buckets))
        assert len(line["x"]) <= buckets
        assert (max(line["high"]), min(line["low"])) == (50.0, -50.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=25, max_size=300), st.integers(2, 12), st.randoms(use_true_random=False))
def test_buckets_hold_what_lies_in_them(values: list[float], buckets: int, random: object) -> None:
    x = np.sort(np.array([random.choice(range(100)) for _ in values], dtype=float))  # type: ignore[attr-defined]
    y = np.array(values)
    line = sampling.reduce(x, y, buckets)
    if line.exact and len(line.y) == len(y):
        assert len(y) <= 2 * buckets or (line.counts == 1).all()
        return
    groups = np.split(y, np.cumsum(line.counts)[:-1])
    assert sum(line.counts) == len(y)
    assert [group.min() for group in groups] == list(line.low)
    assert [group.max() for group in groups] == list(line.high)
    assert np.allclose([group.mean() for group in groups], line.y, rtol=1e-9, atol=1e-6)


def test_few_points_are_drawn_as_they_are() -> None:
    line = chart(points([3.0, 1.0, 2.0]), START, Look())
    assert (list(line["x"]), list(line["y"]), line["total"]) == ([0, 1, 2], [3.0, 1.0, 2.0], 3)
    assert "low" not in line


@pytest.mark.parametrize("weight", [0.1, 0.6, 0.99])
def test_smoothing_follows_its_recurrence_over_uneven_distances(weight: float) -> None:
    random = np.random.default_rng(3)
    x, y = np.cumsum(random.exponential(5, 3_000)), random.normal(size=3_000)
    assert np.allclose(sampling.smooth(x, y, weight), averages(list(x), list(y), weight), rtol=1e-9, atol=1e-12)


def test_smoothing_does_not_depend_on_window_or_size() -> None:
    values = list(np.random.default_rng(5).normal(size=5_000))
    expected = averages(list(map(float, range(5_000))), values, 0.9)
    for look in (Look(smoothing=0.9, buckets=50), Look(smoothing=0.9, low=2_000, high=2_100), Look(smoothing=0.9)):
        line = chart(points(values), START, look)
        assert np.allclose(line["smooth"], [expected[step] for step in line["x"]], rtol=1e-9)


def test_values_that_are_not_finite_are_marked_and_told() -> None:
    line = chart(points([1.0, math.nan, 2.0, math.inf, -math.inf]), START, Look(smoothing=0.5))
    assert list(line["x"]) == [0, 2]
    assert line["marks"] == [{"x": 1.0, "kind": "NaN"}, {"x": 3.0, "kind": "∞"}, {"x": 4.0, "kind": "-∞"}]
    assert line["note"] == "3 values -∞ or NaN or ∞"
    assert np.isfinite(line["smooth"]).all()


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("step", [0, 1, 2]),
        ("epoch", [0.0, 0.0, 0.0]),
        ("duration", [0.0, 1.0, 2.0]),
        ("wall", [START, START + 1_000, START + 2_000]),
    ],
)
def test_x_axes(axis: str, expected: list[float]) -> None:
    line = chart(points([5.0, 6.0, 7.0]), START, Look(axis=axis))  # type: ignore[arg-type]
    assert list(line["x"]) == expected


def test_values_without_steps_stand_in_order() -> None:
    line = chart(points([5.0, 6.0, 7.0], [None, None, None]), START, Look())
    assert (list(line["x"]), line["note"]) == ([1, 2, 3], "Logged without steps: shown in order")
    mixed = chart(points([5.0, 6.0, 7.0, 8.0], [None, 4, None, 9]), START, Look())
    assert (list(mixed["x"]), mixed["note"]) == ([4, 4, 4, 9], "2 of 4 values without step stand at the one before")


def test_steps_out_of_order_are_drawn_in_order() -> None:
    line = chart(points([5.0, 6.0, 7.0, 8.0], [3, 1, 3, 2]), START, Look())
    assert (list(line["x"]), list(line["y"])) == ([1, 2, 3, 3], [6.0, 8.0, 5.0, 7.0])


def test_a_window_reaches_to_the_edges_and_holds_true_points() -> None:
    values = list(np.random.default_rng(6).random(10_000))
    line = chart(points(values), START, Look(low=500.5, high=509.5))
    assert list(line["x"]) == list(range(500, 511))
    assert list(line["y"]) == values[500:511]


@pytest.mark.parametrize("values", [[], [math.nan], [2.0], [math.inf, math.inf]])
@pytest.mark.parametrize("axis", ["step", "epoch", "duration", "wall"])
def test_next_to_nothing_is_drawn_too(values: list[float], axis: str) -> None:
    line = chart(points(values), START, Look(axis=axis, smoothing=0.9, low=0, high=1))  # type: ignore[arg-type]
    assert len(line["x"]) == len(line["y"]) == len(line["smooth"])


def test_points_without_a_place_are_told_and_tear_nothing() -> None:
    values, count = [float(at) for at in range(3_000)], 3_000
    epochs = [math.inf if at == 5 else float(at) for at in range(count)]
    millis = [-(2**63) + 1 if at == 7 else START + at for at in range(count)]
    logged = Points.of(values, [None] * count, epochs, millis)
    line = chart(logged, START, Look(axis="epoch", buckets=100))
    assert (len(line["x"]), sum(line["counts"])) == (100, count - 1)
    assert line["note"] == "1 value at an infinite epoch not drawn"
    line = chart(logged, START, Look(axis="wall", buckets=100))
    assert (len(line["x"]), min(line["x"]) >= START) == (100, True)
    assert line["note"] == "1 value outside the years 1 to 9999 not drawn"
    assert min(chart(logged, START, Look(axis="duration"))["x"]) < 0


def test_the_largest_steps_and_epochs_stand_where_they_are() -> None:
    steps = [-(2**63) + 1, 3, 2**63 - 1]
    assert list(chart(points([1.0, 2.0, 3.0], steps), START, Look())["x"]) == [-(2.0**63), 3, 2.0**63]
    x = np.linspace(-1, 1, 3_000) * 1.7e308
    line = sampling.reduce(x, x, 100)
    assert (len(line.index), set(line.counts)) == (100, {30})
    assert np.isfinite(sampling.smooth(x, np.ones(3_000), 0.5)).all()


@pytest.mark.parametrize("size", [1e200, np.finfo(float).max, 1e-300])
def test_smoothing_bears_values_of_any_size(size: float) -> None:
    x = np.arange(500, dtype=float)
    y = np.random.default_rng(8).uniform(-1, 1, 500)
    y[0] = 1
    expected = np.array(averages(list(x), list(y), 0.3))
    assert np.allclose(sampling.smooth(x, y * size, 0.3) / size, expected, rtol=1e-9, atol=1e-12)


def test_many_values_at_one_step_keep_their_range() -> None:
    line = chart(points([1.0, 2.0] * 1_000, [7] * 2_000), START, Look(buckets=50))
    assert (set(line["x"]), max(line["high"]), min(line["low"])) == ({7}, 2.0, 1.0)
