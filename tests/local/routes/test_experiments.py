"""Experiments as a whole over the wire."""

from __future__ import annotations

import uuid

import pytest

from tests.fixtures.local_server import LocalServer, begin


def test_one_made_over_rest_has_a_link_and_does_not_run(local_server: LocalServer) -> None:
    made = local_server.post("write/experiment/create", workspaceName="ws", projectName="p", experimentName="mine")
    assert made["link"] == f"{local_server.url}/ws/p/{made['experimentKey']}"
    meta = local_server.get("experiment/metadata", experimentKey=made["experimentKey"])
    assert meta["journalLanes"] == 1
    assert (meta["experimentName"], meta["running"], meta["hasCrashed"]) == ("mine", False, False)


def test_the_file_path_is_described(local_server: LocalServer, key: str) -> None:
    local_server.post("write/experiment/file-path", experimentKey=key, filePath="/home/me/train.py")
    meta = local_server.get("experiment/metadata", experimentKey=key)
    assert (meta["filePath"], meta["fileName"]) == ("/home/me/train.py", "train.py")


@pytest.mark.parametrize("spelling", ["true", "True", "TRUE"])
def test_archived_ones_are_listed_apart(local_server: LocalServer, spelling: str) -> None:
    project = f"project-{uuid.uuid4().hex}"
    kept, archived = (begin(local_server, projectName=project) for _ in range(2))
    local_server.get("write/experiment/archive", experimentKey=archived)

    def keys(**query: str) -> list[str]:
        found = local_server.get("experiments", workspaceName="ws", projectName=project, **query)
        return [meta["experimentKey"] for meta in found["experiments"]]

    assert (keys(), keys(archived=spelling)) == ([kept], [archived])
    local_server.get("write/experiment/restore", experimentKey=archived)
    assert set(keys(archived="False")) == {kept, archived}


def test_lists_are_sorted_and_paged(local_server: LocalServer) -> None:
    project = f"project-{uuid.uuid4().hex}"
    keys = [begin(local_server, projectName=project, local_timestamp=1000 + n) for n in range(5)]
    for order, key in enumerate(reversed(keys)):
        local_server.post("write/experiment/set-start-end-time", experimentKey=key, endTimeMillis=5000 + order)

    def found(**query: object) -> list[str]:
        answer = local_server.get("experiments", workspaceName="ws", projectName=project, **query)
        return [meta["experimentKey"] for meta in answer["experiments"]]

    assert found() == keys[::-1]
    assert found(sortBy="startTime", sortOrder="asc") == keys
    assert found(sortBy="endTime", sortOrder="asc") == keys[::-1]
    assert found(sortOrder="asc", page=2, size=2) == keys[2:4]
    assert found(page=4, size=2) == []


@pytest.mark.parametrize(
    "query", [{"sortBy": "name"}, {"sortOrder": "up"}, {"page": 0}, {"size": "many"}, {"archived": "perhaps"}]
)
def test_lists_say_what_they_cannot_do(local_server: LocalServer, key: str, query: dict[str, object]) -> None:
    names = {"workspaceName": "ws", "projectName": "tests"}
    answer = local_server.call("GET", "api/rest/v2/experiments", params={**names, **query})
    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["msg"]


@pytest.mark.parametrize(
    "path", ["experiment/metadata", "experiment/tags", "experiment/metrics/get-all", "write/experiment/archive"]
)
def test_an_unknown_key_is_404(local_server: LocalServer, path: str) -> None:
    answer = local_server.call("GET", f"api/rest/v2/{path}", params={"experimentKey": "0" * 32})
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (404, 90210)
    missing = local_server.call("GET", f"api/rest/v2/{path}")
    assert missing.status_code == 400
    assert "experimentKey is missing" in missing.json()["msg"]


@pytest.mark.parametrize("path", ["api/rest/v2/none", "api/rest/v2/experiment", "clientlib/a/b", "api", "clientlib"])
def test_unknown_paths_are_404_in_comets_shape(local_server: LocalServer, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = local_server.call(method, path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()["code"] == 404


def test_a_deleted_experiment_is_unknown(local_server: LocalServer) -> None:
    key = begin(local_server)
    assert local_server.get("write/experiment/delete", experimentKey=key)["code"] == 200
    for path in ("experiment/metadata", "write/experiment/delete"):
        answer = local_server.call("GET", f"api/rest/v2/{path}", params={"experimentKey": key})
        assert (answer.status_code, answer.json()["sdk_error_code"]) == (404, 90210)
