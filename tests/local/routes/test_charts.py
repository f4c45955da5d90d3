"""Several metrics of several experiments in one answer."""

from __future__ import annotations

from tests.fixtures.local_server import LocalServer
from tests.local.routes.test_metrics import value


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


def test_a_sampled_chart_keeps_both_ends(local_server: LocalServer, key: str) -> None:
    sent = [value("a", step, step=step) for step in range(2_000)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    asked = {"targetedExperiments": [key], "metrics": ["a"], "params": None, "independentMetrics": True}
    chart = local_server.post("experiments/multi-metric-chart", **asked, fetchFull=False)
    steps = chart["experiments"][key]["metrics"][0]["steps"]
    assert (len(steps), steps[0], steps[-1]) == (500, 0, 1999)


def test_a_chart_of_nothing_is_empty(local_server: LocalServer, key: str) -> None:
    asked = {"targetedExperiments": [key], "metrics": [], "params": None}
    assert local_server.post("experiments/multi-metric-chart", **asked) == {"experiments": {}, "empty": True}
