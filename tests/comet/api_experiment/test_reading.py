"""Every reading method returns what the official SDK's does: of an experiment with everything, of one with nothing."""

from __future__ import annotations

from typing import Any

import pandas
import pytest

from tests.comet.api_experiment.conftest import Pair
from tests.comet.api_experiment.everything import DIFF
from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import connect

ATTRIBUTES = (
    *("id", "key", "name", "workspace", "project_name", "project_id", "archived", "url", "optimization_id"),
    *("file_path", "file_name", "start_server_timestamp"),
)
CALLS: list[tuple[Any, ...]] = [
    *[(name,) for name in (
        "get_additional_system_info", "get_artifact_lineage", "get_asset_list", "get_code", "get_command",
        "get_curves", "get_environment_details", "get_executable", "get_git_metadata", "get_git_patch",
        "get_gpu_static_info", "get_hostname", "get_html", "get_installed_packages", "get_ip", "get_machine",
        "get_max_memory", "get_metrics", "get_metrics_summary", "get_model_graph", "get_model_names", "get_name",
        "get_network_interface_ips", "get_os", "get_os_packages", "get_os_release", "get_os_type",
        "get_others_summary", "get_output", "get_parameters_summary", "get_pid", "get_processor",
        "get_python_version", "get_python_version_verbose", "get_state", "get_system_details",
        "get_system_metric_names", "get_tags", "get_total_memory", "get_user", "get_views",
    )],
    *[("get_artifact_lineage", direction) for direction in ("all", "output", "input")],
    *[("get_asset_list", kind) for kind in (
        "all", "image", "curve", "video", "histogram_combined_3d", "model-element", "nonsense", None
    )],
    *[("get_metrics", name) for name in ("loss", "train_loss", "größe 🚀", "x" * 300, "nope")],
    *[("get_metrics_summary", name) for name in ("loss", "only nan", "los", "")],
    *[("get_parameters_summary", name) for name in ("layers", "nested|x", "nope")],
    *[("get_others_summary", name) for name in ("Name", "note", "nope")],
    *[(method, name) for method in ("get_model_data", "get_model_asset_list") for name in ("mödel", "nope")],
    *[("get_asset_by_name", *more) for more in (
        ("twice.txt",), ("twice.txt", "image"), ("twice.txt", "all", "text"), ("roc", "curve", "json"), ("nope",)
    )],
    *[("get_assets_by_name", *more) for more in (
        ("twice.txt",), ("twice.txt", None, "text"), ("roc", "curve", "json"), ("nope",)
    )],
]  # fmt: skip


def _id(call: tuple[Any, ...]) -> str:
    return f"{call[0]}({', '.join(repr(argument)[:20] for argument in call[1:])})"


def same(ours: Any, official: Any) -> bool:
    """Whether both are of one type and equal, NaN to itself."""
    if isinstance(official, dict | list):
        return type(ours) is type(official) and repr(ours) == repr(official)
    return type(ours) is type(official) and bool(ours == official)


@pytest.mark.parametrize("which", ["full", "empty"])
@pytest.mark.parametrize("call", CALLS, ids=_id)
def test_reads_what_the_official_sdk_reads(call: tuple[Any, ...], which: str, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue(which)
    method, *arguments = call
    official = getattr(pair.official, method)(*arguments)
    assert same(getattr(pair.ours, method)(*arguments), official), official


@pytest.mark.parametrize("which", ["full", "empty"])
@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("name", ["loss", "train_loss", "a/b", "only nan", "größe 🚀", "nope"])
def test_tables_are_those_of_the_official_sdk(
    name: str, sampled: bool, which: str, request: pytest.FixtureRequest
) -> None:
    pair: Pair = request.getfixturevalue(which)
    ours, official = (one.get_metric_total_df(name, sampled) for one in (pair.ours, pair.official))
    if official is None:
        assert ours is None
    else:
        pandas.testing.assert_frame_equal(ours, official)


@pytest.mark.parametrize("which", ["full", "empty"])
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_says_of_itself_what_the_official_sdk_does(attribute: str, which: str, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue(which)
    assert getattr(pair.ours, attribute) == getattr(pair.official, attribute)


def _timeless(members: dict[str, Any]) -> str:
    """What does not go on while an experiment runs."""
    return repr({**members, "duration_millis": None, "end_server_timestamp": None})


@pytest.mark.parametrize("which", ["full", "empty"])
@pytest.mark.parametrize("everything", [False, True])
def test_the_whole_is_that_of_the_official_sdk(everything: bool, which: str, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue(which)
    ours, official = pair.ours.to_json(full=everything), pair.official.to_json(full=everything)
    assert list(ours) == list(official)
    assert _timeless(ours) == _timeless(official)
    if which == "empty":
        assert ours == official


def test_the_whole_has_the_documented_members(full: Pair) -> None:
    brief = {
        *("id", "name", "workspace", "project_name", "archived", "url", "duration_millis", "start_server_timestamp"),
        *("end_server_timestamp", "optimization_id"),
    }
    whole = {
        *("asset_list", "code", "html", "metrics", "metrics_summary", "output", "parameters_summary"),
        *("system_details", "tags", "git_patch", "git_metadata"),
    }
    assert brief <= set(full.ours.to_json())
    assert brief | whole <= set(full.ours.to_json(full=True))
    assert full.ours.to_json(full=True)["git_patch"] == DIFF.encode()


def test_a_patch_that_is_no_zip_is_the_diff_itself(local_server: LocalServer, experiment: APIExperiment) -> None:
    params, patch = {"experimentKey": experiment.key}, {"file": ("a.patch", DIFF.encode())}
    assert local_server.call("POST", "api/rest/v2/write/experiment/git/patch", params=params, files=patch).ok
    assert experiment.get_git_patch() == DIFF.encode()
    assert experiment.to_json(full=True)["git_patch"] == DIFF.encode()


def test_tables_that_could_be_of_two_metrics_are_left_alone(comet: ScriptedComet) -> None:
    files = [{"fileName": "a_b_0.csv.zip", "assetId": number} for number in range(2)]
    comet.answer_with("asset/list", Answer(body={"assets": files}))
    point = {"metricName": "a/b", "metricValue": "1.5", "timestamp": 2_000, "step": 3, "epoch": None}
    comet.answer_with("metrics/get-metric", Answer(body={"metrics": [point]}))
    experiment = APIExperiment.of(connect("key", url=comet.root), {"experimentKey": "k"})
    assert experiment.get_metric_total_df("a/b", False) is None
    frame = experiment.get_metric_total_df("a/b")
    assert frame[["value", "timestamp", "step"]].to_dict("list") == {"value": [1.5], "timestamp": [2.0], "step": [3]}


def test_metadata_are_what_the_official_sdk_reads(empty: Pair) -> None:
    assert empty.ours.get_metadata() == empty.official.get_metadata()


def test_nothing_is_cached(local_server: LocalServer, experiment: APIExperiment) -> None:
    assert experiment.get_metrics() == experiment.get_tags() == []
    local_server.post("write/experiment/metric", experimentKey=experiment.key, metricName="m", metricValue=1)
    local_server.post("write/experiment/tags", experimentKey=experiment.key, addedTags=["new"])
    local_server.post("write/experiment/log-other", experimentKey=experiment.key, key="Name", value="new")
    assert [point["metricName"] for point in experiment.get_metrics()] == ["m"]
    assert (experiment.get_tags(), experiment.get_name()) == (["new"], "new")
    assert experiment.to_json()["name"] == experiment.name == "new"
