"""Every answer that clients read has the members that the real service gives, each of its type, and few of ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, begin

NUMBER = (int, float)
MAYBE = type(None)
Shape = dict[str, Any]

PROJECT: Shape = {
    **dict.fromkeys(("projectId", "projectName", "ownerUserName", "projectDescription", "workspaceName"), str),
    **dict.fromkeys(("numberOfExperiments", "lastUpdated"), int),
    "public": bool,
}
META: Shape = {
    "status": str,
    **dict.fromkeys(("experimentKey", "projectId", "projectName", "workspaceName", "userName"), str),
    **dict.fromkeys(("experimentName", "filePath", "fileName", "error", "throttleMessage"), (str, MAYBE)),
    **dict.fromkeys(("durationMillis", "startTimeMillis", "endTimeMillis"), int),
    **dict.fromkeys(("archived", "running", "hasCrashed", "throttle"), bool),
    "optimizationId": MAYBE,
    "throttleReasons": list,
}
POINT: Shape = {
    **dict.fromkeys(("metricName", "metricValue"), str),
    "timestamp": int,
    "step": (int, MAYBE),
    "epoch": (*NUMBER, MAYBE),
    "runContext": (str, MAYBE),
}
FACT: Shape = {
    **dict.fromkeys(("name", "valueMax", "valueMin", "valueCurrent"), str),
    **dict.fromkeys(("timestampMax", "timestampMin", "timestampCurrent"), int),
}
SUMMARY: Shape = {**FACT, **dict.fromkeys(("stepMax", "stepMin", "stepCurrent"), (int, MAYBE))}
ASSET: Shape = {
    **dict.fromkeys(("assetId", "fileName", "link", "dir", "type", "experimentKey"), str),
    **dict.fromkeys(("fileSize", "createdAt"), int),
    **dict.fromkeys(("runContext", "metadata", "compressedAssetLink", "s3Link", "curlDownload"), (str, MAYBE)),
    **dict.fromkeys(("canView", "audio", "video", "histogram", "image", "remote"), bool),
    "step": (int, MAYBE),
    "tags": list,
}
DETAILS: Shape = {
    **dict.fromkeys(("user", "pythonVersion", "pythonVersionVerbose", "osType", "os", "osRelease"), (str, MAYBE)),
    **dict.fromkeys(("machine", "processor", "ip", "hostname", "executable", "experimentKey"), (str, MAYBE)),
    **dict.fromkeys(("gpuStaticInfoList", "logAdditionalSystemInfoList", "installedPackages", "osPackages"), list),
    **dict.fromkeys(("networkInterfaceIps", "command"), (list, MAYBE)),
    **dict.fromkeys(("maxTotalMemory", "totalRam"), (*NUMBER, MAYBE)),
    "systemMetricNames": list,
    "pid": (int, MAYBE),
    "env": (dict, MAYBE),
}
HANDSHAKE: Shape = {
    **dict.fromkeys(("runId", "project_id", "experimentKey", "workspaceName", "projectName", "focusUrl"), str),
    **dict.fromkeys(("cometWebAssetUrl", "cometWebImageUrl", "cometRestApiAssetUrl", "cometRestApiImageUrl"), str),
    **dict.fromkeys(("upload_file_size_limit_in_mb", "uploadVideoMaxSizeMB"), int),
    **dict.fromkeys(("asset_upload_file_size_limit_in_mb", "lastOffset", "journalLanes", "factsAtOnce"), int),
    "attemptsApart": bool,
    **dict.fromkeys(("githubEnabled", "s3DirectAccessEnabled"), bool),
    "featureToggles": list,
    "name": (str, MAYBE),
}


def check(found: Shape, shape: Shape) -> None:
    assert found.keys() == shape.keys()
    for name, value in found.items():
        expected = shape[name] if isinstance(shape[name], tuple) else (shape[name],)
        # A bool is an int to Python, and not to whoever parses JSON.
        assert type(value) in expected, name


@pytest.fixture(scope="module")
def full(local_server: LocalServer) -> str:
    """The key of an experiment with a little of everything."""
    return fill(local_server)


def fill(local_server: LocalServer) -> str:
    """The key of a new experiment with a little of everything."""
    key = begin(local_server)
    of = {"experimentKey": key}
    values = [
        {"metricName": "loss", "metricValue": "NaN", "step": 1, "epoch": 0.5, "context": "train"},
        {"metricName": "sys.gpu.0.total_memory", "metricValue": 1},
        {"metricName": "count", "metricValue": 10},
    ]
    local_server.sdk("batch/logger/experiment/metric", **of, values=values)
    local_server.post("write/experiment/parameter", **of, parameterName="p", parameterValue=[1])
    local_server.post("write/experiment/log-other", **of, key="Name", value="n")
    query = {**of, "fileName": "a.txt", "step": "1", "context": "train"}
    local_server.call(
        "POST", "api/rest/v2/write/experiment/upload-asset", params=query, files={"file": ("a.txt", b"a")}
    )
    return key


LISTS = [
    ("experiment/metrics/get-all", {}, "metrics", POINT),
    ("experiment/metrics/get-metric", {"metricName": "count"}, "metrics", POINT),
    ("experiment/metrics/summary", {}, "values", SUMMARY),
    ("experiment/parameters", {}, "values", FACT),
    ("experiment/log-other", {}, "values", FACT),
    ("experiment/asset/list", {"type": "all"}, "assets", ASSET),
    ("experiment/asset/get-by-name", {"assetName": "a.txt"}, "assets", ASSET),
]


@pytest.mark.parametrize("root", ["api/rest/v2/", "clientlib/rest/v2/"])
@pytest.mark.parametrize(("path", "query", "member", "shape"), LISTS, ids=[row[0] for row in LISTS])
def test_lists(
    local_server: LocalServer, full: str, root: str, path: str, query: dict[str, str], member: str, shape: Shape
) -> None:
    answer = local_server.call("GET", root + path, params={"experimentKey": full, **query})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json().keys() == {member}
    assert answer.json()[member]
    for entry in answer.json()[member]:
        check(entry, shape)


def test_an_experiment_and_its_project(local_server: LocalServer, full: str) -> None:
    meta = local_server.get("experiment/metadata", experimentKey=full)
    check(meta, {**META, "journalLanes": int})
    project = local_server.get("project", projectId=meta["projectId"])
    check(project, PROJECT)
    for entry in local_server.get("projects", workspaceName="ws")["projects"]:
        check(entry, PROJECT)
    names = {"workspaceName": "ws", "projectName": project["projectName"]}
    for entry in local_server.get("experiments", **names)["experiments"]:
        check(entry, META)
    made = local_server.post("write/experiment/create", **names)
    check(made, dict.fromkeys(("experimentKey", "link", "workspaceName", "projectName"), str))


def test_the_machine(local_server: LocalServer, full: str) -> None:
    check(local_server.get("experiment/system-details", experimentKey=full), DETAILS)
    check(local_server.get("experiment/system-details", experimentKey=begin(local_server)), DETAILS)


def test_the_beginning_and_the_beats_of_a_live_experiment(local_server: LocalServer, full: str) -> None:
    check(local_server.sdk("logger/get/run", previousExperiment=full), HANDSHAKE)
    beats = ("is_alive_beat_duration_millis", "gpu_monitor_interval_millis", "cpu_monitor_interval_millis")
    shape = {**dict.fromkeys((*beats, "parameter_update_interval_millis"), int), "pending_rpcs": bool}
    check(local_server.sdk("status-report/update", experimentKey=full, is_alive=True), shape)
    beats = ("isAliveBeatDurationMillis", "gpuMonitorIntervalMillis", "cpuMonitorIntervalMillis")
    check(local_server.get("write/experiment/set-status", experimentKey=full), dict.fromkeys(beats, int))
    limits = ("maxPoints", "maxPointsFileSizeInBytes", "maxBoxes", "maxBoxesFileSizeInBytes")
    check(local_server.sdk("asset/3d-limits", experimentKey=full), dict.fromkeys(limits, int))


@pytest.mark.parametrize("spelling", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_booleans_in_any_spelling(local_server: LocalServer, full: str, spelling: str) -> None:
    """In queries and in bodies alike, as the clients of three languages send them."""
    yes = spelling.lower() == "true"
    meta = local_server.get("experiment/metadata", experimentKey=full)
    names = {"workspaceName": "ws", "projectName": meta["projectName"], "archived": spelling}
    found = {entry["experimentKey"] for entry in local_server.get("experiments", **names)["experiments"]}
    assert (full in found) is not yes
    for text in ("<p>", "<b>"):
        local_server.post("write/experiment/html", experimentKey=full, html=text, override=spelling)
    html = local_server.get("experiment/html", experimentKey=full)["html"]
    assert (html == "<b>", html.endswith("<p><b>")) == (yes, not yes)
