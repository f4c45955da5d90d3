"""Workspaces and their projects, as cometr's functions give them: the JSON of the endpoint."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.cometr.calls import ask
from zenml_comet_tracker.comet.cometr.places import place_of, workspace_of


def get_workspaces(api_key: str | None = None) -> dict[str, Any]:
    """`workspaceNames`, a list of all that the API key reaches. GET `workspaces`."""
    with panels.connect(api_key) as connection:
        return dict(ask(connection, "workspaces"))


def get_projects(workspace_name: str | None = None, api_key: str | None = None) -> dict[str, Any]:
    """`projects`, a list: `projectId`, `projectName`, `numberOfExperiments` and others of each. GET `projects`."""
    with panels.connect(api_key) as connection:
        return dict(ask(connection, "projects", params={"workspaceName": workspace_of(connection, workspace_name)}))


def create_project(
    project_name: str,
    project_description: str | None,
    public: bool = False,
    workspace_name: str | None = None,
    api_key: str | None = None,
) -> dict[str, Any]:
    """Makes a project; the server's answer. POST `write/project/create`."""
    with panels.connect(api_key) as connection:
        body = {
            "workspaceName": workspace_of(connection, workspace_name),
            "projectName": project_name,
            "projectDescription": project_description,
            "isPublic": bool(public),
        }
        return dict(ask(connection, "write/project/create", "POST", body))


def delete_project(
    project_name: str, delete_experiments: bool = True, workspace_name: str | None = None, api_key: str | None = None
) -> dict[str, Any]:
    """Deletes a project for good, by default with its experiments; the server's answer. POST `write/project/delete`."""
    with panels.connect(api_key) as connection:
        body = {
            "workspaceName": workspace_of(connection, workspace_name),
            "projectName": project_name,
            "deleteAllExperiments": bool(delete_experiments),
        }
        return dict(ask(connection, "write/project/delete", "POST", body))


def get_columns(
    project_id: str | None = None,
    project_name: str | None = None,
    workspace_name: str | None = None,
    api_key: str | None = None,
    archived: bool = False,
) -> dict[str, Any]:
    """`columns`, a list: `name`, `id`, `type` and `source` of each. GET `project/column-names`.

    The project is the one with `project_id`, else the one that is named or set.
    """
    with panels.connect(api_key) as connection:
        place = place_of(connection, project_id, project_name, workspace_name)
        return dict(ask(connection, "project/column-names", params={**place, "archived": bool(archived)}))
