"""Values at and past the edges: refused with 400, or stored and given back; never an error of the server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, begin

BEYOND_DATES = 8_640_000_000_000_001


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(("given", "read"), [(1e20, 1e20), (2.0**53, 2**53), (3.0, 3), (0.5, 0.5)])
def test_epochs_of_any_size_come_back(local_server: LocalServer, key: str, given: float, read: float) -> None:
    local_server.post("write/experiment/metric", experimentKey=key, metricName="m", metricValue=1, epoch=given)
    found = local_server.get("experiment/metrics/get-metric", experimentKey=key, metricName="m")["metrics"]
    assert [(point["epoch"], type(point["epoch"])) for point in found] == [(read, type(read))]


@pytest.mark.parametrize(("ram", "read"), [(1e30, 1e30), ("Infinity", None), (2.0, 2)])
def test_total_ram_of_any_size_comes_back(local_server: LocalServer, key: str, ram: object, read: object) -> None:
    local_server.post("write/experiment/metric", experimentKey=key, metricName="sys.ram.total", metricValue=ram)
    assert local_server.get("experiment/system-details", experimentKey=key)["totalRam"] == read


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("api/rest/v2/write/experiment/metric", {"metricName": "m", "metricValue": 1, "timestamp": -BEYOND_DATES}),
        ("api/rest/v2/write/experiment/metric", {"metricName": "m", "metricValue": 1, "timestamp": -(2**63 - 1)}),
        ("api/rest/v2/write/experiment/parameter", {"parameterName": "p", "parameterValue": 1, "timestamp": 2**62}),
        ("api/rest/v2/write/experiment/log-other", {"key": "k", "value": 1, "timestamp": BEYOND_DATES}),
        ("api/rest/v2/write/experiment/set-start-end-time", {"startTimeMillis": 2**63 - 1}),
        ("api/rest/v2/write/experiment/set-start-end-time", {"endTimeMillis": -(2**63 - 1)}),
        ("clientlib/status-report/update", {"is_alive": True, "local_timestamp": BEYOND_DATES}),
        ("clientlib/status-report/offline-metadata", {"startTimestamp": BEYOND_DATES}),
        ("api/rest/v2/write/experiment/parameter", {"parameterName": "p", "parameterValue": nested(300)}),
        ("api/rest/v2/write/experiment/log-other", {"key": "k", "value": {"a": nested(100)}}),
        ("api/rest/v2/write/experiment/cloud-details", {"provider": "p", "metadata": nested(101)}),
        ("api/rest/v2/write/experiment/system-details", {"env": nested(300)}),
    ],
)
def test_what_no_answer_could_hold_is_refused(
    local_server: LocalServer, key: str, path: str, body: dict[str, Any]
) -> None:
    answer = local_server.call("POST", path, json={"experimentKey": key, **body})
    assert answer.status_code == 400
    assert list(body)[-1] in answer.json()["msg"]


def test_the_last_level_that_is_taken_comes_back(local_server: LocalServer, key: str) -> None:
    local_server.post("write/experiment/system-details", experimentKey=key, env=nested(100))
    assert local_server.get("experiment/system-details", experimentKey=key)["env"] == nested(100)


def test_the_last_date_that_is_taken_can_be_drawn(local_server: LocalServer, key: str) -> None:
    for moment in (1 - BEYOND_DATES, BEYOND_DATES - 1):
        local_server.post("write/experiment/metric", experimentKey=key, metricName="m", metricValue=1, timestamp=moment)
    chart = local_server.post("experiments/multi-metric-chart", targetedExperiments=[key], metrics=["m"])
    assert chart["experiments"][key]["metrics"][0]["timestamps"] == [1 - BEYOND_DATES, BEYOND_DATES - 1]


def test_a_hundred_thousand_tags_come_and_go(local_server: LocalServer, key: str) -> None:
    names = [f"n{number}" for number in range(100_000)]
    local_server.post("write/experiment/tags", experimentKey=key, addedTags=names)
    local_server.post("write/experiment/tags/delete", experimentKey=key, tags=[*names[1:], "unknown"])
    assert local_server.get("experiment/tags", experimentKey=key) == {"tags": ["n0"]}
    local_server.post("write/experiment/tags/delete", experimentKey=key, tags=[])
    local_server.post("write/experiment/tags", experimentKey=key, addedTags=[])


def test_pages_of_a_list_are_bounded(local_server: LocalServer) -> None:
    begin(local_server, projectName="paged")
    query = {"workspaceName": "ws", "projectName": "paged"}
    for wrong in (2**63 - 1, 10**9 + 1, 0):
        answer = local_server.call("GET", "api/rest/v2/experiments", params={**query, "size": wrong, "page": wrong})
        assert answer.status_code == 400
    assert local_server.get("experiments", **query, size=10**9, page=10**9) == {"experiments": []}


def test_searches_of_any_length_are_answered(local_server: LocalServer, key: str) -> None:
    for search in ("a" * 50_001, "a " * 1_200):
        assert local_server.call("GET", "ws/tests", params={"q": search}).status_code in (200, 400, 414)
