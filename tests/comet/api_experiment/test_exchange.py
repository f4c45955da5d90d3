"""What we write the official SDK reads, and what it writes we read: the same from both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.api_experiment.everything import DIFF
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import connect
from zenml_comet_tracker.comet.errors import ReadOnlyError

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
    ("log_curve", ["roc", [0, 0.5, 1], [0, 0.75, 1], False, 4], "get_curves"),
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
    ("log_table", ["table.csv", [[1, "ü"], [2, "b,c"]], ["n", "text"]], "get_asset_list"),
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
    ("set_state", ["finished"], "get_state"),
    ("set_state", ["crashed"], "get_state"),
    ("set_user", ["größe"], DETAILS),
]  # fmt: skip
# What differs from one experiment, request and moment to the next.
_OWN = {
    *("assetId", "experimentKey", "link", "createdAt", "timestamp", "timestampMax", "timestampMin", "timestampCurrent"),
    "endTimeMillis",
    "startTimeMillis",
    "durationMillis",
    # The official SDK ends the lines of a table with two characters.
    "fileSize",
}


def alike(read: Any) -> Any:
    """What was read without what is its own; a zip by what it holds."""
    if isinstance(read, dict):
        return {name: alike(value) for name, value in read.items() if name not in _OWN}
    if isinstance(read, list):
        return [alike(item) for item in read]
    return read[:2] if isinstance(read, bytes) else repr(read)


@pytest.fixture(scope="module")
def written(
    local_server: LocalServer,
    ours: Callable[[str], APIExperiment],
    official: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Any, Any]:
    """All writes: ours, for the official SDK to read, and its, for us to read."""
    by_us, by_it = begin(local_server), begin(local_server)
    with pytest.MonkeyPatch.context() as patch:
        # The official SDK calls a file by its whole path; relative ones are the same for both.
        patch.chdir(tmp_path_factory.mktemp("exchange"))
        for name in (FILE, VIDEO):
            Path(name).write_bytes(b"content")
        for write, given, _ in WRITES:
            arguments, named = ([], given) if isinstance(given, dict) else (given, {})
            getattr(ours(by_us), write)(*arguments, **named)
            getattr(official(by_it), write)(*arguments, **named)
    return official(by_us), ours(by_it)


@pytest.mark.parametrize("read", sorted({read for _, _, read in WRITES}))
def test_each_reads_what_the_other_writes(read: str, written: tuple[Any, Any], key: str, official: Any) -> None:
    it, we = (getattr(one, read)() for one in written)
    if read == "get_asset_list":
        # Patches have names of their own.
        it, we = ([asset for asset in listed if asset["type"] != "git-patch"] for listed in (it, we))
    assert alike(it) == alike(we)
    assert alike(it) != alike(getattr(official(key), read)())


def test_each_reads_the_files_that_the_other_uploads(written: tuple[Any, Any]) -> None:
    def read(one: Any, asset_id: str) -> bytes:
        content: bytes = one.get_asset(asset_id)
        return content.replace(b"\r\n", b"\n")

    contents = [
        sorted((asset["fileName"], read(one, asset["assetId"])) for asset in one.get_asset_list()) for one in written
    ]
    # A zip holds the time when it was made.
    it, we = ([(name, content) for name, content in each if content[:2] != b"PK"] for each in contents)
    assert it == we
    assert len(it) == 6


def test_every_write_is_refused_where_one_may_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect("key", url="http://127.0.0.1:1", read_only=True)
    experiment = APIExperiment.of(connection, {"experimentKey": "0" * 32})
    monkeypatch.chdir(tmp_path)
    for name in (FILE, VIDEO):
        Path(name).write_bytes(b"content")
    others = [
        ("archive", []), ("update_status", []), ("create_symlink", ["other"]), ("delete_asset", ["a"]),
        ("delete_tags", [["a"]]), ("delete_parameter", ["a"]), ("delete_parameters", [["a"]]),
    ]  # fmt: skip
    for write, given in [*((write, given) for write, given, _ in WRITES), *others]:
        arguments, named = ([], given) if isinstance(given, dict) else (given, {})
        with pytest.raises(ReadOnlyError):
            getattr(experiment, write)(*arguments, **named)
    assert connection.requests == 0


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
