"""Charts and tables of many experiments: as the server holds them, in few requests, with pandas and without."""

from __future__ import annotations

import math
import sys
from typing import Any

import pandas as pd
import pytest

from tests.comet.api.shelf import FIRST, WORKSPACE, Shelf
from tests.comet.scripted import Answer, Asked, ScriptedComet
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api import API, tables
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.resources import charts
from zenml_comet_tracker.comet.resources.charts import multi_metric_chart


def test_a_chart_holds_what_was_logged(shelf: Shelf, ours: API) -> None:
    key = shelf["beta"]
    found = ours.get_metrics_for_chart([key, shelf["delta"]], ["score"], ["lr"])
    # Those that have nothing of it are left out.
    assert list(found) == [key]
    points = shelf.server.get("experiment/metrics/get-metric", experimentKey=key, metricName="score")["metrics"]
    (series,) = found[key]["metrics"]
    assert series["metricName"] == "score"
    assert series["values"] == [float(point["metricValue"]) for point in points]
    for column, member in (("steps", "step"), ("epochs", "epoch"), ("timestamps", "timestamp")):
        assert series[column] == [point[member] for point in points]
    assert found[key]["params"] == {"lr": "0.5"}


def test_a_chart_takes_experiments_for_their_keys(shelf: Shelf, ours: API) -> None:
    found = [ours.get_experiment_by_key(key) for key in shelf.chart_keys]
    assert ours.get_metrics_for_chart(found, ["score"]) == ours.get_metrics_for_chart(shelf.chart_keys, ["score"])  # type: ignore[arg-type]


def test_a_chart_of_nothing_is_empty(shelf: Shelf, ours: API) -> None:
    assert ours.get_metrics_for_chart([shelf["beta"]]) == {}
    chart = ours.get_metrics_for_chart([shelf["beta"]], ["score"])[shelf["beta"]]
    assert chart["params"] is None


def test_a_chart_is_asked_for_as_the_official_sdk_asks(comet: ScriptedComet) -> None:
    comet.answer_with("/multi-metric-chart", Answer(body={"experiments": {}, "empty": True}))
    API("key", url=comet.root).get_metrics_for_chart(["a", "b"], ["loss"])
    (asked,) = comet.requests("/multi-metric-chart")
    assert asked.json == {
        "targetedExperiments": ["a", "b"],
        "metrics": ["loss"],
        "params": None,
        "independentMetrics": True,
        "fetchFull": False,
    }


