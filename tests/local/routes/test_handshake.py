"""The beginning of a live experiment."""

from __future__ import annotations

import uuid

import pytest

from tests.fixtures.local_server import LocalServer
from tests.local.conftest import begin


def test_a_new_experiment_gets_what_the_sdk_needs(local_server: LocalServer) -> None:
    key = uuid.uuid4().hex
    answer = local_server.sdk(
        "logger/add/run", experimentKey=key, projectName="a project", teamName="ws", local_timestamp=1_700_000_000_000
    )
    assert answer["focusUrl"] == f"{local_server.url}/ws/a%20project/"
    assert answer["runId"]
    assert answer["project_id"]
    assert (answer["lastOffset"], answer["journalLanes"]) == (0, 1)
    meta = local_server.get("experiment/metadata", experimentKey=key)
    assert meta["startTimeMillis"] == 1_700_000_000_000
    assert (meta["workspaceName"], meta["projectName"], meta["running"]) == ("ws", "a project", True)


def test_without_names_it_lands_in_local_general(local_server: LocalServer) -> None:
    key = begin(local_server, projectName=None, teamName=None)
    meta = local_server.get("experiment/metadata", experimentKey=key)
    assert (meta["workspaceName"], meta["projectName"]) == ("local", "general")


def test_a_key_in_use_is_refused_or_joined(local_server: LocalServer, key: str) -> None:
    body = {"experimentKey": key, "projectName": "tests", "teamName": "ws"}
    refused = local_server.call("POST", "clientlib/logger/add/run", json=body)
    assert (refused.status_code, refused.json()["sdk_error_code"]) == (400, 90999)
    joined = local_server.sdk("logger/add/run", **body, getOrCreateEnabled=True)
    assert joined["runId"] == local_server.sdk("logger/get/run", previousExperiment=key)["runId"]


def test_joining_what_does_not_exist_is_refused(local_server: LocalServer) -> None:
    answer = local_server.call("POST", "clientlib/logger/get/run", json={"previousExperiment": "0" * 32})
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (400, 90210)


@pytest.mark.parametrize("path", ["add", "get"])
def test_a_foreign_key_is_told_in_the_way_the_sdk_understands(local_server: LocalServer, path: str) -> None:
    url = f"{local_server.url}/clientlib/logger/{path}/run"
    answer = local_server.session.post(url, json={}, headers={"Authorization": "another key"})
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (400, 90212)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"experimentKey": "short"}, "experimentKey"),
        ({"experimentKey": "x" * 51}, "experimentKey"),
        ({"experimentKey": "../" + "x" * 32}, "experimentKey"),
        ({"projectName": "a/b"}, "projectName"),
        ({"projectName": ".."}, "projectName"),
        ({"teamName": "api"}, "teamName"),
        ({"teamName": "line\nbreak"}, "teamName"),
        ({"local_timestamp": 1e30}, "local_timestamp"),
        ({"teamName": ["ws"]}, "teamName"),
    ],
)
def test_names_and_keys_are_checked(local_server: LocalServer, fields: dict[str, object], named: str) -> None:
    body = {"experimentKey": uuid.uuid4().hex, "projectName": "tests", "teamName": "ws", **fields}
    answer = local_server.call("POST", "clientlib/logger/add/run", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["msg"]
    assert "expected" in answer.json()["msg"]


def test_a_long_project_name_is_refused_by_its_code(local_server: LocalServer) -> None:
    body = {"experimentKey": uuid.uuid4().hex, "projectName": "p" * 251}
    answer = local_server.call("POST", "clientlib/logger/add/run", json=body)
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (400, 1341241)


def test_output_goes_on_behind_what_was_printed(local_server: LocalServer, key: str) -> None:
    lines = [{"offset": 4, "output": "a", "stderr": False, "localTimestamp": 1}]
    local_server.sdk("rest/v2/write/experiment/output", experimentKey=key, runContext=None, outputLines=lines)
    assert local_server.sdk("logger/get/run", previousExperiment=key)["lastOffset"] == 5


def test_what_the_sdk_asks_besides(local_server: LocalServer) -> None:
    assert local_server.call("GET", "clientlib/isAlive/ver").json() == {"version": "4.40.0"}
    assert local_server.call("GET", "clientlib/health/ping").status_code == 200
    assert local_server.sdk("asset/3d-limits")["maxPoints"] == 1_000_000
    assert local_server.sdk("notification/experiment", title="t")["code"] == 200


@pytest.mark.parametrize("name", ["api", "clientlib", "health", "page-data", "sign-in", "static"])
def test_first_parts_of_our_own_paths_are_names_for_projects_only(local_server: LocalServer, name: str) -> None:
    body = {"experimentKey": uuid.uuid4().hex, "teamName": "local", "projectName": name}
    local_server.sdk("logger/add/run", **body)
    for path in (f"local/{name}", f"local/{name}/{body['experimentKey']}", "local/sign-in-codes"):
        status = local_server.call("GET", path).status_code
        assert status == (404 if path == "local/sign-in-codes" else 200)
    refused = local_server.call(
        "POST", "clientlib/logger/add/run", json={"experimentKey": uuid.uuid4().hex, "teamName": name}
    )
    assert (refused.status_code, "teamName" in refused.json()["msg"]) == (400, True)
