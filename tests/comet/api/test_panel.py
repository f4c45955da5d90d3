"""What `API` says of the panel it is called in, beside what the official SDK says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import comet_ml
import pytest

from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.errors import ConfigurationError, ReadOnlyError
from zenml_comet_tracker.comet.panels import PanelContext

ALIKE = [
    "get_panel_experiment_keys",
    "get_panel_metrics_names",
    "get_panel_options",
    "get_panel_project_id",
    "get_panel_project_name",
    "get_panel_workspace",
    "get_panel_experiment_colors",
    "get_panel_metric_colors",
    "get_panel_width",
    "get_panel_height",
    "get_panel_size",
]


@dataclass
class Project:
    """Two experiments in a project, one in another, and how to reach them."""

    server: LocalServer
    first: str
    second: str
    elsewhere: str

    def panel(self, **fields: Any) -> PanelContext:
        given = {
            "workspace": "panel-team",
            "project_name": "panel",
            "api_key": self.server.api_key,
            "url": self.server.url,
        }
        return PanelContext(**{**given, **fields})


@pytest.fixture(scope="module")
def project(local_server: LocalServer) -> Project:
    keys = [
        begin(local_server, teamName="panel-team", projectName=name) for name in ("panel", "panel", "panel-elsewhere")
    ]
    for key in keys:
        for name, value in {"loss": 0.5, "accuracy": 0.75, "sys.cpu.percent.avg": 12.0}.items():
            local_server.post(
                "write/experiment/metric", experimentKey=key, metricName=name, metricValue=value, timestamp=1
            )
    return Project(local_server, *keys)


@pytest.fixture
def api(project: Project) -> Iterator[API]:
    with project.panel():
        yield API()


@pytest.mark.parametrize("name", ALIKE)
def test_it_says_what_the_official_sdk_says(
    project: Project, api: API, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", project.server.url)
    monkeypatch.setenv("COMET_WORKSPACE", "panel-team")
    monkeypatch.setenv("COMET_PROJECT_NAME", "panel")
    theirs = comet_ml.API(api_key=project.server.api_key)
    assert getattr(api, name)() == getattr(theirs, name)()


def test_the_experiments_of_a_panel_without_keys_are_those_of_its_project(project: Project, api: API) -> None:
    listed = project.server.get("experiments", workspaceName="panel-team", projectName="panel")["experiments"]
    keys = [row["experimentKey"] for row in listed]
    assert sorted(keys) == sorted([project.first, project.second])
    assert api.get_panel_experiment_keys() == keys
    assert [experiment.key for experiment in api.get_panel_experiments()] == keys


def test_the_experiments_of_a_panel_are_those_that_it_was_given_in_their_order(project: Project) -> None:
    keys = [project.elsewhere, "0" * 32, project.second]
    with project.panel(experiment_keys=keys):
        api = API()
        assert api.get_panel_experiment_keys() == keys
        found = api.get_panel_experiments()
    # One is in another project, one is gone.
    assert [(experiment.key, experiment.project_name) for experiment in found] == [
        (project.elsewhere, "panel-elsewhere"),
        (project.second, "panel"),
    ]
    with project.panel(experiment_keys=[], project_name=None):
        assert API().get_panel_experiments() == []


def test_the_names_of_metrics_are_without_those_of_the_system_unless_asked(project: Project, api: API) -> None:
    columns = project.server.get("project/column-names", workspaceName="panel-team", projectName="panel")["columns"]
    names = {column["name"] for column in columns if column["source"] == "metrics"}
    assert names == {"loss", "accuracy", "sys.cpu.percent.avg"}
    assert sorted(api.get_panel_metrics_names()) == ["accuracy", "loss"]
    assert set(api.get_panel_metrics_names(include_sys=True)) == names


def test_the_project_is_that_of_the_panel(project: Project, api: API) -> None:
    details = project.server.get("project", workspaceName="panel-team", projectName="panel")
    assert api.get_panel_project_id() == details["projectId"]
    assert (api.get_panel_workspace(), api.get_panel_project_name()) == ("panel-team", "panel")


def test_options_colours_and_size_are_those_of_the_panel(project: Project) -> None:
    red, blue = {"primary": "#c3406e"}, {"primary": "#1e76d8"}
    with project.panel(
        options={"metric": "loss"},
        experiment_colors={project.first: red},
        metric_colors={"loss": blue},
        width=640,
        height=480,
    ):
        api = API()
        assert api.get_panel_options() == {"metric": "loss"}
        assert api.get_panel_experiment_colors() == {project.first: red}
        assert api.get_panel_metric_colors() == {"loss": blue}
        assert (api.get_panel_width(), api.get_panel_height(), api.get_panel_size()) == (640, 480, (640, 480))


def test_a_panel_by_the_environment_reads_the_same(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "COMET_API_KEY": project.server.api_key,
        "COMET_URL_OVERRIDE": project.server.url,
        "COMET_EXPERIMENT_KEYS": json.dumps([project.first]),
        "COMET_PANEL_OPTIONS": '{"metric": "loss"}',
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    api = API()
    assert [experiment.key for experiment in api.get_panel_experiments()] == [project.first]
    assert api.get_panel_options() == {"metric": "loss"}
    with pytest.raises(ReadOnlyError):
        api.create_project("panel-team", "never")


def test_requests_are_counted(api: API) -> None:
    assert (api.get_panel_request_count(), api.get_panel_report()) == (0, f"0 requests to {api.server_url}")
    api.get_panel_project_id()
    assert (api.get_panel_request_count(), api.get_panel_report()) == (1, f"1 request to {api.server_url}")
    api.get_panel_experiments()
    assert api.get_panel_request_count() == 2


def test_what_would_write_is_refused_and_writes_nothing(project: Project, api: API) -> None:
    def names() -> list[str]:
        return [row["projectName"] for row in project.server.get("projects", workspaceName="panel-team")["projects"]]

    before = names()
    with pytest.raises(ReadOnlyError, match="write/project/create would write"):
        api.create_project("panel-team", "made-in-a-panel")
    with pytest.raises(ReadOnlyError, match="write/project/delete would write"):
        api.delete_project("panel-team", "panel")
    assert names() == before


def test_outside_of_a_panel_without_a_project_it_says_what_to_do(local_server: LocalServer) -> None:
    api = API(local_server.api_key, url=local_server.url)
    for ask in (api.get_panel_experiment_keys, api.get_panel_metrics_names, api.get_panel_project_id):
        with pytest.raises(ConfigurationError, match="zenml-comet panel run SCRIPT"):
            ask()
    assert (api.get_panel_options(), api.get_panel_size(), api.get_panel_project_name()) == ({}, (0, 0), None)
