"""What is asked of one experiment by its key is what stands there, read past both clients and by the official SDK."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.api.shelf import FIRST, WORKSPACE, Shelf
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.errors import InvalidArgumentError, NotFoundError

NOBODY = "f" * 32

# By method: what it takes behind the key, where the same is read raw (path, member), and with the official SDK.
READINGS: dict[str, tuple[tuple[Any, ...], tuple[str, str | None], Callable[[Any], Any] | None]] = {
    "get_experiment_metadata": ((), ("metadata", None), lambda e: e.get_metadata()),
    "get_experiment_metric": (("loss",), ("metrics/get-metric", "metrics"), lambda e: e.get_metrics("loss")),
    "get_experiment_metrics_summaries": ((), ("metrics/summary", "values"), lambda e: e.get_metrics_summary()),
    "get_experiment_parameters_summaries": ((), ("parameters", "values"), lambda e: e.get_parameters_summary()),
    "get_experiment_others_summaries": ((), ("log-other", "values"), lambda e: e.get_others_summary()),
    "get_experiment_tags": ((), ("tags", "tags"), lambda e: e.get_tags()),
    "get_experiment_code": ((), ("code", "code"), lambda e: e.get_code()),
    "get_experiment_output": ((), ("output", "output"), lambda e: e.get_output()),
    "get_experiment_html": ((), ("html", "html"), lambda e: e.get_html()),
    "get_experiment_graph": ((), ("graph", "graph"), lambda e: e.get_model_graph()),
    "get_experiment_model_graph": ((), ("graph", "graph"), lambda e: e.get_model_graph()),
    "get_model_graph": ((), ("graph", "graph"), lambda e: e.get_model_graph()),
    "get_experiment_installed_packages": (
        (),
        ("system-details", "installedPackages"),
        lambda e: e.get_installed_packages(),
    ),
    "get_experiment_models": ((), ("model", "models"), None),
    "get_experiment_model_asset_list": (
        ("mödel",),
        ("model/asset/list", "assets"),
        lambda e: e.get_model_asset_list("mödel"),
    ),
    "get_experiment_asset_list": ((), ("asset/list", "assets"), lambda e: e.get_asset_list()),
}


@pytest.fixture(scope="module")
def experiment(shelf: Shelf, official: Any) -> Any:
    """The experiment with everything, as the official SDK gives it."""
    return official.get_experiment_by_key(shelf["full"])


@pytest.mark.parametrize("name", READINGS)
def test_it_is_what_stands_there(shelf: Shelf, ours: API, experiment: Any, name: str) -> None:
    more, (path, member), theirs = READINGS[name]
    answered = getattr(ours, name)(shelf["full"], *more)
    names = {"get_experiment_metric": {"metricName": "loss"}, "get_experiment_model_asset_list": {"modelName": "mödel"}}
    raw = shelf.server.get(f"experiment/{path}", experimentKey=shelf["full"], **names.get(name, {}))
    assert answered == (raw if member is None else raw[member])
    assert answered
    if theirs is not None:
        assert answered == theirs(experiment)


@pytest.mark.parametrize("name", READINGS)
def test_an_experiment_that_is_not_there_is_not_found(ours: API, name: str) -> None:
    more, _, _ = READINGS[name]
    with pytest.raises(NotFoundError, match=NOBODY):
        getattr(ours, name)(NOBODY, *more)


def test_what_an_empty_experiment_answers(shelf: Shelf, ours: API) -> None:
    key = shelf["unnamed"]
    assert ours.get_experiment_code(key) is None
    assert ours.get_experiment_graph(key) is None
    assert (ours.get_experiment_output(key), ours.get_experiment_html(key)) == ("", "")
    for name in ("metrics_summaries", "parameters_summaries", "tags", "installed_packages", "models", "asset_list"):
        assert getattr(ours, f"get_experiment_{name}")(key) == []
    assert ours.get_experiment_metric(key, "loss") == []
    assert (ours.get_experiment_images(key), ours.get_experiment_curves(key)) == ([], [])


def test_the_name_is_cut_and_the_key_stands_for_none(shelf: Shelf, ours: API) -> None:
    assert ours.get_experiment_name(shelf["full"]) == "Größe 🚀"
    assert ours.get_experiment_name(shelf["full"], max_length=5) == "Größe"
    assert ours.get_experiment_name(shelf["unnamed"]) == shelf["unnamed"]


def test_the_url_is_where_the_server_shows_it(shelf: Shelf, ours: API, experiment: Any) -> None:
    key = shelf["full"]
    url = ours.get_experiment_url(key)
    assert url == f"{shelf.server.url}/{WORKSPACE}/first%20project/{key}" == experiment.url.replace(" ", "%20")
    page = shelf.server.call("GET", url.removeprefix(f"{shelf.server.url}/"))
    assert (page.status_code, key in page.text) == (200, True)


def asset_id(shelf: Shelf, name: str) -> str:
    listed = shelf.server.get("experiment/asset/list", experimentKey=shelf["full"])["assets"]
    return str(next(asset["assetId"] for asset in listed if asset["fileName"] == name))


@pytest.mark.parametrize("return_type", ["raw", "binary", "text", "json"])
def test_an_asset_comes_as_it_is_asked_for(shelf: Shelf, ours: API, experiment: Any, return_type: str) -> None:
    roc = asset_id(shelf, "roc")
    raw = shelf.server.call(
        "GET", "api/rest/v2/experiment/asset/get-asset", params={"experimentKey": shelf["full"], "assetId": roc}
    ).content
    expected = {"text": raw.decode(), "json": json.loads(raw)}.get(return_type, raw)
    assert ours.get_experiment_asset(shelf["full"], roc, return_type) == expected
    assert ours.get_experiment_asset_by_name(shelf["full"], "roc", return_type) == expected
    official_type = "binary" if return_type == "raw" else return_type
    assert expected == experiment.get_asset(roc, return_type=official_type)


def test_an_asset_comes_as_bytes_unless_asked_otherwise(shelf: Shelf, ours: API) -> None:
    assert ours.get_experiment_asset(shelf["full"], asset_id(shelf, "picture.png")) == b"\x89PNG"
    assert ours.get_experiment_asset_by_name(shelf["full"], "picture.png") == b"\x89PNG"
    assert ours.get_experiment_asset_by_name(shelf["full"], "nothing.png") is None


def test_assets_that_cannot_be_had(shelf: Shelf, ours: API) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        ours.get_experiment_asset(shelf["full"], "nothing")
    with pytest.raises(InvalidArgumentError, match="expected one of 'binary', 'text', 'json'"):
        ours.get_experiment_asset(shelf["full"], asset_id(shelf, "roc"), "picture")


def test_assets_of_one_type(shelf: Shelf, ours: API, experiment: Any) -> None:
    (image,) = ours.get_experiment_asset_list(shelf["full"], "image")
    assert (image["fileName"], image["fileSize"]) == ("picture.png", 4)
    assert [image] == experiment.get_asset_list("image")
    assert ours.get_experiment_images(shelf["full"]) == [b"\x89PNG"]
    curves = [json.loads(curve) for curve in ours.get_experiment_curves(shelf["full"])]
    assert [curve["name"] for curve in curves] == ["roc", "roc 2"]
    assert [curve["x"] for curve in curves] == [curve["x"] for curve in experiment.get_curves()]


@pytest.mark.parametrize("log_progress", [False, True])
def test_an_asset_is_saved_whole_or_not_at_all(
    shelf: Shelf, ours: API, official: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, log_progress: bool
) -> None:
    found, theirs, missing = tmp_path / "new" / "ours.bin", tmp_path / "theirs.bin", tmp_path / "missing.bin"
    weights = asset_id(shelf, "weights.bin")
    with caplog.at_level(logging.INFO, "zenml_comet_tracker"):
        ours.download_experiment_asset(shelf["full"], weights, str(found), log_progress)
    if not log_progress:
        official.download_experiment_asset(shelf["full"], weights, str(theirs))
        assert digest(found) == digest(theirs)
        theirs.unlink()
    assert digest(found) == hashlib.sha256(b"weights.bin").hexdigest()
    assert [record.getMessage() for record in caplog.records] == [f"{found}: all 11 bytes"] * log_progress
    with pytest.raises(NotFoundError):
        ours.download_experiment_asset(shelf["full"], "nothing", str(missing), log_progress)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new", "ours.bin"]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_columns_are_those_of_the_project(shelf: Shelf, ours: API) -> None:
    where = {"workspaceName": WORKSPACE, "projectName": FIRST}
    columns = shelf.server.get("project/column-names", **where, archived=False)["columns"]
    assert ours.get_project_columns(WORKSPACE, FIRST) == columns
    assert ours.get_project_columns(project_id=shelf.project_id) == columns
    assert {"name": "score", "id": "score--metrics", "type": "double", "source": "metrics"} in columns
    archived = shelf.server.get("project/column-names", **where, archived=True)["columns"]
    assert ours.get_project_columns(WORKSPACE, FIRST, archived=True) == archived != columns


def test_experiments_of_a_project_by_key(shelf: Shelf, ours: API) -> None:
    rows = shelf.server.get("experiments", workspaceName=WORKSPACE, projectName=FIRST)["experiments"]
    assert ours.get_project_experiments(WORKSPACE, FIRST) == {row["experimentKey"]: row for row in rows}
    assert shelf["gamma"] not in {row["experimentKey"] for row in rows}
