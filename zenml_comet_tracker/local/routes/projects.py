"""Workspaces and projects: `workspaces`, `projects`, `project`, `project/column-names`, `write/project/create`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import projects
from zenml_comet_tracker.local.store.projects import DEFAULT_WORKSPACE

rest = APIRouter()


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


def find(connection: Any, fields: Fields) -> Any:
    """The project row that a request names."""
    project_id = fields.optional_text("projectId")
    if project_id:
        return projects.require(connection, project_id)
    workspace = fields.optional_text("workspaceName") or DEFAULT_WORKSPACE
    return projects.require_named(connection, workspace, fields.text("projectName"))


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
