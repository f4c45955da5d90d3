"""Workspaces and projects: `workspaces`, `projects`, `project`, `project/column-names`, `write/project/create`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import columns, projects
from zenml_comet_tracker.local.store.projects import DEFAULT_WORKSPACE

rest = APIRouter()

# What Comet's own tables offer beside the logged names: name and type by source.
_BUILT_IN = {
    "metadata": {
        "runId": "string",
        "experimentKey": "string",
        "user_name": "string",
        "file_name": "string",
        "file_path": "string",
        "start_server_timestamp": "datetime",
        "end_server_timestamp": "datetime",
        "last_message_time": "datetime",
        "duration": "timenumber",
        "runActive": "boolean",
        "hasImages": "boolean",
        "hasHtml": "boolean",
        "hasNotes": "boolean",
        "codeSHA": "string",
        "optimizationId": "string",
        "installed_packages": "string",
    },
    "log_other": {"Name": "string", "throttled": "string"},
}
_TYPES = {"metrics": "double", "params": "string", "log_other": "string", "tag": "string"}


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


@rest.get("/project/column-names")
def column_names(call: QueryCall) -> Response:
    """Every name that a table of the project's experiments can show: `name`, `id`, `type` and `source` of each."""
    with call.store.read() as connection:
        row = find(connection, call.fields)
        logged = columns.names(connection, row.id, archived=call.fields.flag("archived"))
    found = [(source, name, kind) for source, names in _BUILT_IN.items() for name, kind in names.items()]
    known = {(source, name) for source, name, _ in found}
    found += [
        (source, name, _TYPES[source])
        for source, names in logged.items()
        for name in names
        if (source, name) not in known
    ]
    return answer({"columns": [_column(*column) for column in found]})


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


def _column(source: str, name: str, kind: str) -> dict[str, str]:
    return {"name": name, "id": f"{name}--{source}", "type": kind, "source": source}
