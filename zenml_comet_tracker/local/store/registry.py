"""The model registry: the named models of a workspace; their versions are in `registry_items`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from zenml_comet_tracker.local.store import kept_assets, schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import TakenError, UnknownModelError


def ensure(transaction: Transaction, experiment: Row[Any], name: str, description: str, public: bool) -> Row[Any]:
    """The model `name` of the experiment's workspace; made with this description when missing, else left as it is."""
    found = find(transaction.connection, experiment.workspace, name)
    return found if found is not None else create(transaction, experiment, name, description, public)


def create(transaction: Transaction, experiment: Row[Any], name: str, description: str, public: bool) -> Row[Any]:
    """A new model. Raises `TakenError` when the experiment's workspace has one of this name."""
    connection = transaction.connection
    _refuse_taken(connection, experiment.workspace, name)
    row = {
        "id": uuid.uuid4().hex,
        "workspace": experiment.workspace,
        "name": name,
        "description": description,
        "public": public,
        "user_name": experiment.user_name,
        "created_millis": transaction.now_millis,
        "updated_millis": transaction.now_millis,
    }
    connection.execute(insert(schema.registry_model).values(row))
    return require(connection, experiment.workspace, name)


def find(connection: Connection, workspace: str, name: str) -> Row[Any] | None:
    """The model's row; None when the workspace has none of this name."""
    model = schema.registry_model.c
    statement = select(schema.registry_model).where(model.workspace == workspace, model.name == name)
    return connection.execute(statement).one_or_none()


def require(connection: Connection, workspace: str, name: str) -> Row[Any]:
    """As `find`, but raises `UnknownModelError`."""
    row = find(connection, workspace, name)
    if row is None:
        raise UnknownModelError(f"{name!r} in workspace {workspace!r}")
    return row


def of_workspace(connection: Connection, workspace: str) -> Sequence[Row[Any]]:
    """The workspace's models by name."""
    model = schema.registry_model.c
    statement = select(schema.registry_model).where(model.workspace == workspace).order_by(model.name)
    return connection.execute(statement).all()


def change(transaction: Transaction, model_id: str, **columns: Any) -> None:
    """Sets columns of the model's row. Raises `UnknownModelError`, and `TakenError` for a name in use."""
    connection, model = transaction.connection, schema.registry_model
    row = connection.execute(select(model).where(model.c.id == model_id)).one_or_none()
    if row is None:
        raise UnknownModelError(f"with id {model_id!r}")
    if columns.get("name", row.name) != row.name:
        _refuse_taken(connection, row.workspace, columns["name"])
    values = {**columns, "updated_millis": transaction.now_millis}
    connection.execute(update(model).where(model.c.id == model_id).values(values))


def remove(transaction: Transaction, workspace: str, name: str) -> None:
    """Takes the model and its versions away; what experiments logged stays theirs. Raises `UnknownModelError`."""
    connection, item = transaction.connection, schema.registry_item.c
    row = require(connection, workspace, name)
    logged = connection.execute(
        select(item.experiment_key, item.experiment_model).where(item.model_id == row.id).distinct()
    ).all()
    connection.execute(delete(schema.registry_model).where(schema.registry_model.c.id == row.id))
    for experiment_key, model in logged:
        kept_assets.release(transaction, experiment_key, model)


def statuses(connection: Connection, workspace: str) -> list[str]:
    """The statuses that versions in the workspace have, in alphabetical order."""
    item, model = schema.registry_item, schema.registry_model
    used = select(item.c.status).join(model, model.c.id == item.c.model_id).where(model.c.workspace == workspace)
    return list(connection.scalars(used.distinct().order_by(item.c.status)))


def _refuse_taken(connection: Connection, workspace: str, name: str) -> None:
    if find(connection, workspace, name) is not None:
        raise TakenError(f"The registry of workspace {workspace!r} has a model {name!r} already.")
