"""Workspaces and projects."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import schema, symlinks
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import TakenError, UnknownProjectError, UnknownWorkspaceError

DEFAULT_WORKSPACE = "local"
DEFAULT_PROJECT = "general"


def ensure_workspace(transaction: Transaction, name: str) -> None:
    """Makes the workspace when there is none of this name."""
    row = {"name": name, "created_millis": transaction.now_millis}
    transaction.connection.execute(insert(schema.workspace).values(row).on_conflict_do_nothing())


def ensure(transaction: Transaction, workspace: str, name: str) -> str:
    """The id of the project, made with its workspace when missing."""
    found = _find(transaction.connection, workspace, name)
    return found if found is not None else _insert(transaction, workspace, name, "", False)


def create(transaction: Transaction, workspace: str, name: str, description: str, public: bool) -> str:
    """The id of a new project. Raises `TakenError` when the workspace has one of this name."""
    if _find(transaction.connection, workspace, name) is not None:
        raise TakenError(f"Workspace {workspace!r} has a project {name!r} already.")
    return _insert(transaction, workspace, name, description, public)


def change(transaction: Transaction, project_id: str, **columns: Any) -> None:
    """Sets columns of the project's row. Raises `TakenError` when its workspace has another project of a new name."""
    name = columns.get("name")
    if name is not None:
        workspace = require(transaction.connection, project_id).workspace
        if _find(transaction.connection, workspace, name) not in (None, project_id):
            raise TakenError(f"Workspace {workspace!r} has a project {name!r} already.")
    if columns:
        transaction.connection.execute(
            update(schema.project).where(schema.project.c.id == project_id).values(**columns)
        )
        transaction.touch_project(project_id)


def workspaces(connection: Connection) -> list[str]:
    """Names of all workspaces, in alphabetical order."""
    return list(connection.scalars(select(schema.workspace.c.name).order_by(schema.workspace.c.name)))


def of_workspace(connection: Connection, workspace: str) -> Sequence[Row[Any]]:
    """The workspace's projects by name, each with `experiments`: how many it lists that are not archived.

    Raises `UnknownWorkspaceError`.
    """
    statement = _with_count().where(schema.project.c.workspace == workspace).order_by(schema.project.c.name)
    rows = connection.execute(statement).all()
    if not rows and workspace != DEFAULT_WORKSPACE:
        known = workspaces(connection)
        if workspace not in known:
            raise UnknownWorkspaceError(workspace, known)
    return rows


def require(connection: Connection, project_id: str) -> Row[Any]:
    """The project with this id. Raises `UnknownProjectError`."""
    row = connection.execute(_with_count().where(schema.project.c.id == project_id)).one_or_none()
    if row is None:
        raise UnknownProjectError(f"with id {project_id!r}")
    return row


def require_named(connection: Connection, workspace: str, name: str) -> Row[Any]:
    """The project of this name. Raises `UnknownProjectError`."""
    found = _find(connection, workspace, name)
    if found is None:
        raise UnknownProjectError(f"{name!r} in workspace {workspace!r}")
    return require(connection, found)


def _find(connection: Connection, workspace: str, name: str) -> str | None:
    project = schema.project.c
    return connection.scalar(select(project.id).where(project.workspace == workspace, project.name == name))


def _insert(transaction: Transaction, workspace: str, name: str, description: str, public: bool) -> str:
    ensure_workspace(transaction, workspace)
    project_id = uuid.uuid4().hex
    transaction.connection.execute(
        insert(schema.project).values(
            id=project_id,
            workspace=workspace,
            name=name,
            description=description,
            public=public,
            owner=DEFAULT_WORKSPACE,
            created_millis=transaction.now_millis,
            updated_millis=transaction.now_millis,
        )
    )
    transaction.touch_project(project_id)
    return project_id


def _with_count() -> Any:
    count = (
        select(func.count())
        .select_from(schema.experiment)
        .where(symlinks.listed_in(schema.project.c.id), schema.experiment.c.archived.is_(False))
        .correlate(schema.project)
        .scalar_subquery()
    )
    return select(schema.project, count.label("experiments"))
