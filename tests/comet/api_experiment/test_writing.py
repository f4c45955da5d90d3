"""What each writing method leaves on the server, read back with bare requests."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.comet.api_experiment.conftest import named
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import connect
from zenml_comet_tracker.comet.errors import InvalidArgumentError, InvalidValueError, NotFoundError

MILLIS = 1_790_000_000_000
GPU = {"gpuId": 1, "freeMemory": 1024, "usedMemory": 856, "gpuUtilization": 25, "totalMemory": 2056}

Read = Callable[..., Any]


@pytest.fixture
def read(local_server: LocalServer, experiment: APIExperiment) -> Read:
    """The answer to a bare GET about the experiment."""
    return lambda path, **more: local_server.get(f"experiment/{path}", experimentKey=experiment.key, **more)


@pytest.fixture(scope="module")
def unasked() -> APIExperiment:
    """An experiment on a server that nobody is to ask."""
    return APIExperiment.of(connect("key", url="http://127.0.0.1:1"), {"experimentKey": "0" * 32})


def facts(read: Read, what: str) -> dict[str, str]:
    """The current values of parameters or others, by name."""
    return {row["name"]: row["valueCurrent"] for row in read(what)["values"]}


def points(read: Read, name: str) -> list[tuple[Any, ...]]:
    """Value, step, epoch, time and context of each point of a metric."""
    rows = read("metrics/get-metric", metricName=name)["metrics"]
    return [
        tuple(row[member] for member in ("metricValue", "step", "epoch", "timestamp", "runContext")) for row in rows
    ]


def test_log_metric_with_all_that_can_be_said_of_it(experiment: APIExperiment, read: Read) -> None:
    experiment.log_metric("loss", 0.698, 3, MILLIS, epoch=2)
    experiment.log_metric("loss", 1, context="train", step=4, timestamp=MILLIS)
    assert points(read, "loss") == [("0.698", 3, 2, MILLIS, None)]
    assert points(read, "train_loss") == [("1.0", 4, None, MILLIS, "train")]


def test_log_metric_without_a_time_is_of_now(experiment: APIExperiment, read: Read) -> None:
    experiment.log_metric("loss", 1)
    ((value, step, epoch, millis, context),) = points(read, "loss")
    assert (value, step, epoch, context) == ("1.0", None, None, None)
    start = read("metadata")["startTimeMillis"]
    assert abs(millis - start) < 60_000


def test_log_metric_keeps_every_number(experiment: APIExperiment, read: Read) -> None:
    given = [
        (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (numpy.float32(0.5), "0.5"), (True, "1.0"),
        (numpy.int64(2**40), "1099511627776.0"), (numpy.array([3]), "3.0"), ("0.25", "0.25"),
    ]  # fmt: skip
    for number, (value, _) in enumerate(given):
        experiment.log_metric("m", value, step=number)
    assert [point[0] for point in points(read, "m")] == [stored for _, stored in given]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda e: e.log_metric("m", "text"), "metric 'm' expects a number, got str 'text'"),
        (lambda e: e.log_metric("m", None), "expects a number"),
        (lambda e: e.log_metric("m", 10**400), "expects a number"),
        (lambda e: e.log_metric("", 1), "needs a name that is not empty"),
        (lambda e: e.log_metric("m", 1, step="later"), "a step is expected to be a 64-bit integer; got 'later'"),
        (lambda e: e.log_metric("m", 1, epoch="x"), "an epoch is expected to be a number"),
        (lambda e: e.log_metric("m", 1, timestamp="noon"), "a time is expected in milliseconds since the epoch"),
        (lambda e: e.log_metrics({"m": 1, "n": "no", "o": None}), "'n' expects a number.*'o' expects a number"),
        (lambda e: e.log_metrics([1]), "metrics are expected by name"),
    ],
    ids=named,
)
def test_bad_metrics_are_refused_before_anything_is_sent(
    call: Callable[[APIExperiment], Any], told: str, unasked: APIExperiment
) -> None:
    with pytest.raises(InvalidValueError, match=told):
        call(unasked)
    assert unasked._connection.requests == 0


def test_log_metrics_nested(experiment: APIExperiment, read: Read) -> None:
    experiment.log_metrics({"a": 1, "deep": {"b": 2, "c": math.nan}}, step=5, epoch=1, timestamp=MILLIS)
    assert points(read, "a") == [("1.0", 5, 1, MILLIS, None)]
    assert points(read, "deep/b") == [("2.0", 5, 1, MILLIS, None)]
    assert points(read, "deep/c") == [("NaN", 5, 1, MILLIS, None)]


def test_parameters_and_others_keep_every_value(experiment: APIExperiment, read: Read) -> None:
    given = [
        (64, "64"), (0.1, "0.1"), (True, "true"), (None, "None"), ("größe 🚀", "größe 🚀"), ([1, "a"], '[1,"a"]'),
        ({"a": {"b": 1}}, '{"a":{"b":1}}'), (math.nan, "NaN"), (2**70, str(2**70)), (numpy.float64(0.5), "0.5"),
        (Path("/data"), "/data"), ("", ""),
    ]  # fmt: skip
    for number, (value, _) in enumerate(given):
        experiment.log_parameter(f"{number}", value)
        experiment.log_other(f"{number}", value)
    stored = {f"{number}": text for number, (_, text) in enumerate(given)}
    assert facts(read, "log-other") == facts(read, "parameters") == stored


def test_the_later_parameter_stays(experiment: APIExperiment, read: Read) -> None:
    experiment.log_parameter("p", "late", timestamp=MILLIS + 1)
    experiment.log_parameter("p", "early", 7, MILLIS)
    assert facts(read, "parameters") == {"p": "late"}
    assert read("parameters")["values"][0]["timestampCurrent"] == MILLIS + 1


def test_log_parameters_nested_and_whole(experiment: APIExperiment, read: Read) -> None:
    experiment.log_parameters({"lr": 0.1, "net": {"units": 3}})
    assert facts(read, "parameters") == {"lr": "0.1", "net|units": "3"}
    assert facts(read, "log-other") == {"hasNestedParams": "true"}
    experiment.log_parameters({"net": {"units": 4}}, nested_support=False)
    assert facts(read, "parameters")["net"] == '{"units":4}'


def test_parameters_are_deleted(experiment: APIExperiment, read: Read) -> None:
    for name in "abcd":
        experiment.log_parameter(name, 1)
    assert experiment.delete_parameter("a")
    assert experiment.delete_parameter("never there")
    assert experiment.delete_parameters(["b", "c"])
    assert facts(read, "parameters") == {"d": "1"}


def test_others_and_the_name(experiment: APIExperiment, read: Read) -> None:
    experiment.log_other("note", "x", timestamp=MILLIS)
    assert read("log-other")["values"][0]["timestampCurrent"] == MILLIS
    experiment.set_name("Größe 🚀")
    assert read("metadata")["experimentName"] == experiment.name == experiment.get_name() == "Größe 🚀"
    experiment.log_other("Name", "again")
    assert experiment.name == "again"


def test_long_names_and_values_are_kept_whole(experiment: APIExperiment, read: Read, caplog: Any) -> None:
    name, text = "größe " * 50 + "end", "wörd " * 1_000
    experiment.log_parameter(name, text)
    experiment.log_metric(name, 1)
    ((sent, shown),) = facts(read, "parameters").items()
    assert (len(sent), len(shown)) == (100, 1_000)
    assert facts(read, "log-other") == {f"full_name_{sent[-10:]}": name.strip()}
    (asset,) = read("asset/list")["assets"]
    assert asset["fileName"] == f"long-values/{sent}.txt"
    assert experiment.get_asset(asset["assetId"], "text") == text
    assert points(read, sent)[0][0] == "1.0"
    assert "is sent as" in caplog.text
    assert "the whole is the asset" in caplog.text


def test_long_names_are_found_and_deleted_by_their_whole(experiment: APIExperiment, read: Read) -> None:
    name = "größe " * 50 + "end"
    experiment.log_metric(name, 1)
    experiment.log_parameter(name, 2)
    experiment.add_tag(name)
    assert [point["metricValue"] for point in experiment.get_metrics(name)] == ["1.0"]
    assert experiment.get_metrics_summary(name)["valueCurrent"] == "1.0"
    assert experiment.get_parameters_summary(name)["valueCurrent"] == "2"
    others = facts(read, "log-other")
    experiment.delete_parameter(name)
    experiment.delete_tags([name])
    assert facts(read, "parameters") == {}
    assert read("tags") == {"tags": []}
    assert facts(read, "log-other") == others


def test_a_rounded_integer_is_told(experiment: APIExperiment, caplog: Any) -> None:
    experiment.log_metrics({"deep": {"big": 2**53 + 1}})
    experiment.log_metric("one", 2**53 + 1)
    assert caplog.text.count("is beyond 2^53 and rounded to float64") == 2


def test_tags(experiment: APIExperiment, read: Read) -> None:
    experiment.add_tags(["successful", "best"])
    experiment.add_tag("größe 🚀")
    experiment.delete_tags(["best", "never there"])
    assert read("tags") == {"tags": ["successful", "größe 🚀"]}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda e: e.add_tags("best"), "tags is expected to be a list of texts; got 'best'"),
        (lambda e: e.add_tag(""), "a tag needs a name"),
        (lambda e: e.delete_tags("x"), "list of texts"),
        (lambda e: e.log_other("", 1), "an other needs a name"),
        (lambda e: e.log_parameter("", 1), "a parameter needs a name"),
        (lambda e: e.log_parameters({"a": 1, "": 2}), "a parameter needs a name"),
        (lambda e: e.log_parameters({"a": 1, "": 2}, nested_support=False), "a parameter needs a name"),
        (lambda e: e.log_parameters(3, nested_support=False), "expected in a dictionary; got int"),
        (lambda e: e.delete_parameters("lr"), "parameters is expected to be a list of texts"),
        (lambda e: e.log_output(3), "lines is expected to be a list of texts"),
        (lambda e: e.set_command("python train.py"), "command_args_list is expected to be a list of texts"),
        (lambda e: e.set_pid("x"), "pid is expected to be a whole number"),
        (lambda e: e.set_gpu_static_info({"gpuIndex": 0}), "a list of dictionaries, one for each GPU"),
        (lambda e: e.log_gpu_metrics([{"gpuId": 1}]), "freeMemory.* is missing"),
        (lambda e: e.log_cpu_metrics([1, "x"]), "each of cpu_metrics is expected to be a finite number; got 'x'"),
        (lambda e: e.log_ram_metrics(math.nan, 1), "total_ram is expected to be a finite number"),
        (lambda e: e.log_load_metrics(None), "load_avg is expected to be a finite number"),
        (lambda e: e.set_user(None), "user is expected to be a text; got None"),
        (lambda e: e.set_filename(None), "filename is expected to be a text; got None"),
        (lambda e: e.set_name(None), "name is expected to be a text; got None"),
        (lambda e: e.log_html(None), "html is expected to be a text; got None"),
        (lambda e: e.set_model_graph(None), "graph is expected to be a text; got None"),
        (lambda e: e.log_curve("c", [1, 2], [3]), "as many x as y; got 2 and 1"),
        (lambda e: e.log_table("t.xyz", [[1]]), "a .csv or .tsv file; got the name 't.xyz'"),
        (lambda e: e.log_table("not there.csv"), "not there.csv is not there"),
        (lambda e: e.set_code(None), "set_code takes the source"),
        (lambda e: e.set_code(None, filename="/not/there.py"), "/not/there.py is not there; a file is expected"),
        (lambda e: e.set_git_patch("git.patch"), "git.patch is not there; a patch is expected"),
        (lambda e: e.set_git_patch(3), "a path, bytes or an open file is expected; got int"),
        (lambda e: e.set_state("done"), "state='done' is unknown; expected one of 'running', 'finished', 'crashed'"),
        (lambda e: e.set_start_time(None), "start_server_timestamp is expected"),
        (lambda e: e.set_end_time("noon"), "a time is expected in milliseconds"),
        (lambda e: e.get_artifact_lineage("up"), "direction='up' is unknown"),
        (lambda e: e.display(tab="nonsense"), "tab='nonsense' is unknown"),
    ],
    ids=named,
)
def test_bad_arguments_are_told(call: Callable[[APIExperiment], Any], told: str, unasked: APIExperiment) -> None:
    with pytest.raises((InvalidValueError, InvalidArgumentError), match=told):
        call(unasked)
    assert unasked._connection.requests == 0


def test_html(experiment: APIExperiment, read: Read) -> None:
    experiment.log_html("<b>Hello!</b>")
    experiment.log_html("<i>ü</i>", timestamp=MILLIS)
    assert read("html") == {"html": "<b>Hello!</b><i>ü</i>"}
    experiment.log_html("new", clear=True)
    assert read("html") == {"html": "new"}


def test_output_keeps_its_order(local_server: LocalServer, experiment: APIExperiment, read: Read) -> None:
    printed = [{"output": "printed by the program", "offset": 7}]
    local_server.post("write/experiment/output", experimentKey=experiment.key, outputLines=printed)
    experiment.log_output(["output line 1", "output line 2\n"])
    experiment.log_output("no end, ", stderr=True, context="train", timestamp=MILLIS)
    experiment.log_output(output="ü 🚀")
    experiment.log_output([])
    assert read("output") == {"output": "printed by the program\noutput line 1\noutput line 2\nno end, ü 🚀"}


def test_code_given_as_text_and_as_file(experiment: APIExperiment, read: Read, tmp_path: Path) -> None:
    experiment.set_code("x = 'ü'\n")
    assert read("code") == {"code": "x = 'ü'\n"}
    (tmp_path / "train.py").write_text("y = '🚀'\n", encoding="utf-8")
    experiment.set_code(None, filename=tmp_path / "train.py")
    assert read("code") == {"code": "y = '🚀'\n"}


class KerasLike:
    """What writes itself as JSON."""

    def to_json(self) -> str:
        return '{"class_name":"Sequential"}'


@pytest.mark.parametrize(
    ("graph", "stored"),
    [
        ("digraph ü {}", "digraph ü {}"),
        (KerasLike(), '{"class_name":"Sequential"}'),
        ({"a": [1]}, '{"a":[1]}'),
        (7, "7"),
    ],
)
def test_model_graph(graph: Any, stored: str, experiment: APIExperiment, read: Read) -> None:
    experiment.set_model_graph(graph)
    assert read("graph") == {"graph": stored}


SETTERS: list[tuple[str, Any, str, Any]] = [
    *[(setter, "Größe 🚀", member, "Größe 🚀") for setter, member in (
        ("set_user", "user"), ("set_python_version", "pythonVersion"), ("set_hostname", "hostname"), ("set_os", "os"),
        ("set_python_version_verbose", "pythonVersionVerbose"), ("set_os_type", "osType"), ("set_ip", "ip"),
        ("set_os_release", "osRelease"), ("set_machine", "machine"), ("set_processor", "processor"),
        ("set_executable", "executable"),
    )],
    *[(setter, ["a==1", "ü"], member, ["a==1", "ü"]) for setter, member in (
        ("set_command", "command"), ("set_installed_packages", "installedPackages"), ("set_os_packages", "osPackages"),
        ("set_network_interface_ips", "networkInterfaceIps"),
    )],
    ("set_command", [], "command", []),
    ("set_pid", 54238, "pid", 54238),
    ("set_pid", "54238", "pid", 54238),
    ("set_gpu_static_info", [{"gpuIndex": numpy.int64(0), "name": "GeForce"}], "gpuStaticInfoList",
     [{"gpuIndex": 0, "name": "GeForce"}]),
]  # fmt: skip


@pytest.fixture(scope="module")
def detailed(local_server: LocalServer, ours: Callable[[str], APIExperiment]) -> APIExperiment:
    """One experiment for all details: none changes another one."""
    return ours(begin(local_server))


@pytest.mark.parametrize(("setter", "value", "member", "stored"), SETTERS)
def test_system_details_are_set_one_by_one(
    setter: str, value: Any, member: str, stored: Any, local_server: LocalServer, detailed: APIExperiment
) -> None:
    def details() -> dict[str, Any]:
        return local_server.get("experiment/system-details", experimentKey=detailed.key)

    before = {name: known for name, known in details().items() if name != member}
    getattr(detailed, setter)(value)
    after = details()
    assert after.pop(member) == stored
    assert after == before


def test_additional_system_info_is_added(experiment: APIExperiment, read: Read) -> None:
    experiment.log_additional_system_info("some name", 42)
    experiment.log_additional_system_info("other", "ü")
    kept = [{"key": "some name", "value": 42}, {"key": "other", "value": "ü"}]
    assert read("system-details")["logAdditionalSystemInfoList"] == kept


def test_file_path(experiment: APIExperiment, read: Read) -> None:
    experiment.set_filename("/src/träin.py")
    metadata = read("metadata")
    assert (metadata["filePath"], metadata["fileName"]) == ("/src/träin.py", "träin.py")
    assert (experiment.file_path, experiment.file_name) == ("/src/träin.py", "träin.py")


@pytest.mark.parametrize(
    ("method", "arguments", "stored"),
    [
        ("log_cpu_metrics", [[25, 75]], {"sys.cpu.percent.01": "25.0", "sys.cpu.percent.02": "75.0",
                                         "sys.cpu.percent.avg": "50.0"}),
        ("log_ram_metrics", [1024, 865], {"sys.ram.total": "1024.0", "sys.ram.used": "865.0"}),
        ("log_load_metrics", [1.5], {"sys.load.avg": "1.5"}),
    ],
)  # fmt: skip
def test_system_metrics(
    method: str, arguments: list[Any], stored: dict[str, str], experiment: APIExperiment, read: Read
) -> None:
    getattr(experiment, method)(*arguments, "train", 100, 1, MILLIS)
    assert {name: points(read, name) for name in stored} == {
        name: [(value, 100, 1, MILLIS, None)] for name, value in stored.items()
    }


def test_gpu_metrics(experiment: APIExperiment, read: Read) -> None:
    experiment.log_gpu_metrics([GPU])
    found = {row["name"]: row["valueCurrent"] for row in read("metrics/summary")["values"]}
    assert found == {
        "sys.gpu.1.free_memory": "1024.0",
        "sys.gpu.1.used_memory": "856.0",
        "sys.gpu.1.total_memory": "2056.0",
        "sys.gpu.1.gpu_utilization": "25.0",
    }


@pytest.mark.parametrize("wrong", [None, 5, GPU, "gpus"], ids=["none", "number", "one", "text"])
@pytest.mark.parametrize("method", ["log_gpu_metrics", "log_cpu_metrics", "set_gpu_static_info"])
def test_what_is_no_list_of_measurements_is_told(experiment: APIExperiment, method: str, wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="is expected to be a list"):
        getattr(experiment, method)(wrong)
    with pytest.raises(InvalidValueError, match="expected to be a"):
        getattr(experiment, method)(["gpuId"])


def test_a_name_that_is_no_text_finds_what_was_logged_under_it(experiment: APIExperiment) -> None:
    experiment.log_metric(5, 0.5)  # type: ignore[arg-type]
    experiment.log_parameter(6, "x")  # type: ignore[arg-type]
    assert [point["metricValue"] for point in experiment.get_metrics(5)] == ["0.5"]  # type: ignore[arg-type]
    assert experiment.get_metrics_summary(5)["valueCurrent"] == "0.5"  # type: ignore[arg-type]
    assert experiment.get_parameters_summary(6)["valueCurrent"] == "x"  # type: ignore[arg-type]
    assert len(experiment.get_metric_total_df(5)) == 1  # type: ignore[arg-type]


def test_git_metadata_are_replaced(experiment: APIExperiment, read: Read) -> None:
    experiment.set_git_metadata("user", "root", "branch", "parent", "origin")
    experiment.set_git_metadata("ü", "r", "b", "p", None)
    assert read("git/metadata") == {"user": "ü", "root": "r", "branch": "b", "parent": "p", "origin": None}


def test_a_write_that_the_server_refuses_raises(local_server: LocalServer, experiment: APIExperiment) -> None:
    local_server.get("write/experiment/delete", experimentKey=experiment.key)
    for call in (lambda: experiment.log_metric("m", 1), lambda: experiment.add_tag("t"), experiment.get_html):
        with pytest.raises(NotFoundError, match="There is no experiment with key"):
            call()
