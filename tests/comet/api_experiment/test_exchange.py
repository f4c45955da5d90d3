"""What we write the official SDK reads, and what it writes we read: the same from both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.api_experiment.everything import DIFF
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api_experiment import APIExperiment

GPU = {"gpuId": 1, "freeMemory": 1024, "usedMemory": 856, "gpuUtilization": 25, "totalMemory": 2056}
DETAILS = "get_system_details"
FILE, VIDEO = "file.txt", "video.mp4"

# A method that writes, what it is given, and how to read it.
WRITES: list[tuple[str, list[Any] | dict[str, Any], str]] = [
    ("add_tag", ["größe 🚀"], "get_tags"),
    ("add_tags", [["b", "a"]], "get_tags"),
    ("log_additional_system_info", ["key", "ü"], "get_additional_system_info"),
    ("log_asset", [FILE], "get_asset_list"),
    ("log_asset", {"filename": FILE, "step": 3, "name": "ü", "context": "c", "ftype": "audio", "metadata": {"k": 1}},
     "get_asset_list"),
    ("log_cpu_metrics", [[25, 50], None, 3, 1], "get_metrics"),
    ("log_gpu_metrics", [[GPU]], "get_metrics_summary"),
    ("log_html", ["<b>größe</b>"], "get_html"),
    ("log_image", [FILE, "picture 🚀", 3], "get_asset_list"),
    ("log_load_metrics", [1.5], "get_metrics"),
    ("log_metric", ["größe 🚀", 0.698, 3], "get_metrics"),
    ("log_metric", ["nan", float("nan")], "get_metrics_summary"),
    ("log_metrics", [{"a": 1, "deep": {"b": -2.5}}, 3, 1], "get_metrics"),
    ("log_other", ["key", "größe"], "get_others_summary"),
    ("log_other", ["key", True], "get_others_summary"),
    ("log_output", ["one\ntwo ü\n"], "get_output"),
    ("log_parameter", ["layers", [1, 2, "ü"]], "get_parameters_summary"),
    ("log_parameter", ["deep", {"a": {"b": 1}}], "get_parameters_summary"),
    ("log_parameters", [{"lr": 0.1, "net": {"units": [1, 2], "deep": {"on": True}}}], "get_parameters_summary"),
    ("log_parameters", [{"net": {"units": 3}}, None, None, False], "get_parameters_summary"),
    ("log_ram_metrics", [1024, 865], "get_metrics_summary"),
    ("log_video", [VIDEO, "film", False, 3, 1, "train", {"k": [1]}], "get_asset_list"),
    ("set_code", ["import comet_ml\nprint('ü')\n"], "get_code"),
    ("set_command", [["train.py", "--größe", "3"]], DETAILS),
    ("set_end_time", [9_000], "get_metadata"),
    ("set_executable", ["/usr/bin/python3"], DETAILS),
    ("set_filename", ["/src/träin.py"], "get_metadata"),
    ("set_git_metadata", ["u", "r", "b", "p", "o"], "get_git_metadata"),
    ("set_git_patch", [DIFF], "get_git_patch"),
    ("set_gpu_static_info", [[{"gpuIndex": 0, "name": "ü", "uuid": "u", "totalMemory": 9, "powerLimit": 1}]], DETAILS),
    ("set_hostname", ["box"], DETAILS),
    ("set_installed_packages", [["a==1"]], DETAILS),
    ("set_ip", ["10.0.0.7"], DETAILS),
    ("set_machine", ["x86_64"], DETAILS),
    ("set_model_graph", ["digraph ü {}"], "get_model_graph"),
    ("set_name", ["Größe 🚀"], "get_name"),
    ("set_network_interface_ips", [["127.0.0.1"]], DETAILS),
    ("set_os", ["Linux-6"], DETAILS),
    ("set_os_packages", [["libc=2"]], DETAILS),
    ("set_os_release", ["6.1"], DETAILS),
    ("set_os_type", ["Linux"], DETAILS),
    ("set_pid", [54238], DETAILS),
    ("set_processor", ["x86"], DETAILS),
    ("set_python_version", ["3.11"], DETAILS),
    ("set_python_version_verbose", ["3.11 (main)"], DETAILS),
    ("set_start_time", [5_000], "get_metadata"),
    ("set_state", ["crashed"], "get_state"),
    ("set_state", ["finished"], "get_state"),
    ("set_user", ["größe"], DETAILS),
]  # fmt: skip
# What differs from one experiment, request and moment to the next.
_OWN = {
    *("assetId", "experimentKey", "link", "createdAt", "timestamp", "timestampMax", "timestampMin", "timestampCurrent"),
    "endTimeMillis",
    "startTimeMillis",
    "durationMillis",
}


def alike(read: Any) -> Any:
    """What was read without what is its own; a zip by what it holds."""
    if isinstance(read, dict):
        return {name: alike(value) for name, value in read.items() if name not in _OWN}
    if isinstance(read, list):
        return [alike(item) for item in read]
    return read[:2] if isinstance(read, bytes) else repr(read)


@pytest.mark.parametrize(("write", "given", "read"), WRITES)
def test_each_reads_what_the_other_writes(
    write: str,
    given: list[Any] | dict[str, Any],
    read: str,
    local_server: LocalServer,
    ours: Callable[[str], APIExperiment],
    official: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The official SDK calls a file by its whole path; relative ones are the same for both.
    monkeypatch.chdir(tmp_path)
    for name in (FILE, VIDEO):
        (tmp_path / name).write_bytes(b"content")
    arguments, named = ([], given) if isinstance(given, dict) else (given, {})
    keys = [begin(local_server) for _ in range(2)]
    before = alike(getattr(official(keys[0]), read)())
    getattr(ours(keys[0]), write)(*arguments, **named)
    getattr(official(keys[1]), write)(*arguments, **named)
    theirs_of_ours = getattr(official(keys[0]), read)()
    assert alike(theirs_of_ours) == alike(getattr(ours(keys[1]), read)())
    if write not in ("set_start_time", "set_end_time"):
        assert alike(theirs_of_ours) != before
    for asset in official(keys[0]).get_asset_list():
        if asset["type"] != "git-patch":
            (other,) = (one for one in ours(keys[1]).get_asset_list() if one["fileName"] == asset["fileName"])
            assert ours(keys[1]).get_asset(other["assetId"]) == official(keys[0]).get_asset(asset["assetId"])


def test_each_deletes_what_the_other_logged(
    local_server: LocalServer, ours: Callable[[str], APIExperiment], official: Callable[[str], Any], key: str
) -> None:
    first, second = ours(key), official(key)
    for one, other in ((first, second), (second, first)):
        one.log_parameters({"a": 1, "b": 2, "c": 3})
        one.add_tags(["x", "y"])
        other.delete_parameter("a")
        other.delete_parameters(["b"])
        other.delete_tags(["x"])
        assert [row["name"] for row in one.get_parameters_summary()] == ["c"]
        assert one.get_tags() == ["y"]
