"""Metric values over the wire, and back."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, begin


def value(name: str, number: object, **more: object) -> dict[str, object]:
    return {"metricName": name, "metricValue": number, **more}


def read(server: LocalServer, key: str, name: str) -> list[tuple[Any, ...]]:
    points = server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)["metrics"]
    return [(point["metricValue"], point["step"], point["epoch"], point["timestamp"]) for point in points]


def test_a_batch_comes_back_whole_and_in_order(local_server: LocalServer, key: str) -> None:
    sent = [value("loss", index / 7, step=index, epoch=index // 10, timestamp=1000 + index) for index in range(5_000)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    expected = [(repr(index / 7), index, index // 10, 1000 + index) for index in range(5_000)]
    assert read(local_server, key, "loss") == expected


def test_a_gzipped_batch_is_unpacked(local_server: LocalServer, key: str) -> None:
    body = gzip.compress(json.dumps({"experimentKey": key, "values": [value("m", 1)]}).encode())
    headers = {"Content-Type": "application/json;charset=utf-8", "Content-Encoding": "gzip"}
    url = "clientlib/batch/logger/experiment/metric"
    assert local_server.call("POST", url, data=body, headers=headers).status_code == 200
    assert [row[0] for row in read(local_server, key, "m")] == ["1.0"]


@pytest.mark.parametrize("spoil", [lambda body: body[:-9], lambda body: b"no gzip at all"])
def test_a_broken_gzip_body_is_refused(local_server: LocalServer, key: str, spoil: Any) -> None:
    body = spoil(gzip.compress(json.dumps({"experimentKey": key, "values": [value("m", 1)]}).encode()))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = local_server.call("POST", "clientlib/batch/logger/experiment/metric", data=body, headers=headers)
    assert answer.status_code == 400
    assert "gzip" in answer.json()["msg"]


def test_a_body_that_unpacks_to_more_than_is_allowed_is_refused(local_server: LocalServer) -> None:
    bomb = gzip.compress(b" " * (65 << 20), 9)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = local_server.call("POST", "clientlib/batch/logger/experiment/metric", data=bomb, headers=headers)
    assert answer.status_code == 413


def test_numbers_that_json_lacks_are_kept(local_server: LocalServer, key: str) -> None:
    sent = [value("m", number) for number in ("NaN", "Infinity", "-Infinity", "2.5", True)]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=sent)
    assert [row[0] for row in read(local_server, key, "m")] == ["NaN", "Infinity", "-Infinity", "2.5", "1.0"]
    summary = local_server.get("experiment/metrics/summary", experimentKey=key)["values"][0]
    assert (summary["valueMin"], summary["valueMax"], summary["valueCurrent"]) == ("-Infinity", "Infinity", "1.0")


def test_the_summary_names_the_extremes_and_where_they_were(local_server: LocalServer, key: str) -> None:
    for step, number in enumerate([5, 10, 1, 10, 4]):
        local_server.post(
            "write/experiment/metric", experimentKey=key, **value("m", number, step=step, timestamp=100 + step)
        )
    assert local_server.get("experiment/metrics/summary", experimentKey=key)["values"] == [
        {
            "name": "m",
            "valueMax": "10.0",
            "stepMax": 1,
            "timestampMax": 101,
            "valueMin": "1.0",
            "stepMin": 2,
            "timestampMin": 102,
            "valueCurrent": "4.0",
            "stepCurrent": 4,
            "timestampCurrent": 104,
        }
    ]


def test_the_context_is_put_in_front_once_and_kept(local_server: LocalServer, key: str) -> None:
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=[value("loss", 1, context="train")])
    point = local_server.get("experiment/metrics/get-all", experimentKey=key)["metrics"][0]
    assert (point["metricName"], point["runContext"]) == ("train_loss", "train")


def test_a_value_without_time_gets_the_servers(clocked_server: LocalServer) -> None:
    key = begin(clocked_server)
    clocked_server.post("write/experiment/metric", experimentKey=key, **value("m", 1))
    assert read(clocked_server, key, "m") == [("1.0", None, None, clocked_server.store.clock())]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (value("m", "many"), "values[1].metricValue is 'many'"),
        (value("m", None), "values[1].metricValue"),
        ({"metricName": "m"}, "values[1].metricValue is missing"),
        (value("", 1), "values[1].metricName"),
        (value("m", 1, step="first"), "values[1].step is 'first'"),
        (value("m", 1, step=2**64), "values[1].step"),
        (value("m", 1, epoch=[]), "values[1].epoch"),
    ],
)
def test_a_bad_value_refuses_the_batch_and_is_named(
    local_server: LocalServer, key: str, bad: dict[str, object], said: str
) -> None:
    body = {"experimentKey": key, "values": [value("m", 1), bad]}
    answer = local_server.call("POST", "clientlib/batch/logger/experiment/metric", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["msg"]
    assert read(local_server, key, "m") == []


def test_an_unknown_experiment_is_refused_by_its_code(local_server: LocalServer) -> None:
    body = {"experimentKey": "0" * 32, "values": [value("m", 1)]}
    answer = local_server.call("POST", "clientlib/batch/logger/experiment/metric", json=body)
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (404, 90210)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=b", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'"' + b"[" * 100_000, 400),
        ("application/json", b"[" * 100_000, 400),
    ],
)
def test_only_json_objects_are_taken(local_server: LocalServer, kind: str, body: bytes, status: int) -> None:
    answer = local_server.call(
        "POST", "clientlib/batch/logger/experiment/metric", data=body, headers={"Content-Type": kind}
    )
    assert answer.status_code == status
    assert answer.json()["code"] == status


def test_a_context_and_a_name_that_show_the_same_are_one_metric(local_server: LocalServer, key: str) -> None:
    values = [
        {"metricName": "loss", "context": "train", "metricValue": 3, "step": 1},
        {"metricName": "train_loss", "metricValue": 2, "step": 2},
    ]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    local_server.post(
        "write/experiment/metric", experimentKey=key, metricName="loss", context="train", metricValue=1, step=3
    )
    summaries = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    assert [(s["name"], s["valueMax"], s["valueMin"], s["valueCurrent"]) for s in summaries] == [
        ("train_loss", "3.0", "1.0", "1.0")
    ]
    points = local_server.get("experiment/metrics/get-metric", experimentKey=key, metricName="train_loss")["metrics"]
    assert [point["step"] for point in points] == [1, 2, 3]


@pytest.mark.parametrize(("bare", "text"), [("NaN", "NaN"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity")])
def test_numbers_that_pythons_json_writes_bare_are_taken(
    local_server: LocalServer, key: str, bare: str, text: str
) -> None:
    other = 'NaN "\\ Infinity'
    for path, body in (
        ("metric", {"metricName": other, "metricValue": float(bare)}),
        ("parameter", {"parameterName": other, "parameterValue": float(bare)}),
    ):
        sent = json.dumps({"experimentKey": key, **body})
        assert f": {bare}" in sent
        headers = {"Content-Type": "application/json;charset=utf-8"}
        answer = local_server.call("POST", f"api/rest/v2/write/experiment/{path}", data=sent, headers=headers)
        assert answer.status_code == 200, answer.text
    (point,) = local_server.get("experiment/metrics/get-all", experimentKey=key)["metrics"]
    assert (point["metricName"], point["metricValue"]) == (other, text)
    (parameter,) = local_server.get("experiment/parameters", experimentKey=key)["values"]
    assert (parameter["name"], parameter["valueCurrent"]) == (other, text)


@pytest.mark.parametrize("body", ["[NaN", '{"a": NaN', '{"a": nan}', '{"a": "\\', '{"a": -NaN}', "x" * (2 << 20)])
def test_what_is_no_json_either_way_is_refused(local_server: LocalServer, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = local_server.call("POST", "api/rest/v2/write/experiment/metric", data=body, headers=headers)
    assert (answer.status_code, "not JSON" in answer.json()["msg"]) == (400, True)


def _of_attempt(server: LocalServer, key: str, attempt: int, *values: dict[str, object]) -> None:
    body = json.dumps({"experimentKey": key, "values": values})
    headers = {"Content-Type": "application/json;charset=utf-8", "X-Comet-Attempt": str(attempt)}
    answer = server.call("POST", "clientlib/batch/logger/experiment/metric", data=body, headers=headers)
    assert answer.status_code == 200, answer.text


def test_the_newest_attempt_has_the_names_and_earlier_ones_keep_their_values(
    local_server: LocalServer, key: str
) -> None:
    _of_attempt(local_server, key, 1, value("loss", 1), value("loss", 10, context="train"), value("sys.load.avg", 1))
    local_server.sdk("status-report/update", experimentKey=key, is_alive=True, attempt=1)
    # The second attempt's values are faster than its first sign of life, and the first one's last are late.
    _of_attempt(local_server, key, 2, value("loss", 2), value("sys.load.avg", 2))
    _of_attempt(local_server, key, 1, value("loss", 1.5), value("loss", 15, context="train"), value("late", 1))
    local_server.sdk("status-report/update", experimentKey=key, is_alive=True, attempt=2)
    _of_attempt(local_server, key, 3, value("loss", 3))

    listed = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    assert {metric["name"]: [row[0] for row in read(local_server, key, metric["name"])] for metric in listed} == {
        "loss": ["3.0"],
        "attempt_2_loss": ["2.0"],
        "attempt_1_loss": ["1.0", "1.5"],
        "attempt_1_train_loss": ["10.0", "15.0"],
        "attempt_1_late": ["1.0"],
        "sys.load.avg": ["1.0", "2.0"],
    }
    assert local_server.get("experiment/metadata", experimentKey=key)["status"] == "running"


def test_an_attempt_that_never_told_how_it_stood_is_kept_apart_too(local_server: LocalServer, key: str) -> None:
    """Killed while the server was away: what it left is delivered by another process, which knows of no life."""
    _of_attempt(local_server, key, 1, value("loss", 1))
    _of_attempt(local_server, key, 2, value("loss", 2))
    # Of its machine too what is late stands where the rest does.
    _of_attempt(local_server, key, 1, value("loss", 1.5), value("sys.load.avg", 1))
    _of_attempt(local_server, key, 2, value("sys.load.avg", 2))

    listed = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    assert {metric["name"]: [row[0] for row in read(local_server, key, metric["name"])] for metric in listed} == {
        "attempt_1_loss": ["1.0", "1.5"],
        "loss": ["2.0"],
        "sys.load.avg": ["1.0", "2.0"],
    }


def test_a_context_or_a_name_like_those_of_attempts_keeps_none_with_the_next_ones(
    local_server: LocalServer, key: str
) -> None:
    """Names and contexts are the user's to choose."""
    mine = [value("attempt_1_loss", 10), value("loss", 1), value("loss", 5, context="attempt_b")]
    _of_attempt(local_server, key, 1, *mine)
    _of_attempt(local_server, key, 2, *mine)

    listed = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    points = {metric["name"]: [row[0] for row in read(local_server, key, metric["name"])] for metric in listed}
    assert points == {
        "attempt_1_attempt_1_loss": ["10.0"],
        "attempt_1_loss": ["1.0", "10.0"],
        "attempt_1_attempt_b_loss": ["5.0"],
        "loss": ["1.0"],
        "attempt_b_loss": ["5.0"],
    }


def test_an_attempt_that_is_no_number_is_refused(local_server: LocalServer, key: str) -> None:
    headers = {"Content-Type": "application/json", "X-Comet-Attempt": "second"}
    body = json.dumps({"experimentKey": key, "values": [value("loss", 1)]})
    answer = local_server.call("POST", "clientlib/batch/logger/experiment/metric", data=body, headers=headers)
    assert (answer.status_code, "expected a number from 1" in answer.text) == (400, True)
