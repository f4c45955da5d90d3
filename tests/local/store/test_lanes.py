"""What is sent again is stored once, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.local.store import lanes, schema
from zenml_comet_tracker.local.store.lanes import LaneMark

WRITER = "0123456789abcdef" * 2
BATCH = "clientlib/batch/logger/experiment/metric"


def send(
    server: LocalServer, key: str, first: int, numbers: range, lane: str = "metrics", writer: str = WRITER
) -> None:
    body = {"experimentKey": key, "values": [{"metricName": "m", "metricValue": n, "step": n} for n in numbers]}
    headers = {"X-Comet-Lane": f"{writer}/{lane}/{first}"}
    answer = server.call("POST", BATCH, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (200, 200)


def steps(server: LocalServer, key: str) -> list[int]:
    points = server.get("experiment/metrics/get-metric", experimentKey=key, metricName="m")["metrics"]
    return [point["step"] for point in points]


def test_a_batch_cut_anew_is_stored_once(local_server: LocalServer, key: str) -> None:
    send(local_server, key, 1, range(1, 6))
    send(local_server, key, 1, range(1, 6))
    send(local_server, key, 3, range(3, 9))
    send(local_server, key, 2, range(2, 4))
    assert steps(local_server, key) == list(range(1, 9))


def test_facts_cut_anew_are_stored_once_and_refused_as_a_whole(local_server: LocalServer, key: str) -> None:
    def send_others(first: int, values: list[dict[str, object]]) -> int:
        facts = [{"kind": "log-other", **value} for value in values]
        body, headers = {"experimentKey": key, "facts": facts}, {"X-Comet-Lane": f"{WRITER}/rest/{first}"}
        path = "api/rest/v2/write/experiment/log-facts"
        return local_server.call("POST", path, json=body, headers=headers).status_code

    assert send_others(1, [{"key": "a", "value": 1}, {"key": "Name", "value": "named"}]) == 200
    assert (
        send_others(2, [{"key": "Name", "value": "stored already"}, {"key": "b", "value": "2", "timestamp": 7}]) == 200
    )
    assert send_others(4, [{"key": "c", "value": "refused, too"}, {"key": "no value"}]) == 400

    others = local_server.get("experiment/log-other", experimentKey=key)["values"]
    assert [(row["name"], row["valueCurrent"]) for row in others] == [("a", "1"), ("Name", "named"), ("b", "2")]
    assert others[2]["timestampMax"] == 7
    assert local_server.get("experiment/metadata", experimentKey=key)["experimentName"] == "named"


def test_writers_and_lanes_count_for_themselves(local_server: LocalServer, key: str) -> None:
    send(local_server, key, 1, range(1, 3))
    send(local_server, key, 1, range(1, 3), writer="f" * 32)
    send(local_server, key, 1, range(1, 3), lane="rest")
    assert len(steps(local_server, key)) == 6


def test_without_a_mark_everything_is_new(local_server: LocalServer, key: str) -> None:
    for _ in range(2):
        local_server.sdk(
            "batch/logger/experiment/metric",
            experimentKey=key,
            values=[{"metricName": "m", "metricValue": 1, "step": 1}],
        )
    assert steps(local_server, key) == [1, 1]


def test_a_refused_batch_does_not_count(local_server: LocalServer, key: str) -> None:
    body = {"experimentKey": key, "values": [{"metricName": "m", "metricValue": "bad"}]}
    answer = local_server.call("POST", BATCH, json=body, headers={"X-Comet-Lane": f"{WRITER}/metrics/1"})
    assert answer.status_code == 400
    send(local_server, key, 1, range(1, 3))
    assert steps(local_server, key) == [1, 2]


def test_single_writes_and_files_count_one(local_server: LocalServer, key: str) -> None:
    for _ in range(2):
        html = {"experimentKey": key, "html": "x", "override": False}
        headers = {"X-Comet-Lane": f"{WRITER}/rest/1"}
        assert local_server.call("POST", "api/rest/v2/write/experiment/html", json=html, headers=headers).ok
        upload = local_server.call(
            "POST", "clientlib/asset/upload", params={"experimentId": key, "fileName": "a"},
            files={"file": b"bytes"}, headers={"X-Comet-Lane": f"{WRITER}/files/1"},
        )  # fmt: skip
        assert upload.status_code == 200
    assert local_server.get("experiment/html", experimentKey=key)["html"] == "x"
    assert len(local_server.get("experiment/asset/list", experimentKey=key)["assets"]) == 1


SINGLE_WRITES = [
    ("write/experiment/metric", "metrics", {"metricName": "m", "metricValue": 1, "step": 1}),
    ("write/experiment/parameter", "parameters", {"parameterName": "p", "parameterValue": 1}),
    ("write/experiment/log-other", "rest", {"key": "k", "value": "v"}),
    ("write/experiment/tags", "rest", {"addedTags": ["t"]}),
    ("write/experiment/html", "rest", {"html": "x"}),
]


@pytest.mark.parametrize(("path", "lane", "content"), SINGLE_WRITES, ids=[path for path, _, _ in SINGLE_WRITES])
def test_single_writes_over_rest_count_their_lane(
    local_server: LocalServer, key: str, path: str, lane: str, content: dict[str, object]
) -> None:
    def high() -> int | None:
        with local_server.store.read() as connection:
            of_writer = (schema.experiment.c.key == key, schema.lane.c.writer == WRITER, schema.lane.c.lane == lane)
            joined = select(schema.lane.c.high).join(
                schema.experiment, schema.experiment.c.id == schema.lane.c.experiment_id
            )
            return connection.scalar(joined.where(*of_writer))

    for _ in range(2):
        headers = {"X-Comet-Lane": f"{WRITER}/{lane}/7"}
        body = {"experimentKey": key, **content}
        assert local_server.call("POST", f"api/rest/v2/{path}", json=body, headers=headers).status_code == 200
        assert high() == 7


def test_a_value_sent_again_over_rest_is_stored_once(local_server: LocalServer, key: str) -> None:
    for first in (1, 2, 2, 1, 3):
        body = {"experimentKey": key, "metricName": "m", "metricValue": first, "step": first}
        headers = {"X-Comet-Lane": f"{WRITER}/metrics/{first}"}
        local_server.call("POST", "api/rest/v2/write/experiment/metric", json=body, headers=headers)
        upload = {"params": {"experimentKey": key, "fileName": f"{first}"}, "files": {"file": b"bytes"}}
        headers = {"X-Comet-Lane": f"{WRITER}/files/{first}"}
        local_server.call("POST", "api/rest/v2/write/experiment/upload-asset", headers=headers, **upload)
    assert steps(local_server, key) == [1, 2, 3]
    assets = local_server.get("experiment/asset/list", experimentKey=key)["assets"]
    assert sorted(asset["fileName"] for asset in assets) == ["1", "2", "3"]


def test_an_empty_batch_is_fine(local_server: LocalServer, key: str) -> None:
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=[])
    assert steps(local_server, key) == []


@pytest.mark.parametrize(
    "mark", ["", "x/metrics/1", f"{WRITER}/other/1", f"{WRITER}/metrics/0", f"{WRITER}/metrics/-1"]
)
def test_a_mark_that_is_none_is_refused(local_server: LocalServer, key: str, mark: str) -> None:
    body = {"experimentKey": key, "values": []}
    answer = local_server.call("POST", BATCH, json=body, headers={"X-Comet-Lane": mark})
    assert answer.status_code == 400
    assert "X-Comet-Lane" in answer.json()["msg"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 10)), max_size=20))
def test_every_number_is_new_exactly_once(sent: list[tuple[int, int]]) -> None:
    """Sequences without gaps, as a client sends them: each batch begins at or below the next number."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.lane.create(connection)
        stored: list[int] = []
        high = 0
        for first, count in sent:
            first = min(first, high + 1)
            skipped = lanes.advance(connection, 1, LaneMark(WRITER, "metrics", first), count)
            stored += range(first + skipped, first + count)
            high = max(high, first + count - 1)
    engine.dispose()
    assert stored == list(range(1, high + 1))
