"""What `API` does to projects stands on the server afterwards, for the official SDK too, and the other way round."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.comet.api.shelf import FIRST, SECOND, WORKSPACE, Shelf
from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.api import API

WHERE = "projects-workspace"


@pytest.fixture
def name(ours: API) -> str:
    """The name of a new project of `WHERE`."""
    name = f"project {uuid.uuid4().hex[:8]}"
    ours.create_project(WHERE, name)
    return name


def raw(server: LocalServer, name: str) -> dict[str, Any]:
    return server.get("project", workspaceName=WHERE, projectName=name)


def test_projects_are_names_that_hold_their_details(shelf: Shelf, ours: API) -> None:
    found = ours.get_projects(WORKSPACE)
    rows = shelf.server.get("projects", workspaceName=WORKSPACE)["projects"]
    assert found == [FIRST, SECOND]
    assert [dict(project) for project in found] == rows
    first = found[0]
    assert (first["numberOfExperiments"], first.get("projectId"), first.get("nothing")) == (5, shelf.project_id, None)
    assert (first[0], first[-3:], f"{first}/x", dict(first.items())) == ("f", "ect", f"{FIRST}/x", rows[0])
    assert list(first.values()) == list(rows[0].values())
    copy = pickle.loads(pickle.dumps(first))
    assert (copy, copy["projectId"]) == (FIRST, shelf.project_id)


def test_a_project_is_made(local_server: LocalServer, ours: API, official: Any) -> None:
    made = ours.create_project(WHERE, "made by ours", project_description="größe", public=True)
    theirs = official.create_project(WHERE, "made by theirs", project_description="größe", public=True)
    assert made == raw(local_server, "made by ours")
    assert made.keys() == theirs.keys()
    assert (made["projectDescription"], made["public"]) == ("größe", True)
    assert ours.get_project(WHERE, "made by theirs") == theirs
    assert official.get_project(WHERE, "made by ours") == made
    with pytest.raises(errors.StatusError, match="has a project 'made by ours' already"):
        ours.create_project(WHERE, "made by ours")


def test_a_project_is_changed(local_server: LocalServer, ours: API, official: Any, name: str) -> None:
    before = raw(local_server, name)
    answered = ours.update_project(WHERE, name, new_project_name=f"{name} 2", description="d", public=True)
    after = raw(local_server, f"{name} 2")
    changed = {"projectName": f"{name} 2", "projectDescription": "d", "public": True}
    assert {**before, **changed, "lastUpdated": 0} == {**after, "lastUpdated": 0}
    ours.update_project_by_id(after["projectId"], public=False)
    assert {**after, "public": False, "lastUpdated": 0} == {**raw(local_server, f"{name} 2"), "lastUpdated": 0}
    assert answered == official.update_project_by_id(after["projectId"], description="theirs")
    assert ours.get_project(WHERE, f"{name} 2")["projectDescription"] == "theirs"  # type: ignore[index]


def test_a_project_gets_another_owner(local_server: LocalServer, ours: API, name: str) -> None:
    ours.set_project_owner(raw(local_server, name)["projectId"], "someone")
    assert raw(local_server, name)["ownerUserName"] == "someone"


def test_notes_are_replaced(local_server: LocalServer, ours: API, official: Any, name: str) -> None:
    project_id = raw(local_server, name)["projectId"]
    ours.set_project_notes(WHERE, name, "notes of\nours ü")
    assert local_server.get("project/notes", projectId=project_id)["notes"] == "notes of\nours ü"
    assert official.get_project_notes(WHERE, name) == "notes of\nours ü"
    official.set_project_notes(WHERE, name, "theirs")
    assert ours.get_project_notes(project_id) == ours.get_project_notes(WHERE, name) == "theirs"
    assert ours.get_project_notes(workspace=WHERE, project_name=name) == "theirs"
    assert ours.get_project_notes(project_id=project_id) == "theirs"


def test_share_keys_come_and_go(local_server: LocalServer, ours: API, official: Any, name: str) -> None:
    project_id = raw(local_server, name)["projectId"]
    made, theirs = ours.create_project_share_key(project_id), official.create_project_share_key(project_id)
    codes = local_server.get("project/get-project-share-links", projectId=project_id)["shareCodes"]
    assert ours.get_project_share_keys(project_id) == codes
    assert sorted(codes) == sorted([made, theirs])
    ours.delete_project_share_key(project_id, theirs)
    assert official.get_project_share_keys(project_id) == [made]
    with pytest.raises(errors.NotFoundError, match="no share link"):
        ours.delete_project_share_key(project_id, theirs)


def test_a_project_is_deleted(local_server: LocalServer, ours: API, name: str) -> None:
    begin(local_server, teamName=WHERE, projectName=name)
    with pytest.raises(errors.StatusError, match="has 1 experiments"):
        ours.delete_project(WHERE, name)
    assert raw(local_server, name)["numberOfExperiments"] == 1
    ours.delete_project(WHERE, name, delete_experiments=True)
    left = local_server.get("projects", workspaceName=WHERE)["projects"]
    assert name not in {project["projectName"] for project in left}


def test_a_project_is_deleted_by_id(local_server: LocalServer, ours: API, name: str) -> None:
    project_id = raw(local_server, name)["projectId"]
    ours.delete_project(project_id=project_id)
    assert ours.get_project(project_id=project_id) is None


def test_only_what_a_call_names_is_deleted(local_server: LocalServer, name: str) -> None:
    api = API(local_server.api_key, url=local_server.url, workspace=WHERE, project_name=name)
    with pytest.raises(errors.ConfigurationError, match="only what the call itself names is deleted"):
        api.delete_project()
    assert raw(local_server, name)["projectName"] == name


def test_what_is_not_named_is_what_is_set(shelf: Shelf, local_server: LocalServer) -> None:
    api = API(local_server.api_key, url=local_server.url, workspace=WORKSPACE, project_name=FIRST)
    assert api.get_projects(None) == [FIRST, SECOND]
    assert api.get_project() == local_server.get("project", projectId=shelf.project_id)
    assert api.get_project_columns() == api.get_project_columns(WORKSPACE, FIRST)
    assert len(api.get_project_experiments()) == 5
    assert api.get_experiment_by_name("a/b").key == shelf["slash"]  # type: ignore[union-attr]
    # The workspace that is set does not stand for all workspaces.
    assert api.get() == local_server.get("workspaces")["workspaceNames"]


def test_without_a_workspace_the_accounts_default_is_meant(local_server: LocalServer, ours: API) -> None:
    workspace = local_server.get("account-details")["defaultWorkspaceName"]
    project = f"own {uuid.uuid4().hex[:8]}"
    key = begin(local_server, teamName=workspace, projectName=project)
    assert [experiment.key for experiment in ours.get_experiments(None, project)] == [key]
    assert ours.get(project_name=project) == ours.get(workspace, project)
    assert project in ours.get_projects(None)


def test_without_a_project_it_says_what_to_do(ours: API) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"Pass project_name, .*COMET_PROJECT_NAME"):
        ours.get_project(WORKSPACE)


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.get_project_notes(WORKSPACE, "nowhere"),
        lambda api: api.set_project_notes(WORKSPACE, "nowhere", "x"),
        lambda api: api.update_project(WORKSPACE, "nowhere", public=True),
        lambda api: api.delete_project(WORKSPACE, "nowhere"),
        lambda api: api.get_project_columns(WORKSPACE, "nowhere"),
        lambda api: api.get_experiments(WORKSPACE, "nowhere"),
        lambda api: list(api.gen_experiments(WORKSPACE, "nowhere")),
        lambda api: api.get(f"{WORKSPACE}/nowhere"),
        lambda api: api.get_views(WORKSPACE, "nowhere"),
        lambda api: api.experiments_df(WORKSPACE, "nowhere"),
    ],
)
def test_a_project_that_is_not_there_is_not_found(ours: API, ask: Any) -> None:
    with pytest.raises(errors.NotFoundError, match="no project 'nowhere' in workspace 'shelf'"):
        ask(ours)


def test_a_wrong_key_is_told_from_what_is_not_there(local_server: LocalServer) -> None:
    api = API("f" * 40, url=local_server.url)
    for ask in (api.get_workspaces, lambda: api.get_project("w", "p"), lambda: api.get_experiment_by_key("f" * 32)):
        with pytest.raises(errors.UnauthorizedError):
            ask()


def test_a_404_of_something_in_between_is_no_answer_to_whether_it_is_there(comet: ScriptedComet) -> None:
    for path in ("/project", "/experiment/metadata", "/experiments"):
        comet.answer_with(path, Answer(404, "<html>nothing here</html>"))
    api = API("key", url=comet.root)
    asks: list[Callable[[], Any]] = [
        lambda: api.get_project("w", "p"),
        lambda: api.get_experiment_by_key("f" * 32),
        lambda: api.get("w/p/name"),
    ]
    for ask in asks:
        with pytest.raises(errors.NotFoundError):
            ask()


def test_what_is_kept_of_a_cache_is_what_was_said(ours: API, official: Any) -> None:
    assert official.use_cache() is False
    api = API("key", cache=False, url=ours.server_url)
    assert (api.use_cache(), api.use_cache(True), api.use_cache()) == (False, None, True)
    api.do_cache("experiments")
    api.do_not_cache("experiments")
    api.clear_cache()
    api.update_cache()


def test_a_version_that_comet_does_not_have(local_server: LocalServer) -> None:
    with pytest.raises(errors.ConfigurationError, match="version='v1' is unknown"):
        API(local_server.api_key, version="v1", url=local_server.url)
