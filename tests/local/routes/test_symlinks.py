"""Symlinks and moves over the wire, read back from the lists of both projects."""

from __future__ import annotations

import uuid

import pytest

from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.local.store import views


def listed(server: LocalServer, project: str, workspace: str = "ws", **query: object) -> list[str]:
    found = server.get("experiments", workspaceName=workspace, projectName=project, **query)["experiments"]
    return sorted(experiment["experimentKey"] for experiment in found)


def counted(server: LocalServer, project: str, workspace: str = "ws") -> int:
    number = server.get("project", workspaceName=workspace, projectName=project)["numberOfExperiments"]
    assert isinstance(number, int)
    return number


def name() -> str:
    return f"project-{uuid.uuid4().hex}"


@pytest.mark.parametrize("path", ["api/rest/v2/write/project/symlink", "clientlib/symlink/new"])
def test_a_symlink_lists_the_experiment_in_both_projects(local_server: LocalServer, path: str) -> None:
    home, other = name(), name()
    key = begin(local_server, projectName=home)
    for _ in range(2):
        answer = local_server.call("GET", path, params={"experimentKey": key, "projectName": other})
        assert (answer.status_code, answer.json()) == (200, {"link": f"{local_server.url}/ws/{other}/{key}"})
    assert (listed(local_server, home), listed(local_server, other)) == ([key], [key])
    assert (counted(local_server, home), counted(local_server, other)) == (1, 1)
    assert local_server.get("experiment/metadata", experimentKey=key)["projectName"] == home


def test_a_link_of_a_symlink_leads_to_the_experiment(local_server: LocalServer) -> None:
    key = begin(local_server, projectName=name())
    link = local_server.get("write/project/symlink", experimentKey=key, projectName=name())["link"]
    page = local_server.call("GET", link.removeprefix(f"{local_server.url}/"))
    assert page.status_code == 200
    assert key in page.text


def test_an_archived_experiment_is_archived_in_both_projects(local_server: LocalServer) -> None:
    home, other = name(), name()
    key = begin(local_server, projectName=home)
    local_server.get("write/project/symlink", experimentKey=key, projectName=other)
    local_server.get("write/experiment/archive", experimentKey=key)
    assert (listed(local_server, other), listed(local_server, other, archived=True)) == ([], [key])
    assert counted(local_server, other) == 0


def test_a_symlink_into_its_own_project_counts_once(local_server: LocalServer) -> None:
    home = name()
    key = begin(local_server, projectName=home)
    local_server.get("write/project/symlink", experimentKey=key, projectName=home)
    assert (listed(local_server, home), counted(local_server, home)) == ([key], 1)
    with local_server.store.read() as connection:
        shown = views.find_project(connection, local_server.store.clock(), "ws", home)
    assert shown is not None
    assert shown.experiments == 1


def test_experiments_move_to_another_project_and_workspace(local_server: LocalServer) -> None:
    home, other = name(), name()
    keys = sorted(begin(local_server, projectName=home) for _ in range(3))
    target = {"targetWorkspaceName": "another", "targetProjectName": other}
    local_server.post("write/experiment/move", **target, experimentKeys=keys[:2], symlink=False)
    assert (listed(local_server, home), listed(local_server, other, "another")) == (keys[2:], keys[:2])
    meta = local_server.get("experiment/metadata", experimentKey=keys[0])
    assert (meta["workspaceName"], meta["projectName"]) == ("another", other)


def test_a_move_with_symlink_leaves_the_experiments_where_they_are(local_server: LocalServer) -> None:
    home, other = name(), name()
    key = begin(local_server, projectName=home)
    target = {"targetWorkspaceName": "another", "targetProjectName": other}
    local_server.post("write/experiment/move", **target, experimentKeys=[key, key], symlink=True)
    assert (listed(local_server, home), listed(local_server, other, "another")) == ([key], [key])


def test_a_move_to_where_it_was_symlinked_leaves_no_symlink(local_server: LocalServer) -> None:
    home, other = name(), name()
    key = begin(local_server, projectName=home)
    target = {"targetWorkspaceName": "ws", "experimentKeys": [key], "symlink": False}
    local_server.get("write/project/symlink", experimentKey=key, projectName=other)
    local_server.post("write/experiment/move", **target, targetProjectName=other)
    assert (listed(local_server, other), counted(local_server, other)) == ([key], 1)
    local_server.post("write/experiment/move", **target, targetProjectName=home)
    assert (listed(local_server, home), listed(local_server, other)) == ([key], [])


def test_a_move_is_whole_or_not_at_all(local_server: LocalServer) -> None:
    home, other = name(), name()
    key = begin(local_server, projectName=home)
    body = {"targetWorkspaceName": "ws", "targetProjectName": other, "symlink": False}
    for keys, status in (([key, "0" * 32], 404), ([key] * 101, 400)):
        answer = local_server.call("POST", "api/rest/v2/write/experiment/move", json={**body, "experimentKeys": keys})
        assert answer.status_code == status
    assert listed(local_server, home) == [key]
    query = {"workspaceName": "ws", "projectName": other}
    assert local_server.call("GET", "api/rest/v2/project", params=query).status_code == 404


def test_the_pages_of_both_projects_show_it_and_follow_it(local_server: LocalServer) -> None:
    home, other = name(), name()
    key = begin(local_server, projectName=home)
    local_server.get("write/project/symlink", experimentKey=key, projectName=other)
    with local_server.store.read() as connection:
        shown = [views.find_project(connection, local_server.store.clock(), "ws", place) for place in (home, other)]
    assert [(project.experiments, project.running) for project in shown if project] == [(1, 1), (1, 1)]
    for place in (home, other):
        assert key in local_server.call("GET", f"ws/{place}").text
    local_server.post("write/experiment/tags", experimentKey=key, addedTags=["new"])
    with local_server.store.read() as connection:
        later = [views.find_project(connection, local_server.store.clock(), "ws", place) for place in (home, other)]
    grown = [new.change_number > old.change_number for new, old in zip(later, shown, strict=True) if new and old]
    assert grown == [True, True]


@pytest.mark.parametrize("word", ["archive", "archived"])
def test_the_address_that_clients_make_of_an_archived_experiment_leads_to_it(
    local_server: LocalServer, word: str
) -> None:
    home = name()
    key = begin(local_server, projectName=home)
    answer = local_server.call("GET", f"ws/{home}/{word}/{key}", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, f"/ws/{home}/{key}")
