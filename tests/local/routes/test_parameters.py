"""Parameters and others over the wire, and back."""

from __future__ import annotations

import pytest

from tests.fixtures.local_server import LocalServer, begin


def parameters(server: LocalServer, key: str) -> dict[str, str]:
    rows = server.get("experiment/parameters", experimentKey=key)["values"]
    return {row["name"]: row["valueCurrent"] for row in rows}


def others(server: LocalServer, key: str) -> dict[str, str]:
    rows = server.get("experiment/log-other", experimentKey=key)["values"]
    return {row["name"]: row["valueCurrent"] for row in rows}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("adam", "adam"),
        ("", ""),
        (3, "3"),
        (0.1, "0.1"),
        (True, "true"),
        (None, "null"),
        ([1, "a"], '[1,"a"]'),
        ({"k": 1}, '{"k":1}'),
        ("<script>\u2028é", "<script>\u2028é"),
        (2**70 + 1, "1180591620717411303425"),
        (-(10**30), "-1000000000000000000000000000000"),
        (1e25, "1e+25"),
        ('a "12345678901234567890123" b', 'a "12345678901234567890123" b'),
    ],
)
def test_any_json_value_is_kept_as_text(local_server: LocalServer, key: str, value: object, text: str) -> None:
    batch = [{"parameterName": "p", "parameterValue": value, "step": None, "source": "manual", "context": None}]
    local_server.sdk("batch/logger/experiment/parameter", experimentKey=key, values=batch)
    local_server.post("write/experiment/log-other", experimentKey=key, key="o", value=value)
    assert parameters(local_server, key) == {"p": text}
    assert others(local_server, key) == {"o": text}


def test_of_two_values_the_newer_stays_whichever_comes_first(local_server: LocalServer, key: str) -> None:
    def log(number: int, timestamp: int) -> tuple[str, str]:
        more = {"experimentKey": key, "timestamp": timestamp}
        local_server.post("write/experiment/parameter", parameterName="p", parameterValue=number, **more)
        local_server.post("write/experiment/log-other", key="o", value=number, **more)
        return parameters(local_server, key)["p"], others(local_server, key)["o"]

    assert log(1, timestamp=200) == ("1", "1")
    assert log(2, timestamp=100) == ("1", "1")
    assert log(3, timestamp=200) == ("3", "3")


def test_a_context_makes_another_parameter(local_server: LocalServer, key: str) -> None:
    batch = [
        {"parameterName": "lr", "parameterValue": 1, "context": None},
        {"parameterName": "lr", "parameterValue": 2, "context": "train"},
    ]
    local_server.sdk("batch/logger/experiment/parameter", experimentKey=key, values=batch)
    assert parameters(local_server, key) == {"lr": "1", "train_lr": "2"}


def test_the_other_called_name_is_the_experiments_name(local_server: LocalServer, key: str) -> None:
    def name() -> object:
        return local_server.get("experiment/metadata", experimentKey=key)["experimentName"]

    assert name() is None
    local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value="first", timestamp=10)
    local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value="older", timestamp=5)
    assert name() == "first"


@pytest.mark.parametrize("body", [{"parameterName": "p"}, {"parameterValue": 1}, {"parameterName": 3}])
def test_a_parameter_without_name_or_value_is_refused(
    local_server: LocalServer, key: str, body: dict[str, object]
) -> None:
    answer = local_server.call("POST", "api/rest/v2/write/experiment/parameter", json={"experimentKey": key, **body})
    assert answer.status_code == 400
    assert "parameter" in answer.json()["msg"]


def test_a_context_and_a_name_that_show_the_same_are_one_parameter(local_server: LocalServer, key: str) -> None:
    values = [
        {"parameterName": "lr", "context": "train", "parameterValue": 1},
        {"parameterName": "train_lr", "parameterValue": 2},
    ]
    local_server.sdk("batch/logger/experiment/parameter", experimentKey=key, values=values)
    found = local_server.get("experiment/parameters", experimentKey=key)["values"]
    assert [(value["name"], value["valueCurrent"]) for value in found] == [("train_lr", "2")]


def test_parameters_are_taken_away_one_by_one_and_by_the_list(local_server: LocalServer, key: str) -> None:
    second = begin(local_server)
    for owner in (key, second):
        batch = [{"parameterName": name, "parameterValue": 1} for name in ("a", "b", "c")]
        local_server.sdk("batch/logger/experiment/parameter", experimentKey=owner, values=batch)
    for _ in range(2):
        local_server.post("write/experiment/parameter/delete", experimentKey=key, parameterName="a")
    assert set(parameters(local_server, key)) == {"b", "c"}
    gone = [(key, "b"), (second, "c"), (second, "a"), (second, "unknown")]
    body = [{"experimentKey": owner, "parameterName": name} for owner, name in gone]
    answer = local_server.call("POST", "api/rest/v2/write/experiments/parameters/delete", json=body)
    assert (answer.status_code, answer.json()["msg"]) == (200, "OK")
    assert (set(parameters(local_server, key)), set(parameters(local_server, second))) == ({"c"}, {"b"})


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"experimentKey": "0" * 32, "parameterName": "a"}, 404), ({"parameterName": "a"}, 400), (1, 400)],
)
def test_a_list_with_one_wrong_entry_takes_nothing_away(
    local_server: LocalServer, key: str, wrong: object, status: int
) -> None:
    local_server.post("write/experiment/parameter", experimentKey=key, parameterName="a", parameterValue=1)
    body = [{"experimentKey": key, "parameterName": "a"}, wrong]
    answer = local_server.call("POST", "api/rest/v2/write/experiments/parameters/delete", json=body)
    assert answer.status_code == status
    assert set(parameters(local_server, key)) == {"a"}
