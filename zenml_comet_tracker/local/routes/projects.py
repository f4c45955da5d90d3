"""Workspaces and projects: found, made, changed, deleted; their notes and their columns."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import Call, JsonCall, QueryCall, experiment_url
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import deletion, projects
from zenml_comet_tracker.local.store.projects import DEFAULT_WORKSPACE

rest = APIRouter()
# An address that Comet gives to projects in links.
legacy = APIRouter()


@rest.get("/workspaces")
def workspaces(call: QueryCall) -> Response:
    """All workspace names."""
    with call.store.read() as connection:
        return answer({"workspaceNames": projects.workspaces(connection)})


@rest.get("/projects")
def of_workspace(call: QueryCall) -> Response:
    """The projects of `workspaceName`."""
    workspace = call.fields.optional_text("workspaceName") or DEFAULT_WORKSPACE
    with call.store.read() as connection:
        rows = projects.of_workspace(connection, workspace)
    return answer({"projects": [_project(row) for row in rows]})


@rest.get("/project")
def project(call: QueryCall) -> Response:
    """One project, by `projectId` or by `workspaceName` and `projectName`."""
    with call.store.read() as connection:
        return answer(_project(find(connection, call.fields)))


@rest.post("/write/project/create")
def create(call: JsonCall) -> Response:
    """A new project."""
    fields = call.fields
    workspace = fields.workspace("workspaceName", DEFAULT_WORKSPACE)
    name = fields.project("projectName", fields.text("projectName"))
    description = fields.optional_text("projectDescription") or ""
    with call.store.write() as transaction:
        project_id = projects.create(transaction, workspace, name, description, fields.flag("isPublic"))
        return answer(_project(projects.require(transaction.connection, project_id)))


@rest.post("/write/project/update")
def update(call: JsonCall) -> Response:
    """Sets those of `newProjectName`, `newProjectDescription` and `isPublic` that are there."""
    fields = call.fields
    name, description = fields.optional_text("newProjectName"), fields.optional_text("newProjectDescription")
    public = None if fields.raw("isPublic") is None else fields.flag("isPublic")
    given = {
        "name": None if not name else fields.project("newProjectName", name),
        "description": description,
        "public": public,
    }
    return _change(call, **{column: value for column, value in given.items() if value is not None})


@rest.post("/write/project/update-owner")
def update_owner(call: JsonCall) -> Response:
    """Sets the owner, `userName`; a name and nothing more, since everybody here is one user."""
    return _change(call, owner=call.fields.text("userName"))


@rest.post("/write/project/delete")
def delete(call: JsonCall) -> Response:
    """Deletes a project: with `deleteAllExperiments` whatever it holds, else only one that holds nothing."""
    with call.store.read() as connection:
        project = find(connection, call.fields)
    deletion.delete_project(call.store, project, with_experiments=call.fields.flag("deleteAllExperiments"))
    return done()


@rest.post("/write/project/notes")
def set_notes(call: JsonCall) -> Response:
    """Sets the project's notes in place of those that are there."""
    return _change(call, notes=call.fields.content("notes"))


@rest.get("/project/notes")
def notes(call: QueryCall) -> Response:
    """The project's notes, "" when it has none."""
    with call.store.read() as connection:
        return answer({"notes": find(connection, call.fields).notes})


def find(connection: Any, fields: Fields) -> Any:
    """The project row that a request names."""
    project_id = fields.optional_text("projectId")
    if project_id:
        return projects.require(connection, project_id)
    workspace = fields.optional_text("workspaceName") or DEFAULT_WORKSPACE
    return projects.require_named(connection, workspace, fields.text("projectName"))


@legacy.get("/projects/redirect")
def redirect(call: QueryCall) -> Response:
    """Leads a browser to the page of the project `projectId`."""
    with call.store.read() as connection:
        row = projects.require(connection, call.fields.text("projectId"))
    return RedirectResponse(experiment_url("", row.workspace, row.name), 302)


def _change(call: Call, **columns: Any) -> Response:
    with call.store.write() as transaction:
        projects.change(transaction, find(transaction.connection, call.fields).id, **columns)
    return done()


def _project(row: Any) -> dict[str, Any]:
    return {
        "projectId": row.id,
        "projectName": row.name,
        "ownerUserName": row.owner,
        "projectDescription": row.description,
        "workspaceName": row.workspace,
        "numberOfExperiments": row.experiments,
        "lastUpdated": row.updated_millis,
        "public": row.public,
    }
