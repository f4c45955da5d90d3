"""What the page's scripts ask for."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, TurnedClock
from tests.local.pages.reading import read
from tests.local.pages.seeds import Seed, log, sow

KEY = "c0ffee" * 6


def ask(server: LocalServer, path: str, **params: Any) -> Any:
    """The JSON at `path`, None for 204. NaN literals are an error."""
    answered = server.call("GET", f"page-data/{path}", params=params)
    if answered.status_code == 204:
        return None
    assert answered.status_code == 200, answered.text
    return json.loads(answered.text, parse_constant=pytest.fail)


def chart_ids(server: LocalServer, key: str = KEY) -> dict[str, str]:
    """Chart ids by the name of the metric, as the page has them."""
    html = server.call("GET", f"local/general/{key}").text
    return {str(card["data-name"]): str(card["data-chart"]) for card in read(html).attributes("article")}


def test_a_series_holds_what_was_logged(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, Seed(KEY, metrics={"loss": [1.5, math.nan, 0.1 + 0.2], "other": [7.0]}))
    ids = chart_ids(clocked_server)
    charts = ask(clocked_server, f"experiments/{KEY}/series", chart=list(ids.values()))["charts"]
    assert charts[ids["loss"]]["x"] == [0, 2]
    assert charts[ids["loss"]]["y"] == [1.5, 0.1 + 0.2]
    assert charts[ids["loss"]]["marks"] == [{"x": 1.0, "kind": "NaN"}]
    assert charts[ids["other"]]["y"] == [7.0]


def test_a_spike_in_a_long_series_reaches_the_page(clocked_server: LocalServer) -> None:
    values = [math.sin(at / 500) for at in range(50_000)]
    values[31_415] = 99.0
    sow(clocked_server.store, Seed(KEY, metrics={"loss": values}))
    chart = chart_ids(clocked_server)["loss"]
    whole = ask(clocked_server, f"experiments/{KEY}/series", chart=chart, buckets=300)["charts"][chart]
    assert (max(whole["high"]), whole["total"], len(whole["x"]) <= 300) == (99.0, 50_000, True)
    near = ask(clocked_server, f"experiments/{KEY}/series", chart=chart, buckets=300, low=31_400, high=31_430)
    assert near["charts"][chart]["x"][near["charts"][chart]["y"].index(99.0)] == 31_415


def test_series_of_another_experiment_are_not_told(clocked_server: LocalServer) -> None:
    other = "d" * 36
    sow(clocked_server.store, Seed(KEY, metrics={"loss": [1.0]}), Seed(other, metrics={"loss": [2.0]}))
    chart = chart_ids(clocked_server)["loss"]
    assert ask(clocked_server, f"experiments/{other}/series", chart=chart) == {"charts": {}}


@pytest.mark.parametrize(
    "bad",
    [
        {"x": "no"},
        {"smoothing": 1},
        {"buckets": 10**9},
        {"chart": "x"},
        {"low": "a"},
        {"chart": 10**30},
        {"chart": -1},
        {"high": "nan"},
    ],
)
def test_senseless_questions_are_refused(clocked_server: LocalServer, bad: dict[str, Any]) -> None:
    sow(clocked_server.store, Seed(KEY))
    answered = clocked_server.call("GET", f"page-data/experiments/{KEY}/series", params={"chart": 1, **bad})
    assert answered.status_code == 400


def test_the_cursor_moves_with_every_change_and_only_then(clocked_server: LocalServer, clock: TurnedClock) -> None:
    sow(clocked_server.store, Seed(KEY, running=True), Seed("e" * 36, project="elsewhere"))
    html = clocked_server.call("GET", "local/general").text
    project = str(read(html).attributes("body")[0]["data-changes"])
    places = {"changes": None, project.removeprefix("/page-data/"): None, f"experiments/{KEY}/changes": None}
    cursors = {place: ask(clocked_server, place)["cursor"] for place in places}
    assert read(html).attributes("body")[0]["data-cursor"] == cursors[project.removeprefix("/page-data/")]
    assert {place: ask(clocked_server, place, since=cursors[place]) for place in places} == places
    log(clocked_server.store, KEY, "loss", [1.0])
    news = {place: ask(clocked_server, place, since=cursors[place]) for place in places}
    assert all(new["busy"] and new["cursor"] != cursors[place] for place, new in news.items())
    log(clocked_server.store, "e" * 36, "loss", [1.0])
    assert [ask(clocked_server, place, since=news[place]["cursor"]) is None for place in places] == [False, True, True]


def test_falling_silent_is_a_change_without_a_write(clocked_server: LocalServer, clock: TurnedClock) -> None:
    sow(clocked_server.store, Seed(KEY, running=True))
    cursor = ask(clocked_server, f"experiments/{KEY}/changes")["cursor"]
    clock.turn(60)
    assert ask(clocked_server, f"experiments/{KEY}/changes", since=cursor)["busy"] is False
