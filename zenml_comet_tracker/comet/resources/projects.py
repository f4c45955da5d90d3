"""Projects of a workspace: found, made, changed, deleted; their notes.

A project is named by its `Place`: either its id, or workspace and name.
"""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import complete, entries, optional_text
from zenml_comet_tracker.comet.transport import REST, Transport

Place = dict[str, str]


def named(workspace: str, project_name: str) -> Place:
    """The project of this name."""
    return {"workspaceName": workspace, "projectName": project_name}


def with_id(project_id: str) -> Place:
    """The project with this id."""
    return {"projectId": project_id}


def of_workspace(transport: Transport, workspace: str) -> list[dict[str, Any]]:
    """The details of all projects of a workspace, as `find` gives them. GET `projects`."""
    answer = transport.get_json(f"{REST}projects", {"workspaceName": workspace})
    return entries(answer, "projects", "projectId", "projectName")


def find(transport: Transport, place: Place) -> dict[str, Any]:
    """What a project is. GET `project`.

    `projectId`, `projectName`, `workspaceName`, `ownerUserName`, `projectDescription`, `numberOfExperiments` (without
    archived ones), `lastUpdated` (milliseconds since the epoch) and `public`. `NotFoundError` when there is none.
    """
    return complete(transport.get_json(f"{REST}project", place), "projectId")


def create(
    transport: Transport, workspace: str, project_name: str, description: str | None, *, public: bool
) -> dict[str, Any]:
    """A new project, as the server answers it. POST `write/project/create`."""
    body = {**named(workspace, project_name), "projectDescription": description, "isPublic": public}
    return transport.post_json(f"{REST}write/project/create", body)


def update(
    transport: Transport,
    place: Place,
    *,
    new_name: str | None = None,
    description: str | None = None,
    public: bool | None = None,
) -> dict[str, Any]:
    """Sets what is given and leaves the rest. POST `write/project/update`."""
    changes = {"newProjectName": new_name, "newProjectDescription": description, "isPublic": public}
    given = {name: value for name, value in changes.items() if value is not None}
    return transport.post_json(f"{REST}write/project/update", {**place, **given})


def set_owner(transport: Transport, project_id: str, user_name: str) -> dict[str, Any]:
    """Gives the project to another user. POST `write/project/update-owner`."""
    return transport.post_json(f"{REST}write/project/update-owner", {**with_id(project_id), "userName": user_name})


def delete(transport: Transport, place: Place, *, with_experiments: bool) -> dict[str, Any]:
    """Deletes a project: with its experiments, or only when it holds none. POST `write/project/delete`."""
    return transport.post_json(f"{REST}write/project/delete", {**place, "deleteAllExperiments": with_experiments})


def notes(transport: Transport, project_id: str) -> str | None:
    """The project's notes. GET `project/notes`."""
    return optional_text(transport.get_json(f"{REST}project/notes", with_id(project_id)), "notes")


def set_notes(transport: Transport, project_id: str, text: str) -> dict[str, Any]:
    """Sets the notes in place of those that are there. POST `write/project/notes`."""
    return transport.post_json(f"{REST}write/project/notes", {**with_id(project_id), "notes": text})
