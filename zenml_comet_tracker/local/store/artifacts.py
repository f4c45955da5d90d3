"""Artifacts: named sets of files of a workspace, each in versions (see `artifact_versions`)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, insert, select, update

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import UnknownArtifactError

# The states of a version: while its files come, when all are there, when some will not come.
OPEN, CLOSED, ERROR = "OPEN", "CLOSED", "ERROR"


def ensure(transaction: Transaction, experiment: Row[Any], name: str, artifact_type: str) -> str:
    """The id of the artifact `name` in the experiment's workspace, made when missing; the newest type counts."""
    found = find(transaction.connection, experiment.workspace, name)
    if found is None:
        return _insert(transaction, experiment, name, artifact_type)
    if found.type != artifact_type:
        change(transaction.connection, found.id, type=artifact_type)
    return str(found.id)


def find(connection: Connection, workspace: str, name: str) -> Row[Any] | None:
    """The artifact's row, with `project_name`; None when the workspace has none of this name."""
    artifact = schema.artifact.c
    return connection.execute(_select().where(artifact.workspace == workspace, artifact.name == name)).one_or_none()


def require(connection: Connection, artifact_id: str) -> Row[Any]:
    """The row of the artifact with this id. Raises `UnknownArtifactError`."""
    row = connection.execute(_select().where(schema.artifact.c.id == artifact_id)).one_or_none()
    if row is None:
        raise UnknownArtifactError(f"with id {artifact_id!r}")
    return row


def require_named(connection: Connection, workspace: str, *spellings: str) -> Row[Any]:
    """The row of the artifact called by the first of the spellings that is one. Raises `UnknownArtifactError`."""
    for name in spellings:
        row = find(connection, workspace, name)
        if row is not None:
            return row
    raise UnknownArtifactError(f"{spellings[0]!r} in workspace {workspace!r}")


def of_workspace(connection: Connection, workspace: str, artifact_type: str | None) -> Sequence[Row[Any]]:
    """The workspace's artifacts by name, of one type where given."""
    artifact = schema.artifact.c
    statement = _select().where(artifact.workspace == workspace)
    if artifact_type is not None:
        statement = statement.where(artifact.type == artifact_type)
    return connection.execute(statement.order_by(artifact.name)).all()


def change(connection: Connection, artifact_id: str, **columns: Any) -> None:
    """Sets columns of the artifact's row; lists are kept as JSON."""
    values = {name: written(value) for name, value in columns.items()}
    connection.execute(update(schema.artifact).where(schema.artifact.c.id == artifact_id).values(values))


def written(value: Any) -> Any:
    """A value as it is kept: a list as JSON, each entry once."""
    return orjson.dumps(list(dict.fromkeys(value))).decode() if isinstance(value, list) else value


def _insert(transaction: Transaction, experiment: Row[Any], name: str, artifact_type: str) -> str:
    artifact_id = uuid.uuid4().hex
    row = {
        "id": artifact_id,
        "workspace": experiment.workspace,
        "name": name,
        "type": artifact_type,
        "project_id": experiment.project_id,
        "created_millis": transaction.now_millis,
    }
    transaction.connection.execute(insert(schema.artifact).values(row))
    return artifact_id


def _select() -> Select[Any]:
    artifact, project = schema.artifact, schema.project
    return select(artifact, project.c.name.label("project_name")).join(
        project, project.c.id == artifact.c.project_id, isouter=True
    )
