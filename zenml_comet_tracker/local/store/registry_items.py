"""Versions of registered models: made of models that experiments logged, found, changed, taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from zenml_comet_tracker.local.store import assets, experiments, kept_assets, registry, schema, versions
from zenml_comet_tracker.local.store import registry_history as history
from zenml_comet_tracker.local.store.artifacts import written
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import TakenError, UnknownModelError

NO_STATUS = "None"


@dataclass(frozen=True)
class NewItem:
    """What a version starts with; `version` None = the next one."""

    id: str
    model: str
    version: str | None
    comment: str
    tags: list[str]
    status: str


def make(transaction: Transaction, experiment: Row[Any], registered: Row[Any], new: NewItem) -> Row[Any]:
    """The row of a new version of the model `registered`: the files of the experiment's model `new.model`.

    What was asked before and not answered gets the version made then. Raises `BadVersionError`, `TakenError`,
    `UnknownModelError`.
    """
    connection = transaction.connection
    made = _made_before(connection, experiment, registered, new)
    if made is not None:
        return made
    if not assets.of_model(connection, experiment.id, new.model):
        raise UnknownModelError(f"{new.model!r} to register: experiment {experiment.key} logged none of this name")
    highest = versions.highest(connection, schema.registry_item, schema.registry_item.c.model_id == registered.id)
    number = versions.parse(new.version) if new.version else versions.after(highest.version if highest else None)
    row = {
        **versions.columns(number),
        "id": new.id,
        "model_id": registered.id,
        "experiment_key": experiment.key,
        "experiment_model": new.model,
        "comment": new.comment,
        "status": new.status,
        "tags": written(new.tags),
        "user_name": experiment.user_name,
        "created_millis": transaction.now_millis,
        "updated_millis": transaction.now_millis,
    }
    connection.execute(insert(schema.registry_item).values(row))
    item = require(connection, new.id)
    history.record(transaction, item, history.CREATED, {}, {})
    registry.change(transaction, registered.id)
    return item


def require(connection: Connection, item_id: str) -> Row[Any]:
    """The version's row, with `model_name` and `workspace`. Raises `UnknownModelError`."""
    row = connection.execute(_select().where(schema.registry_item.c.id == item_id)).one_or_none()
    if row is None:
        raise UnknownModelError(f"version with id {item_id!r}")
    return row


def of_model(connection: Connection, model_id: str) -> list[Row[Any]]:
    """Rows as those of `require`, the newest version first."""
    return versions.newest_first(connection.execute(_select().where(schema.registry_item.c.model_id == model_id)))


def tags(row: Row[Any]) -> list[str]:
    """The tags of a version, which Comet called stages before."""
    return list(orjson.loads(row.tags))


def metadata(row: Row[Any]) -> list[dict[str, Any]]:
    """The metadata of a version: `{"key", "value"}` each."""
    return list(orjson.loads(row.metadata))


def files(connection: Connection, row: Row[Any]) -> list[Row[Any]]:
    """The rows of the version's files by name, of each name the newest; also if its experiment was deleted."""
    experiment = experiments.find(connection, row.experiment_key)
    live = assets.of_model(connection, experiment.id, row.experiment_model) if experiment is not None else []
    kept = kept_assets.of_model(connection, row.experiment_key, row.experiment_model)
    found = sorted([*kept, *live], key=lambda file: (file.file_name, file.created_millis))
    return list({file.file_name: file for file in found}.values())


def set_status(transaction: Transaction, item_id: str, status: str, comment: str | None = None) -> None:
    """Gives the version a status."""
    row = require(transaction.connection, item_id)
    if status != row.status:
        old, new = ({"registryModelStatus": value, "changedBy": row.user_name} for value in (row.status, status))
        _change(transaction, row, status=status)
        history.record(transaction, row, history.STATUS_CHANGED, old, new, comment)


def add_tag(transaction: Transaction, item_id: str, tag: str) -> None:
    """Gives the version one more tag."""
    set_tags(transaction, item_id, [*tags(require(transaction.connection, item_id)), tag])


def delete_tag(transaction: Transaction, item_id: str, tag: str) -> None:
    """Takes a tag from the version, if it has it."""
    left = [name for name in tags(require(transaction.connection, item_id)) if name != tag]
    set_tags(transaction, item_id, left)


def set_tags(transaction: Transaction, item_id: str, names: list[str]) -> None:
    """Gives the version these tags in place of its own."""
    row = require(transaction.connection, item_id)
    before = tags(row)
    for tag in dict.fromkeys(names):
        if tag not in before:
            history.record(transaction, row, history.TAG_ADDED, {}, {"tag": tag})
    for tag in before:
        if tag not in names:
            history.record(transaction, row, history.TAG_DELETED, {"tag": tag}, {})
    _change(transaction, row, tags=written(names))


def set_comment(transaction: Transaction, item_id: str, comment: str) -> None:
    """Gives the version a comment."""
    row = require(transaction.connection, item_id)
    if comment != row.comment:
        history.record(transaction, row, history.COMMENT_CHANGED, {"comment": row.comment}, {"comment": comment})
    _change(transaction, row, comment=comment)


def add_metadata(transaction: Transaction, item_id: str, entries: list[dict[str, Any]]) -> None:
    """Sets entries of the version's metadata; those of other keys stay."""
    row = require(transaction.connection, item_id)
    before = metadata(row)
    merged = {entry["key"]: entry for entry in [*before, *entries]}
    after = list(merged.values())
    history.record(transaction, row, history.METADATA_CHANGED, {"metadata": before}, {"metadata": after})
    _change(transaction, row, metadata=orjson.dumps(after).decode())


def configure_status(transaction: Transaction, item_id: str, configuration: dict[str, Any]) -> None:
    """Gives the version the status of the configuration, and keeps what comes with it."""
    row = require(transaction.connection, item_id)
    _change(transaction, row, status_configuration=orjson.dumps(configuration).decode())
    set_status(transaction, item_id, configuration["status"], configuration.get("comment"))


def remove(transaction: Transaction, item_id: str) -> None:
    """Takes the version away; what the experiment logged stays the experiment's."""
    connection = transaction.connection
    row = require(connection, item_id)
    connection.execute(delete(schema.registry_item).where(schema.registry_item.c.id == item_id))
    kept_assets.release(transaction, row.experiment_key, row.experiment_model)
    registry.change(transaction, row.model_id)


def _made_before(connection: Connection, experiment: Row[Any], registered: Row[Any], new: NewItem) -> Row[Any] | None:
    item = schema.registry_item.c
    same_id = connection.execute(_select().where(item.id == new.id)).one_or_none()
    if same_id is not None or new.version is None:
        return same_id
    found = connection.execute(
        _select().where(item.model_id == registered.id, item.version == new.version)
    ).one_or_none()
    if found is None:
        return None
    wanted = (experiment.key, new.model, new.comment, new.status, written(new.tags))
    if (found.experiment_key, found.experiment_model, found.comment, found.status, found.tags) == wanted:
        return found
    raise TakenError(f"Model {registered.name!r} has a version {new.version} already; register it as another version.")


def _change(transaction: Transaction, row: Row[Any], **columns: Any) -> None:
    values = {**columns, "updated_millis": transaction.now_millis}
    transaction.connection.execute(
        update(schema.registry_item).where(schema.registry_item.c.id == row.id).values(values)
    )
    registry.change(transaction, row.model_id)


def _select() -> Select[Any]:
    item, model = schema.registry_item, schema.registry_model
    return select(item, model.c.name.label("model_name"), model.c.workspace).join(model, model.c.id == item.c.model_id)
