"""The R client cometr 0.4.0, request by request: its headers, its spelling of values, and the shapes that it reads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from tests.fixtures.local_server import LocalServer

WORKSPACE = "cometr"
HEADERS = {"User-Agent": "Comet API for R cometr/0.4.0", "Accept": "application/json, text/xml, application/xml, */*"}


class R:
    """Requests as cometr makes them: JSON without a charset, queries with R's TRUE and FALSE, 200 or nothing."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        answered = self._server.call(
            method, f"api/rest/v2/{path}", headers={**HEADERS, **arguments.pop("headers", {})}, **arguments
        )
        assert answered.status_code == 200, answered.text
        return answered

    def get(self, path: str, **query: Any) -> Any:
        params = {name: str(value).upper() if isinstance(value, bool) else value for name, value in query.items()}
        answered = self.call("GET", path, params=params)
        assert answered.headers["Content-Type"].partition(";")[0] == "application/json"
        return answered.json()

    def post(self, path: str, **body: Any) -> Any:
        # jsonlite writes no spaces; cometr leaves out what is NULL.
        text = json.dumps({name: value for name, value in body.items() if value is not None}, separators=(",", ":"))
        return self.call("POST", path, data=text.encode(), headers={"Content-Type": "application/json"}).json()

    def upload(self, key: str, files: dict[str, Any], **query: Any) -> Any:
        return self.call(
            "POST", "write/experiment/upload-asset", params={"experimentKey": key, **query}, files=files
        ).json()


@pytest.fixture
def r(local_server: LocalServer) -> R:
    return R(local_server)


@pytest.fixture
def created(r: R) -> dict[str, Any]:
    """What `create_experiment()` is answered, after it has said where the experiment comes from."""
    answer = r.post("write/experiment/create", workspaceName=WORKSPACE, projectName="wire", experimentName=None)
    key = answer["experimentKey"]
    r.post("write/experiment/log-other", experimentKey=key, key="Created from", value="cometr")
    return dict(answer)


@pytest.fixture
def key(created: dict[str, Any]) -> str:
    return str(created["experimentKey"])


def test_an_experiment_is_created(r: R, created: dict[str, Any], local_server: LocalServer) -> None:
    key = created["experimentKey"]
    assert re.fullmatch("[0-9a-zA-Z]{32,50}", key)
    assert created["link"] == f"{local_server.url}/{WORKSPACE}/wire/{key}"
    assert (created["workspaceName"], created["projectName"]) == (WORKSPACE, "wire")
    others = {row["name"]: row["valueCurrent"] for row in r.get("experiment/log-other", experimentKey=key)["values"]}
    assert others["Created from"] == "cometr"


def test_it_is_kept_alive_by_get(r: R, key: str) -> None:
    interval = r.get("write/experiment/set-status", experimentKey=key)["isAliveBeatDurationMillis"]
    assert isinstance(interval, int)
    assert r.get("experiment/metadata", experimentKey=key)["running"] is True


def test_workspaces_have_the_recorded_shape(r: R, key: str) -> None:
    names = r.get("workspaces")
    assert list(names) == ["workspaceNames"]
    assert WORKSPACE in names["workspaceNames"]


def test_projects_have_the_recorded_shape(r: R, key: str) -> None:
    (project,) = r.get("projects", workspaceName=WORKSPACE)["projects"]
    recorded = {
        "projectId": str, "projectName": str, "ownerUserName": str, "projectDescription": str, "workspaceName": str,
        "numberOfExperiments": int, "lastUpdated": int, "public": bool,
    }  # fmt: skip
    assert {name: type(value) for name, value in project.items() if name in recorded} == recorded
    assert re.fullmatch("[0-9a-f]{32}", project["projectId"])


@pytest.mark.parametrize("archived", [False, True])
def test_experiments_have_the_recorded_shape(r: R, key: str, archived: bool) -> None:
    if archived:
        r.get("write/experiment/archive", experimentKey=key)
    listed = r.get("experiments", workspaceName=WORKSPACE, projectName="wire", archived=archived)["experiments"]
    (experiment,) = [found for found in listed if found["experimentKey"] == key]
    recorded = {
        "experimentKey", "experimentName", "optimizationId", "projectId", "projectName", "workspaceName", "filePath",
        "fileName", "durationMillis", "startTimeMillis", "endTimeMillis", "archived",
    }  # fmt: skip
    assert recorded <= set(experiment)
    assert (experiment["archived"], experiment["optimizationId"], experiment["filePath"]) == (archived, None, None)
    assert {type(experiment[name]) for name in ("durationMillis", "startTimeMillis", "endTimeMillis")} == {int}
    other = r.get("experiments", workspaceName=WORKSPACE, projectName="wire", archived=not archived)["experiments"]
    assert key not in {found["experimentKey"] for found in other}


