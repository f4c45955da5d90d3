"""cometr's functions: each effect is read back raw, each answer is the endpoint's own."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet import cometr
from zenml_comet_tracker.comet.cometr import (
    call_api,
    create_project,
    delete_project,
    get_api_version,
    get_columns,
    get_experiments,
    get_multi_metric_chart,
    get_projects,
    get_workspaces,
)
from zenml_comet_tracker.comet.errors import (
    ConfigurationError,
    InvalidArgumentError,
    NotFoundError,
    StatusError,
    UnauthorizedError,
)

WORKSPACE = "from-r"
NONE = inspect.Parameter.empty


@pytest.fixture(autouse=True)
def _settings(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    monkeypatch.setenv("COMET_WORKSPACE", WORKSPACE)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def project(local_server: LocalServer) -> dict[str, Any]:
    """A project with two experiments, one of them archived, that have metrics and a parameter."""
    for name in ("kept", "archived"):
        key = begin(local_server, teamName=WORKSPACE, projectName="charted")
        local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value=name)
        local_server.post("write/experiment/parameter", experimentKey=key, parameterName="lr", parameterValue=0.1)
        for step in range(3):
            _point(local_server, key, "loss", step, step)
        _point(local_server, key, "acc", 1, 2)
        # A running one gets older from answer to answer.
        local_server.post("write/experiment/update-status", experimentKey=key, isAlive=False)
        if name == "archived":
            local_server.get("write/experiment/archive", experimentKey=key)
    return local_server.get("project", workspaceName=WORKSPACE, projectName="charted")


def _point(server: LocalServer, key: str, name: str, value: float, step: int) -> None:
    server.post("write/experiment/metric", experimentKey=key, metricName=name, metricValue=value, step=step)


SIGNATURES = {
    "call_api": {"endpoint": NONE, "method": "GET", "params": {}, "response_json": True, "api_key": None},
    "create_experiment": {
        "experiment_name": None,
        "project_name": None,
        "workspace_name": None,
        "api_key": None,
        "keep_active": True,
        "log_output": True,
        "log_error": False,
        "log_code": True,
        "log_system_details": True,
        "log_git_info": False,
    },
    "get_experiment": {
        "experiment_key": NONE,
        "api_key": None,
        "keep_active": False,
        "log_output": False,
        "log_error": False,
        "log_code": False,
        "log_system_details": False,
        "log_git_info": False,
    },
    "create_project": {
        "project_name": NONE,
        "project_description": NONE,
        "public": False,
        "workspace_name": None,
        "api_key": None,
    },
    "delete_project": {"project_name": NONE, "delete_experiments": True, "workspace_name": None, "api_key": None},
    "disable_logging": {},
    "get_api_version": {},
    "get_columns": {
        "project_id": None,
        "project_name": None,
        "workspace_name": None,
        "api_key": None,
        "archived": False,
    },
    "get_experiments": {
        "project_id": None,
        "project_name": None,
        "workspace_name": None,
        "api_key": None,
        "archived": False,
    },
    "get_multi_metric_chart": {
        "experiment_keys": NONE,
        "metrics": (),
        "params": (),
        "full": True,
        "independent": True,
        "api_key": None,
    },
    "get_projects": {"workspace_name": None, "api_key": None},
    "get_workspaces": {"api_key": None},
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_names_and_defaults_are_cometrs(name: str) -> None:
    parameters = inspect.signature(getattr(cometr, name)).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == SIGNATURES[name]
    assert list(parameters) == list(SIGNATURES[name])


def test_every_function_is_there() -> None:
    assert {*SIGNATURES, "create_artifact"} == set(cometr.__all__)


def test_workspaces(local_server: LocalServer, project: dict[str, Any]) -> None:
    assert get_workspaces() == local_server.get("workspaces")
    assert WORKSPACE in get_workspaces()["workspaceNames"]


def test_projects_are_made_listed_and_deleted(local_server: LocalServer) -> None:
    create_project("made", "for a while", public=True)
    made = local_server.get("project", workspaceName=WORKSPACE, projectName="made")
    assert (made["projectDescription"], made["public"]) == ("for a while", True)
    assert get_projects() == local_server.get("projects", workspaceName=WORKSPACE)
    assert "made" in [project["projectName"] for project in get_projects(workspace_name=WORKSPACE)["projects"]]
    key = begin(local_server, teamName=WORKSPACE, projectName="made")
    with pytest.raises(StatusError):
        delete_project("made", delete_experiments=False)
    assert local_server.get("experiment/metadata", experimentKey=key)["projectName"] == "made"
    delete_project("made")
    assert "made" not in [project["projectName"] for project in get_projects()["projects"]]
    assert local_server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": key}).status_code >= 400


def test_a_project_in_another_workspace(local_server: LocalServer) -> None:
    create_project("elsewhere", None, workspace_name="other-r")
    assert local_server.get("project", workspaceName="other-r", projectName="elsewhere")["public"] is False
    delete_project("elsewhere", workspace_name="other-r")


@pytest.mark.parametrize("archived", [False, True])
def test_experiments_by_name_and_by_id(local_server: LocalServer, project: dict[str, Any], archived: bool) -> None:
    expected = local_server.get("experiments", projectId=project["projectId"], archived=archived)
    assert [row["experimentName"] for row in expected["experiments"]] == ["archived" if archived else "kept"]
    assert get_experiments(project_id=project["projectId"], project_name="none", archived=archived) == expected
    assert get_experiments(project_name="charted", archived=archived) == expected


def test_columns(local_server: LocalServer, project: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_PROJECT_NAME", "charted")
    expected = local_server.get("project/column-names", projectId=project["projectId"], archived=False)
    assert {"loss", "lr"} <= {column["name"] for column in expected["columns"]}
    assert get_columns() == get_columns(project_id=project["projectId"]) == expected


def test_charts(local_server: LocalServer, project: dict[str, Any]) -> None:
    key = get_experiments(project_name="charted")["experiments"][0]["experimentKey"]
    chart = get_multi_metric_chart(key, "loss", ["lr"])
    drawn = chart["experiments"][key]
    assert [(metric["metricName"], metric["steps"], metric["values"]) for metric in drawn["metrics"]] == [
        ("loss", [0, 1, 2], [0.0, 1.0, 2.0])
    ]
    assert (drawn["params"], chart["empty"]) == ({"lr": "0.1"}, False)
    together = get_multi_metric_chart([key], ["loss", "acc"], full=False, independent=False)["experiments"][key]
    assert [metric["steps"] or together["steps"] for metric in together["metrics"]] == [[2], [2]]
    assert get_multi_metric_chart([]) == {"experiments": {}, "empty": True}


def test_any_endpoint(local_server: LocalServer, project: dict[str, Any]) -> None:
    assert get_api_version() == "v2"
    path = f"api/rest/{get_api_version()}/projects"
    expected = local_server.call("GET", path, params={"workspaceName": WORKSPACE})
    given = {"workspaceName": WORKSPACE, "nothing": None}
    assert call_api("/projects", params=given) == call_api("projects", "get", given) == expected.json()
    assert call_api("projects", params=given, response_json=False) == expected.content
    key = get_experiments(project_name="charted")["experiments"][0]["experimentKey"]
    call_api("/write/experiment/log-other", "POST", {"experimentKey": key, "key": "by", "value": "hand", "x": None})
    raw = call_api("/write/experiment/tags", "POST", {"experimentKey": key, "addedTags": ["t"]}, response_json=False)
    assert b'"code":200' in raw.replace(b" ", b"")
    others = {
        row["name"]: row["valueCurrent"]
        for row in local_server.get("experiment/log-other", experimentKey=key)["values"]
    }
    assert others["by"] == "hand"
    assert local_server.get("experiment/tags", experimentKey=key) == {"tags": ["t"]}


def test_errors_are_of_the_right_class(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnauthorizedError):
        get_workspaces(api_key="wrong-key")
    with pytest.raises(NotFoundError):
        get_experiments(project_name="no-such-project")
    with pytest.raises(ConfigurationError, match="COMET_PROJECT_NAME"):
        get_columns()
    with pytest.raises(InvalidArgumentError, match="'PUT'"):
        call_api("projects", "PUT")
    with pytest.raises(InvalidArgumentError, match="below api/rest/v2"):
        call_api("https://example.com/projects")
    monkeypatch.delenv("COMET_API_KEY")
    with pytest.raises(ConfigurationError, match="COMET_API_KEY"):
        get_projects()


def test_what_is_set_where_counts_in_cometrs_order(
    tmp_path: Path, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home, work):
        folder.mkdir()
        (folder / ".comet.yml").write_text(f"COMET_WORKSPACE: {folder.name}\nCOMET_API_KEY: {local_server.api_key}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    for name in ("argument", "environment", "work", "home"):
        create_project("p", None, workspace_name=name)

    def workspace(name: str | None = None) -> str:
        return str(get_projects(name)["projects"][0]["workspaceName"])

    monkeypatch.setenv("COMET_WORKSPACE", "environment")
    assert (workspace("argument"), workspace()) == ("argument", "environment")
    monkeypatch.delenv("COMET_WORKSPACE")
    monkeypatch.delenv("COMET_API_KEY")
    assert workspace() == "work"
    (work / ".comet.yml").unlink()
    assert workspace() == "home"
