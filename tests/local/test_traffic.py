"""What the server says of its own work: counters, and an access log that holds no secrets and no end of lines."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.fixtures.local_server import KEY, LocalServer, begin
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local.access_log import AccessLog
from zenml_comet_tracker.local.traffic import route_of

BATCH = "clientlib/batch/logger/experiment/metric"


def counted(server: LocalServer) -> dict[str, Any]:
    answer = server.call("GET", "api/local/counters")
    assert answer.status_code == 200
    found = answer.json()
    assert isinstance(found, dict)
    return found


def requests_of(found: dict[str, Any], route: str) -> dict[tuple[str, str], int]:
    return {(row["method"], row["status"]): row["count"] for row in found["requests"] if row["route"] == route}


def log_of(server: LocalServer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (server.data / "access.log").read_text("utf-8").splitlines()]


def test_a_fresh_server_has_counted_nothing(clocked_server: LocalServer) -> None:
    found = counted(clocked_server)
    assert (found["requests"], found["errors"], found["bytesIn"], found["bytesOut"]) == ([], 0, 0, 0)
    assert (found["points"], found["parameters"], found["assets"], found["filesBytes"]) == (0, 0, 0, 0)
    assert found["uptimeSeconds"] >= 0
    again = counted(clocked_server)
    assert requests_of(again, "/api/local/counters") == {("GET", "2xx"): 1}
    assert again["uptimeSeconds"] > found["uptimeSeconds"]


def test_requests_are_counted_by_route_and_class_of_status(clocked_server: LocalServer) -> None:
    server = clocked_server
    for path in ("registry-model/item/1/metadata", "registry-model/item/2/metadata"):
        assert server.call("GET", f"api/rest/v2/{path}").status_code == 404
    server.call("GET", "clientlib/rest/v2/workspaces")
    server.call("GET", "some/project/page")
    server.call("GET", "api/rest/v2/workspaces", headers={"Authorization": "wrong"})
    found = counted(server)
    assert requests_of(found, "/api/rest/v2/registry-model/item/{item_id}/metadata") == {("GET", "4xx"): 2}
    assert requests_of(found, "/clientlib/rest/v2/workspaces") == {("GET", "2xx"): 1}
    assert requests_of(found, "/{workspace}/{project}/{key}") == {("GET", "4xx"): 1}
    assert requests_of(found, "-") == {("GET", "4xx"): 1}, "who is refused at the door comes to no route"
    assert found["errors"] == 0


def test_made_up_methods_take_no_room(clocked_server: LocalServer) -> None:
    for at in range(3):
        assert clocked_server.call(f"MADE{at}", "api/rest/v2/workspaces").status_code >= 400
    assert [row["method"] for row in counted(clocked_server)["requests"]] == ["other"]


def test_what_is_stored_is_counted_once_and_only_when_it_is_stored(clocked_server: LocalServer) -> None:
    server = clocked_server
    key = begin(server)
    body = {"experimentKey": key, "values": [{"metricName": "m", "metricValue": at} for at in range(5)]}
    # Five new values, the same once more, and two known ones with three new.
    for first in (1, 1, 4):
        lane = {"X-Comet-Lane": f"{'0' * 32}/metrics/{first}"}
        assert server.call("POST", BATCH, json=body, headers=lane).status_code == 200
    server.post("write/experiment/metric", experimentKey=key, metricName="m", metricValue=1)
    refused = {**body, "values": [{"metricName": "m", "metricValue": "no"}]}
    assert server.call("POST", BATCH, json=refused).status_code == 400
    server.post("write/experiment/parameter", experimentKey=key, parameterName="p", parameterValue=1)
    server.post("write/experiment/cpu-metrics", experimentKey=key, cpuPercentUtilization=[1, 2])
    upload = {"params": {"experimentKey": key}, "files": {"file": ("a", b"x" * 5000)}}
    server.call("POST", "api/rest/v2/write/experiment/upload-asset", **upload)
    found = counted(server)
    assert (found["points"], found["parameters"], found["assets"]) == (8 + 1 + 3, 1, 1)
    with closing(sqlite3.connect(server.data / "comet.db")) as database:
        assert database.execute("SELECT sum(count) FROM metric").fetchone() == (found["points"],)
    assert found["filesBytes"] == 5000
    assert found["databaseBytes"] == (server.data / "comet.db").stat().st_size
    assert found["walBytes"] == (server.data / "comet.db-wal").stat().st_size > 0


def test_bytes_are_those_of_the_bodies(clocked_server: LocalServer) -> None:
    before = counted(clocked_server)
    mine = clocked_server.call("GET", "api/rest/v2/workspaces")
    body = b'{"experimentKey": "none", "values": []}'
    headers = {"Content-Type": "application/json"}
    refusal = clocked_server.call("POST", BATCH, data=body, headers=headers)
    after = counted(clocked_server)
    assert after["bytesIn"] - before["bytesIn"] == len(body)
    own = len(json.dumps(before, separators=(",", ":")))
    assert after["bytesOut"] - before["bytesOut"] == own + len(mine.content) + len(refusal.content)


def test_the_access_log_has_a_line_a_request(clocked_server: LocalServer) -> None:
    answer = clocked_server.call("GET", "api/rest/v2/projects?workspaceName=local")
    counted(clocked_server)
    line = log_of(clocked_server)[0]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/rest/v2/projects", 200)
    assert (line["bytesIn"], line["bytesOut"]) == (0, len(answer.content))
    assert line["milliseconds"] >= 0
    assert line["time"].endswith("+00:00")
    assert not (clocked_server.data / "access.log").stat().st_mode & 0o077


def test_the_access_log_holds_no_secret(clocked_server: LocalServer) -> None:
    browser = sign_in(clocked_server)
    browser.get(f"{clocked_server.url}/?q=letmein", timeout=20)
    clocked_server.call("GET", "api/rest/v2/workspaces", headers={"Authorization": "somebodys-else-key"})
    counted(clocked_server)
    text = (clocked_server.data / "access.log").read_text("utf-8")
    secrets = [KEY, "somebodys-else-key", "letmein", "code=", "?", *(cookie.value or "" for cookie in browser.cookies)]
    assert len(secrets) > 5
    assert [secret for secret in secrets if secret in text] == []
    assert '"/sign-in"' in text


def test_the_access_log_is_bounded(tmp_path: Path) -> None:
    log = AccessLog(tmp_path, most_bytes=1_000)
    for at in range(200):
        log.write({"at": at})
    log.close()
    text = "".join((tmp_path / name).read_text() for name in ("access.log.1", "access.log"))
    lines = [json.loads(line)["at"] for line in text.splitlines()]
    assert lines == list(range(lines[0], 200))
    assert {path.name for path in tmp_path.iterdir()} == {"access.log", "access.log.1"}
    assert 1_000 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2_000


def test_the_access_log_goes_on_where_it_was(tmp_path: Path) -> None:
    for at in range(2):
        log = AccessLog(tmp_path)
        log.write({"at": at})
        log.close()
    assert (tmp_path / "access.log").read_text() == '{"at":0}\n{"at":1}\n'


def test_a_log_that_cannot_be_written_fails_no_request(clocked_server: LocalServer) -> None:
    (clocked_server.data / "access.log").mkdir()
    AccessLog(clocked_server.data).write({"at": 1})
    assert clocked_server.call("GET", "api/rest/v2/workspaces").status_code == 200
    assert requests_of(counted(clocked_server), "/api/rest/v2/workspaces") == {("GET", "2xx"): 1}


def test_a_route_is_named_with_what_it_was_included_under() -> None:
    class Route:
        def __init__(self, path: str) -> None:
            self.path = path

    for template in ("/item/{id}/x", "/api/item/{id}/x"):
        assert route_of({"path": "/api/item/7/x", "route": Route(template)}) == "/api/item/{id}/x"
    assert route_of({"path": "/api/a/b/c", "route": Route("/api/{path:path}")}) == "/api/{path:path}"
    assert route_of({"path": "/a"}) == "-"
