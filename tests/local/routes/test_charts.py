"""Several metrics of several experiments in one answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.fixtures.local_server import LocalServer
from tests.local.routes.test_metrics import value
from zenml_comet_tracker.local.routes import samples
from zenml_comet_tracker.local.store.points import Points


def test_the_chart_of_several_metrics(local_server: LocalServer, key: str) -> None:
    sent = [value("a", step, step=step) for step in range(4)] + [value("b", -step, step=step) for step in (1, 3)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key, "0" * 32], "metrics": ["a", "b"], "params": None, "fetchFull": True}
    chart = local_server.post("experiments/multi-metric-chart", **asked, independentMetrics=True)
    series = {entry["metricName"]: entry for entry in chart["experiments"][key]["metrics"]}
    assert (series["a"]["values"], series["b"]["steps"]) == ([0, 1, 2, 3], [1, 3])
    assert (list(chart["experiments"]), chart["empty"]) == ([key], False)
    common = local_server.post("experiments/multi-metric-chart", **asked, independentMetrics=False)
    assert [entry["steps"] for entry in common["experiments"][key]["metrics"]] == [[1, 3], [1, 3]]


def test_a_sampled_chart_keeps_ends_and_extremes_and_says_so(local_server: LocalServer, key: str) -> None:
    numbers = [float(step % 7) for step in range(2_000)]
    numbers[777], numbers[1_234] = 99.0, -99.0
    sent = [value("a", number, step=step) for step, number in enumerate(numbers)] + [value("b", 1, step=5)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key], "metrics": ["a", "b"], "params": None, "independentMetrics": True}
    chart = local_server.post("experiments/multi-metric-chart", **asked, fetchFull=False)["experiments"][key]
    assert (chart["experimentKey"], chart["experiment_key"]) == (key, key)
    a, b = chart["metrics"]
    assert 400 < len(a["steps"]) <= 500
    assert (a["steps"][0], a["steps"][-1], a["sampled"], a["count"]) == (0, 1999, True, 2_000)
    assert {(777, 99.0), (1_234, -99.0)} <= set(zip(a["steps"], a["values"], strict=True))
    assert a["values"] == [numbers[step] for step in a["steps"]]
    assert (b["steps"], b["sampled"], b["count"]) == ([5], False, 1)
    full = local_server.post("experiments/multi-metric-chart", **asked, fetchFull=True)["experiments"][key]["metrics"][
        0
    ]
    assert (full["values"], full["sampled"], full["count"]) == (numbers, False, 2_000)


@pytest.mark.parametrize(("max_points", "kept"), [(1, 2), (2, 2), (10, 10), (600, 500)])
def test_a_chart_of_fewer_points_keeps_the_ends(
    local_server: LocalServer, key: str, max_points: int, kept: int
) -> None:
    sent = [value("a", (step * 7) % 1_000, step=step) for step in range(1_000)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key], "metrics": ["a"], "params": None, "fetchFull": False}
    path = "api/rest/v2/experiments/multi-metric-chart"
    answered = local_server.call("POST", path, json=asked, params={"maxPoints": max_points}).json()
    (series,) = answered["experiments"][key]["metrics"]
    assert kept - 2 <= len(series["steps"]) <= kept
    assert (series["steps"][0], series["steps"][-1], series["count"]) == (0, 999, 1_000)


def test_a_full_chart_has_at_most_15000_points(local_server: LocalServer, key: str) -> None:
    numbers = np.random.default_rng(4).normal(size=20_000).tolist()
    sent = [value("a", number, step=step) for step, number in enumerate(numbers)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key], "metrics": ["a"], "params": None, "fetchFull": True}
    (a,) = local_server.post("experiments/multi-metric-chart", **asked)["experiments"][key]["metrics"]
    assert 10_000 < len(a["values"]) <= 15_000
    assert (a["sampled"], a["count"], min(a["values"]), max(a["values"])) == (True, 20_000, min(numbers), max(numbers))


def test_correlated_metrics_are_sampled_at_the_same_steps(local_server: LocalServer, key: str) -> None:
    random = np.random.default_rng(5)
    steps = {"a": range(3_000), "b": range(1_000, 4_000)}
    numbers = {name: dict(zip(those, random.normal(size=3_000).tolist(), strict=True)) for name, those in steps.items()}
    sent = [value(name, number, step=step) for name, those in numbers.items() for step, number in those.items()]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key], "metrics": ["a", "b"], "params": None, "independentMetrics": False}
    a, b = local_server.post("experiments/multi-metric-chart", **asked, fetchFull=False)["experiments"][key]["metrics"]
    assert a["steps"] == b["steps"]
    assert 300 < len(a["steps"]) <= 500
    assert (a["count"], b["count"], a["sampled"]) == (2_000, 2_000, True)
    for found in (a, b):
        there = numbers[found["metricName"]]
        common = [there[step] for step in range(1_000, 3_000)]
        assert found["values"] == [there[step] for step in found["steps"]]
        assert (min(found["values"]), max(found["values"])) == (min(common), max(common))
    full = local_server.post("experiments/multi-metric-chart", **asked, fetchFull=True)["experiments"][key]["metrics"]
    assert [each["steps"] for each in full] == [list(range(1_000, 3_000))] * 2


@pytest.mark.parametrize("others", [["absent"], ["stepless"]])
def test_correlated_metrics_without_a_common_step_are_nothing(
    local_server: LocalServer, key: str, others: list[str]
) -> None:
    sent = [value("a", 1, step=1), value("a", 1), value("stepless", 1)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key], "metrics": ["a", *others], "params": None, "independentMetrics": False}
    assert local_server.post("experiments/multi-metric-chart", **asked) == {"experiments": {}, "empty": True}


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(np.float64, st.integers(1, 120), elements=st.floats(-9, 9) | st.just(np.nan)), st.integers(2, 30))
def test_a_sample_keeps_what_stands_out(values: np.ndarray, limit: int) -> None:
    count = len(values)
    points = Points(values, np.arange(count), np.zeros(count), np.arange(count))
    kept = samples.sample(points, limit)
    assert len(kept) <= max(limit, 2)
    assert (np.diff(kept.steps) > 0).all()
    assert {0, count - 1} <= set(kept.steps.tolist())
    if limit > 3 and not np.isnan(values).all():
        assert (np.nanmin(kept.values), np.nanmax(kept.values)) == (np.nanmin(values), np.nanmax(values))
    if limit >= count:
        assert len(kept) == count


def test_a_chart_of_nothing_is_empty(local_server: LocalServer, key: str) -> None:
    asked = {"targetedExperiments": [key], "metrics": [], "params": None}
    assert local_server.post("experiments/multi-metric-chart", **asked) == {"experiments": {}, "empty": True}