def test_columns_have_the_recorded_shape_by_name_and_by_id(r: R, key: str) -> None:
    by_name = r.get("project/column-names", workspaceName=WORKSPACE, projectName="wire")["columns"]
    project = r.get("experiment/metadata", experimentKey=key)["projectId"]
    assert r.get("project/column-names", projectId=project)["columns"] == by_name
    assert all(column["id"] == f"{column['name']}--{column['source']}" for column in by_name)
    recorded = {
        ("runId", "string"), ("hasNotes", "boolean"), ("duration", "timenumber"), ("codeSHA", "string"),
        ("file_name", "string"), ("hasHtml", "boolean"), ("experimentKey", "string"), ("optimizationId", "string"),
        ("end_server_timestamp", "datetime"), ("installed_packages", "string"), ("file_path", "string"),
        ("last_message_time", "datetime"), ("runActive", "boolean"), ("hasImages", "boolean"), ("user_name", "string"),
        ("start_server_timestamp", "datetime"), ("Name", "string"), ("throttled", "string"),
    }  # fmt: skip
    assert recorded <= {(column["name"], column["type"]) for column in by_name}


def test_an_empty_chart_is_as_recorded(r: R, key: str) -> None:
    body = {"targetedExperiments": [key], "metrics": [], "params": [], "independentMetrics": True, "fetchFull": False}
    assert r.post("experiments/multi-metric-chart", **body) == {"experiments": {}, "empty": True}


def test_metrics_are_stringified_doubles(r: R, key: str) -> None:
    r.post(
        "write/experiment/metric", experimentKey=key, metricName="m", metricValue=10, step=1, epoch=2, context="train",
        timestamp=1_795_228_406_321,
    )  # fmt: skip
    (summary,) = r.get("experiment/metrics/summary", experimentKey=key)["values"]
    assert (summary["valueCurrent"], summary["stepCurrent"]) == ("10.0", 1)
    (point,) = r.get("experiment/metrics/get-metric", experimentKey=key, metricName=summary["name"])["metrics"]
    assert (point["step"], point["epoch"], point["runContext"]) == (1, 2, "train")
    assert (point["timestamp"], float(point["metricValue"])) == (1_795_228_406_321, 10.0)


def test_parameters_and_others(r: R, key: str) -> None:
    r.post("write/experiment/parameter", experimentKey=key, parameterName="p", parameterValue="x", step=3)
    (row,) = r.get("experiment/parameters", experimentKey=key)["values"]
    assert (row["name"], row["valueCurrent"], row["valueMin"], row["valueMax"]) == ("p", "x", "x", "x")
    r.post("write/experiment/tags", experimentKey=key, addedTags=["one", "two"])
    assert sorted(r.get("experiment/tags", experimentKey=key)["tags"]) == ["one", "two"]


def test_html_and_graph_and_code(r: R, key: str) -> None:
    r.post("write/experiment/html", experimentKey=key, html="<p>1</p>", override=False, timestamp=1_795_228_406_321)
    r.post("write/experiment/html", experimentKey=key, html="<p>2</p>", override=True, timestamp=1_795_228_406_400)
    assert r.get("experiment/html", experimentKey=key)["html"] == "<p>2</p>"
    r.post("write/experiment/graph", experimentKey=key, graph="a -> b")
    assert r.get("experiment/graph", experimentKey=key)["graph"] == "a -> b"
    r.post("write/experiment/code", experimentKey=key, code="x <- 1\n")
    assert r.get("experiment/code", experimentKey=key)["code"] == "x <- 1\n"


def test_output_without_line_ends_becomes_lines(r: R, key: str) -> None:
    assert r.get("experiment/output", experimentKey=key)["output"] == ""
    r.post("write/experiment/output", experimentKey=key, outputLines=[{"offset": 1, "output": "[1] 2"}])
    more = [{"offset": 2, "output": "[1] 3"}, {"offset": 3, "output": ""}, {"offset": 4, "output": "end"}]
    r.post("write/experiment/output", experimentKey=key, outputLines=more)
    assert r.get("experiment/output", experimentKey=key)["output"] == "[1] 2\n[1] 3\n\nend\n"


def test_system_details_take_what_r_names(r: R, key: str) -> None:
    gpu = {"gpuIndex": 0, "name": "g", "uuid": "u", "totalMemory": 1, "powerLimit": 2}
    fields: dict[str, Any] = {
        "user": "u", "pythonVersion": "4.1.0", "pythonVersionVerbose": "R version 4.1.0", "pid": 7, "osType": "unix",
        "os": "Linux", "ip": "127.0.0.1", "hostname": "h", "command": ["R"], "executable": "/usr/bin/R",
        "networkInterfaceIps": ["127.0.0.1"], "gpuStaticInfoList": [gpu], "osPackages": ["a=1"],
        "logAdditionalSystemInfoList": [{"key": "k", "value": "v"}], "installedPackages": ["cometr@0.4.0"],
    }  # fmt: skip
    r.post("write/experiment/system-details", experimentKey=key, **fields)
    assert fields.items() <= r.get("experiment/system-details", experimentKey=key).items()


@pytest.mark.parametrize("name", ["networkInterfaceIps", "command", "installedPackages", "osPackages"])
def test_a_list_of_one_text_may_come_as_the_text(r: R, key: str, name: str) -> None:
    r.post("write/experiment/system-details", experimentKey=key, **{name: "one"})
    assert r.get("experiment/system-details", experimentKey=key)[name] == ["one"]