def test_only_common_steps_when_metrics_depend_on_each_other(shelf: Shelf, ours: API) -> None:
    chart = ours.get_metrics_for_chart([shelf["beta"]], ["score", "cost"], independent_metrics=False)[shelf["beta"]]
    assert [series["steps"] for series in chart["metrics"]] == [[0, 2, 4, 8, 10]] * 2


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda api, key: api.get_metrics_for_chart(key, ["score"]), "put the one into brackets"),
        (lambda api, key: api.get_metrics_for_chart([key], "score"), r"metrics='score' is one name; .* \['score'\]"),
        (lambda api, key: api.get_metrics_for_chart([key], [], "lr"), "parameters='lr' is one name"),
        (lambda api, key: api.get_metrics_for_chart([7], ["score"]), "by key or as APIExperiment, not as int"),
        (lambda api, key: api.get_metrics_df([key], ["score"], "time"), "'time' is unknown; expected one of step, ep"),
        (lambda api, key: api.experiments_df(WORKSPACE, FIRST, metrics="score"), "metrics='score' is one name"),
        (lambda api, key: api.experiments_df(WORKSPACE, FIRST, parameters="lr"), "parameters='lr' is one name"),
        (lambda api, key: api.get_metrics_for_chart(None, ["score"]), "A list of experiments"),
        (lambda api, key: api.get_metrics_for_chart([key], 5), "metrics=5 is expected to be a list of names"),
        (lambda api, key: api.get_metrics_df([key], ["score"], ["step"]), "is unknown; expected one of step"),
    ],
)
def test_what_cannot_be_asked(shelf: Shelf, ours: API, ask: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        ask(ours, shelf["beta"])


def test_a_chart_takes_what_can_be_read_once(shelf: Shelf, ours: API) -> None:
    experiments, names = (key for key in (shelf["beta"],)), (name for name in ("score",))
    chart = ours.get_metrics_for_chart(experiments, names, (name for name in ("lr",)))  # type: ignore[call-overload]
    assert chart == ours.get_metrics_for_chart([shelf["beta"]], ["score"], ["lr"]) != {}


@pytest.fixture
def no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter in which pandas is not installed."""
    monkeypatch.setitem(sys.modules, "pandas", None)


@pytest.mark.parametrize("interpolate", [True, False])
def test_without_pandas_a_table_is_its_rows(shelf: Shelf, ours: API, request: Any, interpolate: bool) -> None:
    table = ours.get_metrics_df(shelf.chart_keys, ["score", "cost"], interpolate=interpolate)
    assert isinstance(table, pd.DataFrame)
    request.getfixturevalue("no_pandas")
    rows = ours.get_metrics_df(shelf.chart_keys, ["score", "cost"], interpolate=interpolate)
    assert isinstance(rows, list)
    assert clean(rows) == clean(table.to_dict("records"))


def clean(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: None if value != value else value for name, value in row.items()} for row in rows]


def test_experiments_are_a_table_of_what_stands_there(shelf: Shelf, ours: API, no_pandas: None) -> None:
    rows = ours.experiments_df(WORKSPACE, FIRST)
    stands = shelf.server.get("experiments", workspaceName=WORKSPACE, projectName=FIRST)["experiments"]
    assert [row["experiment_key"] for row in rows] == [row["experimentKey"] for row in stands]
    assert [row["duration"] for row in rows] == [60.0] * 5
    assert [row["start_time"].timestamp() * 1000 for row in rows] == [row["startTimeMillis"] for row in stands]
    assert [str(row["end_time"].tzinfo) for row in rows] == ["UTC"] * 5
    for row in rows:
        logged = last_values(shelf.server, row["experiment_key"])
        shown = {name.removeprefix("metrics."): value for name, value in row.items() if name.startswith("metrics.")}
        assert {name: value for name, value in shown.items() if not math.isnan(value)} == logged
    by_key = {row["experiment_key"]: row for row in rows}
    assert (by_key[shelf["beta"]]["params.lr"], by_key[shelf["full"]]["params.lr"]) == (0.5, 0.1)
    assert by_key[shelf["unnamed"]]["params.lr"] is None
    assert by_key[shelf["full"]]["params.größe"] == "ü"
    assert by_key[shelf["full"]]["experiment_name"] == "Größe 🚀"


def last_values(server: LocalServer, key: str) -> dict[str, float]:
    """The last value of each metric that is a number, but for those of the system."""
    summaries = server.get("experiment/metrics/summary", experimentKey=key)["values"]
    values = {row["name"]: float(row["valueCurrent"]) for row in summaries if not row["name"].startswith("sys.")}
    return {name: value for name, value in values.items() if not math.isnan(value)}


def test_a_table_takes_no_more_than_the_ends_of_a_metric_along(
    local_server: LocalServer, ours: API, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = begin(local_server, teamName="long tables", projectName="long")
    values = [{"metricName": "m", "metricValue": step, "step": step, "timestamp": step + 1} for step in range(700)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    answers = []

    def counted(*arguments: Any, **options: Any) -> dict[str, Any]:
        answers.append(multi_metric_chart(*arguments, **options))
        return answers[-1]

    monkeypatch.setattr(charts, "multi_metric_chart", counted)
    assert ours.experiments_df("long tables", "long")["metrics.m"].tolist() == [699]
    (series,) = answers[0][key]["metrics"]
    assert series["values"] == [0, 699]


def test_the_columns_of_a_table_are_those_that_are_asked_for(shelf: Shelf, ours: API) -> None:
    own = ["experiment_key", "experiment_name", "start_time", "end_time", "duration", "running", "has_crashed"]
    table = ours.experiments_df(WORKSPACE, FIRST, "be", metrics=["score", "nothing"], parameters=[])
    assert list(table.columns) == [*own, "metrics.score", "metrics.nothing"]
    assert set(table["experiment_key"]) == {shelf["beta"], shelf["beta 2"]}
    assert list(ours.experiments_df(WORKSPACE, FIRST, metrics=[], parameters=["lr"]).columns) == [*own, "params.lr"]
    archived = ours.experiments_df(WORKSPACE, FIRST, archived=True)
    assert archived["experiment_key"].tolist() == [shelf["gamma"]]


def test_a_table_of_a_thousand_experiments_takes_a_dozen_requests(comet: ScriptedComet) -> None:
    rows = [{"experimentKey": f"{number:032}", "startTimeMillis": number} for number in range(1_000)]
    columns = [
        {"name": name, "source": source, "type": "double"}
        for name, source in (("score", "metrics"), ("lr", "params"), ("sys.cpu", "metrics"))
    ]
    comet.answer_with("/experiments", Answer(body={"experiments": rows}))
    comet.answer_with("/project/column-names", Answer(body={"columns": columns}))

    def chart(asked: Asked) -> Answer | None:
        if not asked.path.endswith("/multi-metric-chart"):
            return None
        assert (asked.json["metrics"], asked.json["params"]) == (["score"], ["lr"])
        numbers = {key: int(key) for key in asked.json["targetedExperiments"]}
        found = {
            key: {
                "metrics": [{"metricName": "score", "values": [0, number / 2], "timestamps": [1, 2]}],
                "params": {"lr": str(number)},
            }
            for key, number in numbers.items()
            if number % 3
        }
        return Answer(body={"experiments": found})

    comet.rules.insert(0, chart)
    table = API("key", url=comet.root).experiments_df("w", "p")
    assert len(comet.asked) <= 20
    assert table["experiment_key"].tolist() == [row["experimentKey"] for row in rows]
    scores = [None if math.isnan(score) else score for score in table["metrics.score"]]
    assert scores == [number / 2 if number % 3 else None for number in range(1_000)]
    assert table["params.lr"].dropna().tolist() == [number for number in range(1_000) if number % 3]
    assert "metrics.sys.cpu" not in table


@pytest.mark.parametrize(
    ("metric", "last"),
    [
        ({"values": [1, 2, 3], "timestamps": [10, 30, 20]}, 2),
        ({"values": [1, 2, 3], "timestamps": [10, 20, 20]}, 3),
        ({"values": [1, 2, 3], "timestamps": [20, 20, 10]}, 2),
        ({"values": [1, "Infinity"], "timestamps": [1, 2]}, math.inf),
        ({"values": [1, 2]}, 2),
        ({"values": [1, 2], "timestamps": [None, None]}, 2),
    ],
)
def test_the_last_value_is_the_latest_wherever_it_stands(metric: dict[str, Any], last: float) -> None:
    assert tables.last_values({"metrics": [{"metricName": "m", **metric}]}) == {"m": last}


def test_a_parameter_is_a_number_where_its_column_is() -> None:
    assert [tables.plain(text, "double") for text in ("3", "0.5", "1e3", "NaN?")] == [3, 0.5, 1000.0, "NaN?"]
    assert tables.plain("007", "string") == "007"
