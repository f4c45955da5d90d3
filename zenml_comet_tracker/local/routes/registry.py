"""The model registry: a workspace's named models, listed, described, changed, taken away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.registry_items import described, matching
from zenml_comet_tracker.local.store import registry, registry_items
from zenml_comet_tracker.local.store.faults import UnknownModelError

rest = APIRouter()

# Beside these a version may have any status; those in use are listed along.
_STATUSES = [registry_items.NO_STATUS, "Development", "Staging", "QA", "Production"]


@rest.get("/registry-model")
def of_workspace(call: QueryCall) -> Response:
    """The models of the workspace, by name."""
    with call.store.read() as connection:
        rows = registry.of_workspace(connection, call.fields.text("workspaceName"))
    return answer({"registryModels": [_model(row) for row in rows]})


@rest.get("/registry-model/count")
def count(call: QueryCall) -> Response:
    """How many models the workspace has."""
    with call.store.read() as connection:
        rows = registry.of_workspace(connection, call.fields.text("workspaceName"))
    return answer({"registryModelCount": len(rows)})


@rest.get("/registry-model/details")
def details(call: QueryCall) -> Response:
    """The model with all of its versions, the newest first."""
    with call.store.read() as connection:
        row = found(connection, call)
        items = [described(connection, item, call.root) for item in registry_items.of_model(connection, row.id)]
    return answer({**_model(row), "versions": items})


@rest.get("/registry-model/compact-details")
def compact_details(call: QueryCall) -> Response:
    """The id of the model."""
    with call.store.read() as connection:
        return answer({"registryModelId": found(connection, call).id})


@rest.get("/registry-model/latest_version")
def latest_version(call: QueryCall) -> Response:
    """The highest version of the model, of a major or minor number or of a stage where given."""
    with call.store.read() as connection:
        row = found(connection, call)
        items = matching(connection, row.id, call.fields)
        if not items:
            raise UnknownModelError(f"{row.name!r} with a version that was asked for")
        item = described(connection, items[0], call.root)
    return answer({**item, **_model(row), "versions": [item]})


@rest.get("/registry-model/notes")
def notes(call: QueryCall) -> Response:
    """The notes on the model."""
    with call.store.read() as connection:
        return answer({"notes": found(connection, call).notes})


@rest.post("/write/registry-model/notes")
def write_notes(call: JsonCall) -> Response:
    """Replaces the notes on the model."""
    fields = call.fields
    with call.store.write() as transaction:
        row = registry.require(transaction.connection, fields.text("workspaceName"), fields.text("registryModelName"))
        registry.change(transaction, row.id, notes=fields.content("notes"))
    return done()


@rest.get("/registry-model/allowed_status_values")
def allowed_statuses(call: QueryCall) -> Response:
    """The usual statuses of a version, and those in use."""
    with call.store.read() as connection:
        used = registry.statuses(connection, call.fields.text("workspaceName"))
    return answer({"allowedStatus": list(dict.fromkeys([*_STATUSES, *used]))})


@rest.post("/write/registry-model/update")
def update(call: JsonCall) -> Response:
    """Changes name, description or visibility of the model `registryModelId`."""
    fields = call.fields
    columns = {
        "name": fields.text("registryModelName") if fields.raw("registryModelName") is not None else None,
        "description": fields.optional_text("description"),
        "public": fields.stated_flag("isPublic") if fields.raw("isPublic") is not None else None,
    }
    given = {name: value for name, value in columns.items() if value is not None}
    with call.store.write() as transaction:
        registry.change(transaction, fields.text("registryModelId"), **given)
    return done()


@rest.get("/write/registry-model/delete")
def delete(call: QueryCall) -> Response:
    """Takes the model away with all of its versions."""
    with call.store.write() as transaction:
        registry.remove(transaction, call.fields.text("workspaceName"), call.fields.text("modelName"))
    return done()


def found(connection: Any, call: QueryCall) -> Any:
    """The model that the query names."""
    return registry.require(connection, call.fields.text("workspaceName"), call.fields.text("modelName"))


def _model(row: Any) -> dict[str, Any]:
    return {
        "registryModelId": row.id,
        "modelName": row.name,
        "description": row.description,
        "isPublic": row.public,
        "createdAt": row.created_millis,
        "lastUpdated": row.updated_millis,
        "userName": row.user_name,
    }
