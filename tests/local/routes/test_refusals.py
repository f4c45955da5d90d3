"""What each call refuses: a field that is missing or of the wrong type, an unknown owner, another content type.

Each time the status and the words say it, and the answer is JSON to the letter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer

REST, SDK, SDK_REST = "api/rest/v2/", "clientlib/", "clientlib/rest/v2/"
NOBODY = "0" * 32
LINE = {"stderr": False, "output": "x", "localTimestamp": 1, "offset": 0}
OF_METRIC = {"metricName": "m", "metricValue": 1}
OF_PARAMETER = {"parameterName": "p", "parameterValue": 1}


@dataclass(frozen=True)
class Row:
    """One call that is good once `owner` names an experiment or a project, and what in it may not be missing."""

    path: str
    body: dict[str, Any] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    owner: str = "experimentKey"
    method: str = "POST"
    # What a refusal asks for where no owner is named, if not for that.
    named: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _writes() -> Iterator[Row]:
    write = f"{REST}write/experiment/"
    for root in (REST, SDK_REST):
        yield Row(f"{root}write/experiment/output", {"outputLines": [LINE]}, ("outputLines",))
        yield Row(f"{root}write/experiment/system-details", {"pid": 1})
    yield Row(f"{write}metric", OF_METRIC, tuple(OF_METRIC))
    yield Row(f"{write}parameter", OF_PARAMETER, tuple(OF_PARAMETER))
    yield Row(f"{write}parameter/delete", {"parameterName": "p"}, ("parameterName",))
    yield Row(f"{write}log-other", {"key": "k", "value": 1}, ("key", "value"))
    yield Row(f"{write}tags", {"addedTags": ["t"]}, ("addedTags",))
    yield Row(f"{write}tags/delete", {"tags": ["t"]}, ("tags",))
    for text in ("html", "graph", "code"):
        yield Row(f"{write}{text}", {text: "x"}, (text,))
    yield Row(f"{write}file-path", {"filePath": "a.py"}, ("filePath",))
    yield Row(f"{write}git/metadata", {"user": "u"})
    yield Row(f"{write}dependencies", {"logDependencies": [{"name": "n"}]}, ("logDependencies",), method="PUT")
    yield Row(f"{write}cloud-details", {"provider": "p"}, ("provider",))
    yield Row(f"{write}cpu-metrics", {"cpuPercentUtilization": [1]}, ("cpuPercentUtilization",))
    yield Row(f"{write}gpu-metrics", {"gpus": [{"gpuId": 0}]}, ("gpus",))
    yield Row(f"{write}ram-metrics", {"totalRam": 2, "usedRam": 1}, ("totalRam", "usedRam"))
    yield Row(f"{write}load-metrics", {"loadAverage": 1}, ("loadAverage",))
    yield Row(f"{write}set-start-end-time", {"startTimeMillis": 1})
    yield Row(f"{write}update-status", {"isAlive": True}, ("isAlive",))
    yield Row(f"{SDK}status-report/update", {"is_alive": True}, ("is_alive",))
    yield Row(f"{SDK}status-report/offline-metadata", {"endTimestamp": 2})
    yield Row(f"{SDK}batch/logger/experiment/metric", {"values": [OF_METRIC]}, ("values",))
    yield Row(f"{SDK}batch/logger/experiment/parameter", {"values": [OF_PARAMETER]}, ("values",))
    yield Row(f"{SDK}tags/add-tags-to-experiment", {"addedTags": ["t"]}, ("addedTags",))
    yield Row(f"{SDK}asset", {"userFileName": "s", "assetType": "3d-image"}, ("userFileName", "assetType"))
    model = {"modelName": "m", "remoteEntities": [{"remoteUrl": "s3://b/c"}]}
    yield Row(f"{SDK}asset/log-remote-model", model, tuple(model))
    yield Row(f"{SDK}rpc/register-rpc")
    project = {"owner": "projectId", "named": "projectName"}
    yield Row(f"{REST}write/project/update", {"newProjectDescription": "d"}, **project)
    yield Row(f"{REST}write/project/update-owner", {"userName": "u"}, ("userName",), **project)
    yield Row(f"{REST}write/project/notes", {"notes": "n"}, ("notes",), **project)


def _queries() -> Iterator[Row]:
    for name in ("archive", "restore", "stop", "set-status"):
        yield Row(f"{REST}write/experiment/{name}", method="GET")
    yield Row(f"{REST}write/experiment/asset/delete", {"assetId": "a"}, ("assetId",), method="GET")
    for path in (f"{REST}write/project/symlink", f"{SDK}symlink/new"):
        yield Row(path, {"projectName": "linked"}, ("projectName",), method="GET")
    yield Row(f"{SDK}rpc/get-pending-rpcs", method="GET")
    texts = ("html", "graph", "code", "output", "tags", "parameters", "log-other", "system-details", "metadata")
    for name in (*texts, "git/metadata", "git/patch", "asset/list", "metrics/summary", "metrics/get-all", "model"):
        yield Row(f"{REST}experiment/{name}", method="GET")
        yield Row(f"{SDK_REST}experiment/{name}", method="GET")
    yield Row(f"{REST}experiment/metrics/get-metric", {"metricName": "m"}, ("metricName",), method="GET")
    yield Row(f"{REST}experiment/asset/get-by-name", {"assetName": "a"}, ("assetName",), method="GET")
    yield Row(f"{REST}experiment/model/asset/list", {"modelName": "m"}, ("modelName",), method="GET")
    project = {"owner": "projectId", "method": "GET"}
    yield Row(f"{REST}project/notes", named="projectName", **project)
    for path in ("views/get-all", "views/chart-templates", "project/get-project-share-links"):
        yield Row(f"{REST}{path}", **project)
    yield Row(f"{REST}write/project/add-share-link", **project)
    yield Row(f"{REST}write/project/delete-project-share-link", {"shareCode": "c"}, ("shareCode",), **project)


WRITES, QUERIES = list(_writes()), list(_queries())


def owner_of(server: LocalServer, row: Row, key: str) -> str:
    if row.owner == "experimentKey":
        return key
    project_id = server.get("experiment/metadata", experimentKey=key)["projectId"]
    assert isinstance(project_id, str)
    return project_id


def call(server: LocalServer, row: Row, body: dict[str, Any]) -> tuple[int, str, int]:
    """Status, message and `sdk_error_code` of the answer, which is JSON to the letter."""
    where = {"params": body} if row.method == "GET" else {"json": body}
    answer = server.call(row.method, row.path, **where)
    if answer.headers["Content-Type"] != "application/json":
        return answer.status_code, "", 0
    content = answer.json()
    return answer.status_code, content.get("msg", ""), content.get("sdk_error_code", 0)


@pytest.mark.parametrize("row", [*WRITES, *QUERIES], ids=str)
def test_a_good_call_is_answered_and_a_field_that_is_missing_is_named(
    local_server: LocalServer, key: str, row: Row
) -> None:
    good = {row.owner: owner_of(local_server, row, key), **row.body}
    # Of what is to be taken away nothing is there.
    assert call(local_server, row, good)[0] == (404 if {"assetId", "shareCode"} & row.body.keys() else 200)
    for name in (row.owner, *row.needed):
        status, message, _ = call(local_server, row, {field: good[field] for field in good if field != name})
        named = row.named if name == row.owner and row.named else name
        assert (status, message.partition(" ")[0]) == (400, named)


@pytest.mark.parametrize("row", [*WRITES, *QUERIES], ids=str)
def test_an_unknown_owner_is_404(local_server: LocalServer, row: Row) -> None:
    status, message, code = call(local_server, row, {row.owner: NOBODY, **row.body})
    assert (status, NOBODY in message) == (404, True)
    assert code == (90210 if row.owner == "experimentKey" else 0)


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_a_field_of_the_wrong_type_is_named(local_server: LocalServer, key: str, row: Row) -> None:
    good = {row.owner: owner_of(local_server, row, key), **row.body}
    for name in (row.owner, *row.needed):
        if name in ("value", "parameterValue"):  # any JSON value is good
            continue
        status, message, _ = call(local_server, row, {**good, name: {"a": 1}})
        assert (status, message.startswith(name), "expected" in message) == (400, True, True)


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_a_body_that_is_no_json_object_is_refused(local_server: LocalServer, key: str, row: Row) -> None:
    good = json.dumps({row.owner: key, **row.body})
    for kind, body, expected in (
        ("text/plain", good, 415),
        ("application/x-www-form-urlencoded", good, 415),
        ("application/json", good[:-1], 400),
        ("application/json", f"[{good}]", 400),
    ):
        answer = local_server.call(row.method, row.path, data=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (expected, expected)


@pytest.mark.parametrize(
    "row", [row for row in [*WRITES, *QUERIES] if "write/" in row.path or SDK in row.path], ids=str
)
def test_a_write_needs_the_key(local_server: LocalServer, row: Row) -> None:
    answer = local_server.session.request(row.method, f"{local_server.url}/{row.path}")
    assert answer.status_code == 401
