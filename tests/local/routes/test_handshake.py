"""The beginning of a live experiment."""

from __future__ import annotations

import uuid

import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin


def test_a_new_experiment_gets_what_the_sdk_needs(local_server: LocalServer) -> None:
    key = uuid.uuid4().hex
    answer = local_server.sdk(
        "logger/add/run", experimentKey=key, projectName="a project", teamName="ws", local_timestamp=1_700_000_000_000
    )
    assert answer["focusUrl"] == f"{local_server.url}/ws/a%20project/"
    assert answer["runId"]
    assert answer["project_id"]
    assert (answer["lastOffset"], answer["journalLanes"], answer["factsAtOnce"]) == (0, 1, 500)
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


def copy_steps(server: LocalServer, source: str, step: int | None, key: str | None = None) -> requests.Response:
    body = {"copiedExperimentKey": source, "newExperimentKey": key or uuid.uuid4().hex, "stepToCopyTo": step}
    return server.call("POST", "clientlib/logger/copy-steps-from-experiment", json={**body, "localTimestamp": 1})


def log_steps(server: LocalServer, key: str) -> None:
    values = [
        {"metricName": "loss", "metricValue": step / 2, "step": step, "context": "train", "timestamp": 1_000 + step}
        for step in range(5)
    ]
    values.append({"metricName": "sys.load.avg", "metricValue": 1})
    server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    server.post("write/experiment/parameter", experimentKey=key, parameterName="lr", parameterValue=0.1)
    server.post("write/experiment/log-other", experimentKey=key, key="Name", value="first")
    server.post("write/experiment/tags", experimentKey=key, addedTags=["t"])
    server.post("write/experiment/graph", experimentKey=key, graph="g")
    for step in ("2", "3"):
        query = {"experimentKey": key, "fileName": f"at-{step}", "step": step}
        path = "api/rest/v2/write/experiment/upload-asset"
        assert server.call("POST", path, params=query, files={"file": ("f", step)}).status_code == 200


@pytest.mark.parametrize(
    ("step", "steps", "files"), [(2, [0, 1, 2], ["at-2"]), (None, [0, 1, 2, 3, 4], ["at-2", "at-3"])]
)
def test_a_copy_goes_on_from_a_step(
    local_server: LocalServer, key: str, step: int | None, steps: list[int], files: list[str]
) -> None:
    log_steps(local_server, key)
    answer = copy_steps(local_server, key, step)
    assert answer.status_code == 200, answer.text
    made, project = answer.json()["runId"], answer.json()["project_id"]
    assert made != key
    points = local_server.get("experiment/metrics/get-all", experimentKey=made)["metrics"]
    assert [point["metricName"] for point in points] == ["train_loss"] * len(steps)
    assert [(point["step"], point["metricValue"], point["timestamp"]) for point in points] == [
        (step, str(step / 2), 1_000 + step) for step in steps
    ]
    (parameter,) = local_server.get("experiment/parameters", experimentKey=made)["values"]
    assert (parameter["name"], parameter["valueCurrent"]) == ("lr", "0.1")
    assert local_server.get("experiment/tags", experimentKey=made) == {"tags": ["t"]}
    assert local_server.get("experiment/graph", experimentKey=made) == {"graph": "g"}
    assets = local_server.get("experiment/asset/list", experimentKey=made)["assets"]
    assert [asset["fileName"] for asset in assets] == files
    meta = local_server.get("experiment/metadata", experimentKey=made)
    assert (meta["experimentName"], meta["projectId"], meta["running"]) == ("first", project, True)


def test_a_copy_leaves_the_original_as_it_is(local_server: LocalServer, key: str) -> None:
    log_steps(local_server, key)
    before = local_server.get("experiment/metrics/get-all", experimentKey=key)
    made = copy_steps(local_server, key, 1).json()["runId"]
    local_server.post("write/experiment/metric", experimentKey=made, metricName="loss", metricValue=9, context="train")
    assert local_server.get("experiment/metrics/get-all", experimentKey=key) == before


def test_a_copy_of_nothing_or_onto_something_is_refused(local_server: LocalServer, key: str) -> None:
    made = uuid.uuid4().hex
    for answer, code in (
        (copy_steps(local_server, "0" * 32, 1, made), 90210),
        (copy_steps(local_server, key, 1, begin(local_server)), 90999),
    ):
        assert (answer.status_code, answer.json()["sdk_error_code"]) == (400, code)
    unknown = local_server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": made})
    assert unknown.status_code == 404


@pytest.mark.parametrize(("fields", "code"), [({"teamName": "optimizer"}, 90219), ({"projectName": "a/b"}, 1341241)])
def test_a_name_that_cannot_be_is_told_in_the_way_the_sdk_understands(
    local_server: LocalServer, fields: dict[str, str], code: int
) -> None:
    body = {"experimentKey": uuid.uuid4().hex, **fields}
    answer = local_server.call("POST", "clientlib/logger/add/run", json=body)
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (400, code)