def test_machine_metrics(r: R, key: str) -> None:
    at: dict[str, Any] = {"context": "train", "step": 1, "epoch": 1, "timestamp": 1_795_228_406_321}
    r.post("write/experiment/cpu-metrics", experimentKey=key, cpuPercentUtilization=[1, 2], **at)
    r.post("write/experiment/ram-metrics", experimentKey=key, totalRam=1024, usedRam=12, **at)
    r.post("write/experiment/load-metrics", experimentKey=key, loadAverage=1.5, **at)
    gpu = {"gpuId": 1, "freeMemory": 1, "usedMemory": 2, "gpuUtilization": 3, "totalMemory": 4}
    r.post("write/experiment/gpu-metrics", experimentKey=key, gpus=[gpu])
    values = {float(m["metricValue"]) for m in r.get("experiment/metrics/get-all", experimentKey=key)["metrics"]}
    assert {1.0, 2.0, 12.0, 1.5, 3.0} <= values


def test_git(r: R, key: str) -> None:
    git = {"user": "u", "root": "r", "branch": "b", "parent": "p", "origin": "o"}
    r.post("write/experiment/git/metadata", experimentKey=key, **git)
    assert r.get("experiment/git/metadata", experimentKey=key) == git
    diff = b"--- a\n+++ b\n"
    r.call("POST", "write/experiment/git/patch", params={"experimentKey": key}, files={"file": ("p.diff", diff)})
    assert r.call("GET", "experiment/git/patch", params={"experimentKey": key}).content == diff


def test_a_local_asset_is_named_by_its_part(r: R, key: str) -> None:
    uploaded = r.upload(
        key, {"file": ("/home/u/data.csv", b"a,b\n"), "metadata": (None, '{"foo":"bar"}')}, step=1, overwrite="FALSE"
    )
    (asset,) = r.get("experiment/asset/list", experimentKey=key)["assets"]
    assert (asset["assetId"], asset["fileName"], asset["fileSize"]) == (uploaded["assetId"], "data.csv", 4)
    assert (asset["metadata"], asset["type"], asset["remote"], asset["step"]) == ('{"foo":"bar"}', "asset", False, 1)
    got = r.call("GET", "experiment/asset/get-asset", params={"experimentKey": key, "assetId": asset["assetId"]})
    assert got.content == b"a,b\n"


def test_a_remote_asset_is_a_link(r: R, key: str) -> None:
    r.upload(key, {"link": (None, "s3://bucket/folder/file.bin")}, isRemote="TRUE")
    (asset,) = r.get("experiment/asset/list", experimentKey=key)["assets"]
    assert (asset["link"], asset["fileName"]) == ("s3://bucket/folder/file.bin", "file.bin")
    assert (asset["type"], asset["remote"]) == ("asset", True)


def test_symlinks_times_and_ends(r: R, key: str, local_server: LocalServer) -> None:
    link = r.get("write/project/symlink", experimentKey=key, projectName="linked")["link"]
    assert link.startswith(f"{local_server.url}/{WORKSPACE}/linked/")
    r.post("write/experiment/set-start-end-time", experimentKey=key, startTimeMillis=1_500_000_000_000)
    meta = r.get("experiment/metadata", experimentKey=key)
    assert (meta["startTimeMillis"], meta["endTimeMillis"]) == (1_500_000_000_000, 1_500_000_001_000)


def test_artifacts(r: R, key: str) -> None:
    made = r.post(
        "write/artifacts/upsert", artifactName="r-data", artifactType="dataset", experimentKey=key, version="1.0.0",
        alias=["al"], versionTags=["vt"], versionMetadata='{"a":1}',
    )  # fmt: skip
    r.upload(key, {"file": ("f.csv", b"a,b\n")}, artifactVersionId=made["artifactVersionId"], fileName="d/f.csv")
    r.post("write/artifacts/state", artifactVersionId=made["artifactVersionId"], experimentKey=key, state="CLOSED")
    read = r.get(
        "artifacts/version", workspace=WORKSPACE, artifactName="r-data", versionOrAlias="al", consumerExperimentKey=key
    )
    assert (read["artifactVersion"], read["alias"], read["tags"]) == ("1.0.0", ["al"], ["vt"])
    (file,) = r.get("artifacts/version/files", workspace=WORKSPACE, artifactName="r-data", version="1.0.0")["files"]
    assert (file["fileName"], file["fileSize"]) == ("d/f.csv", 4)


def test_deleted_is_gone(r: R, key: str, local_server: LocalServer) -> None:
    r.get("write/experiment/archive", experimentKey=key)
    r.get("write/experiment/restore", experimentKey=key)
    assert r.get("experiment/metadata", experimentKey=key)["archived"] is False
    r.get("write/experiment/delete", experimentKey=key)
    gone = local_server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": key}, headers=HEADERS)
    assert gone.status_code in (400, 404)
