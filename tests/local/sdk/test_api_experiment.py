"""What the official SDK writes and reads over REST is what stands there (rows 50 to 53); it complains of nothing."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.sdk.conftest import Session, assert_clean

OK = {"msg": "OK", "code": 200, "data": None, "sdk_error_code": 0}
GPU = {"gpuIndex": 0, "name": "g", "uuid": "u", "totalMemory": 1, "powerLimit": 2}


@pytest.fixture(scope="module")
def session(play: Callable[[str], Session]) -> Session:
    return play("api_experiment")


@pytest.fixture(scope="module")
def key(session: Session) -> str:
    return str(session.value("51-key")[0])


def row(name: str) -> str:
    return f"52-APIExperiment.{name}"


def test_the_sdk_complains_of_nothing(session: Session) -> None:
    assert_clean(session)


def test_51_create(session: Session, key: str) -> None:
    assert session.value("51-key") == [key, f"{session.server.url}/sdk/rest/{key}", "api exp"]


@pytest.mark.parametrize(
    ("wrote", "name", "expected"),
    [
        ("log_metric", "loss", [("0.25", 1, 0, None)]),
        ("log_metrics", "a/b", [("1.0", 2, None, None)]),
        ("log_metrics", "c", [("2.0", 2, None, None)]),
        ("log_metric_nan", "odd", [("NaN", 3, None, None)]),
    ],
)
def test_metrics(session: Session, key: str, wrote: str, name: str, expected: list[Any]) -> None:
    session.value(row(wrote))
    stand = session.server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)["metrics"]
    assert [(m["metricValue"], m["step"], m["epoch"], m["runContext"]) for m in stand] == expected
    read = {m["metricName"]: m for m in session.value(row("get_metrics"))}
    assert read[name] == stand[0]


def test_readings_of_metrics(session: Session) -> None:
    (point,) = session.value(row("get_metrics_named"))
    assert (point["metricValue"], point["step"], point["timestamp"]) == ("0.25", 1, 1_795_228_406_000)
    summary = {row["name"]: row for row in session.value(row("get_metrics_summary"))}
    assert (summary["loss"]["valueMin"], summary["loss"]["stepMax"], summary["a/b"]["valueCurrent"]) == (
        "0.25",
        1,
        "1.0",
    )
    total = session.value(row("get_metric_total_df"))
    assert (total["value"], total["step"], total["epoch"]) == ([0.25], [1], [0])


def test_parameters(session: Session, key: str) -> None:
    assert session.value(row("log_parameter")) == OK
    assert session.value(row("log_parameters")) == [OK] * len(session.value(row("log_parameters")))
    read = {row["name"]: row["valueCurrent"] for row in session.value(row("get_parameters_summary"))}
    assert read == {"lr": "0.5", "bs": "64", "n|x": "1", "gone": "1"}
    assert session.value(row("delete_parameter")) is True
    assert session.value(row("delete_parameters")) is True
    left = session.server.get("experiment/parameters", experimentKey=key)["values"]
    assert [row["name"] for row in left] == ["n|x"]


@pytest.mark.parametrize(
    ("wrote", "read", "expected"),
    [
        ("set_name", "get_name", "renamed"),
        ("log_html_clear", "get_html", "<b>2</b>"),
        ("set_code", "get_code", "print(1)"),
        ("log_output", "get_output", "line1\nline2\n"),
        ("set_model_graph", "get_model_graph", '{"nodes":[]}'),
        (
            "set_git_metadata",
            "get_git_metadata",
            {"user": "u", "root": "r", "branch": "b", "parent": "p", "origin": "o"},
        ),
        ("set_state", "get_state", "crashed"),
        ("set_git_patch", "get_git_patch", "PK"),
        ("create_symlink", "get_views", []),
    ],
)
def test_what_is_written_is_read(session: Session, wrote: str, read: str, expected: object) -> None:
    session.value(row(wrote))
    assert session.value(row(read)) == expected


def test_tags(session: Session, key: str) -> None:
    for wrote in ("add_tag", "add_tags", "delete_tags"):
        assert session.value(row(wrote)) == OK
    assert sorted(session.value(row("get_tags"))) == ["best", "x"]
    assert sorted(session.server.get("experiment/tags", experimentKey=key)["tags"]) == ["best", "x"]


def test_others(session: Session, key: str) -> None:
    assert session.value(row("log_other")) == OK
    others = session.server.get("experiment/log-other", experimentKey=key)["values"]
    assert {"k": "v", "hasNestedParams": "true"}.items() <= {row["name"]: row["valueCurrent"] for row in others}.items()


@pytest.mark.parametrize(
    ("wrote", "field", "expected"),
    [
        ("set_os_packages", "osPackages", ["a=1"]),
        ("set_user", "user", "u"),
        ("set_python_version", "pythonVersion", "3.11"),
        ("set_python_version_verbose", "pythonVersionVerbose", "3.11 v"),
        ("set_pid", "pid", 12),
        ("set_os_type", "osType", "Linux"),
        ("set_os", "os", "Linux-5"),
        ("set_os_release", "osRelease", "5.1"),
        ("set_ip", "ip", "10.0.0.1"),
        ("set_hostname", "hostname", "h"),
        ("set_gpu_static_info", "gpuStaticInfoList", [GPU]),
        ("log_additional_system_info", "logAdditionalSystemInfoList", [{"key": "k", "value": "v"}]),
        ("set_network_interface_ips", "networkInterfaceIps", ["127.0.0.1"]),
        ("set_command", "command", ["s.py", "a"]),
        ("set_executable", "executable", "/usr/bin/python"),
        ("set_installed_packages", "installedPackages", ["p==1"]),
        ("set_machine", "machine", "x86"),
        ("set_processor", "processor", "x86_64"),
        ("log_ram_metrics", "totalRam", 1024),
    ],
)
def test_system_details(session: Session, key: str, wrote: str, field: str, expected: object) -> None:
    assert session.value(row(wrote)) == OK
    assert session.value(row("get_system_details"))[field] == expected
    assert session.server.get("experiment/system-details", experimentKey=key)[field] == expected


@pytest.mark.parametrize(
    ("wrote", "values"),
    [
        ("log_ram_metrics", {12.0}),
        ("log_gpu_metrics", {3.0}),
        ("log_cpu_metrics", {1.0, 2.0}),
        ("log_load_metrics", {1.5}),
    ],
)
def test_system_metrics(session: Session, key: str, wrote: str, values: set[float]) -> None:
    assert session.value(row(wrote)) == OK
    every = session.server.get("experiment/metrics/get-all", experimentKey=key)["metrics"]
    system = [m for m in every if "sys." in m["metricName"]]
    assert values <= {float(m["metricValue"]) for m in system}


def test_status_and_times(session: Session) -> None:
    assert session.value(row("update_status")) == {
        "isAliveBeatDurationMillis": 10_000,
        "gpuMonitorIntervalMillis": 60_000,
        "cpuMonitorIntervalMillis": 68_000,
    }
    assert session.value(row("set_start_time")) == OK
    meta = session.value(row("set_end_time"))
    assert (meta["startTimeMillis"], meta["endTimeMillis"]) == (1_500_000_000_000, 1_500_000_001_000)
    assert meta["durationMillis"] == 1000


def test_metadata(session: Session) -> None:
    assert session.value(row("set_filename")) == OK
    meta = session.value(row("get_metadata"))
    assert (meta["experimentName"], meta["filePath"], meta["fileName"]) == ("renamed", "/a/f.py", "f.py")


def test_the_git_patch_is_as_it_was(session: Session, key: str) -> None:
    session.value(row("set_git_patch"))
    stands = session.server.call("GET", "api/rest/v2/experiment/git/patch", params={"experimentKey": key}).content
    with zipfile.ZipFile(io.BytesIO(stands)) as archive:
        assert archive.read("git_diff.patch") == b"--- a\n+++ b\n"


@pytest.mark.parametrize(
    ("wrote", "name", "kind", "expected"),
    [
        ("log_asset", "n.txt", "asset", b"hello world"),
        ("log_image", "red", "image", b"\x89PNG"),
        ("log_curve", "c", "curve", b'{"x"'),
        ("log_table", "t.csv", "asset", b"a,b"),
        ("log_video", "v.mp4", "video", b"a film"),
    ],
)
def test_files(session: Session, key: str, wrote: str, name: str, kind: str, expected: bytes) -> None:
    session.value(row(wrote))
    listed = {asset["fileName"]: asset for asset in session.value(row("get_asset_list"))}
    assert listed[name]["type"] == kind
    path, asset_id = "api/rest/v2/experiment/asset/get-asset", listed[name]["assetId"]
    got = session.server.call("GET", path, params={"experimentKey": key, "assetId": asset_id})
    if name == "n.txt":
        assert (listed[name]["step"], listed[name]["runContext"]) == (1, "train")
        assert json.loads(listed[name]["metadata"]) == {"a": 1}
        assert got.status_code == 404, "the session deleted it at last"
    else:
        assert got.content.startswith(expected)


def test_readings_of_files(session: Session) -> None:
    assert session.value(row("get_asset")) == "hello world"
    assert session.value(row("get_asset_by_name")) == "hello world"
    assert session.value(row("get_assets_by_name")) == ["hello world"]
    (curve,) = session.value(row("get_curves"))
    assert (curve["x"], curve["y"], curve["name"], curve["step"]) == ([1, 2], [3, 4], "c", 1)
    assert session.value(row("delete_asset")) == OK


def test_to_json_holds_everything(session: Session, key: str) -> None:
    whole = session.value(row("to_json_full"))
    assert (whole["id"], whole["name"], whole["workspace"], whole["project_name"]) == (key, "renamed", "sdk", "rest")
    assert {"n.txt", "red", "c", "t.csv"} <= {asset["fileName"] for asset in whole["asset_list"]}


def test_lineage_and_links(session: Session, key: str) -> None:
    assert session.value(row("get_artifact_lineage"))["artifacts"] == []
    assert session.value(row("create_symlink")) == f"{session.server.url}/sdk/linked/{key}"
    assert session.value(row("archive")) == OK
    assert session.server.get("experiment/metadata", experimentKey=key)["archived"] is True


def test_53_models(session: Session) -> None:
    key = session.value("53-APIExperiment.key")
    assert session.value("53-APIExperiment.get_model_names") == ["mymodel"]
    for read in ("get_model_asset_list", "get_model_data"):
        assert [asset["fileName"] for asset in session.value(f"53-APIExperiment.{read}")] == ["w.bin"]
    assert session.value("53-APIExperiment.download_model") == list(range(64))
    session.value("53-APIExperiment.register_model")
    item = session.server.get("registry-model/item/details", workspaceName="sdk", modelName="byrest", version="2.0.0")
    assert (item["experimentModel"]["experimentKey"], item["tags"], item["status"]) == (key, ["a"], "QA")
    path = f"registry-model/item/{item['registryModelItemId']}/metadata"
    assert session.server.get(path)["metadata"] == [{"key": "x", "value": 1}]
