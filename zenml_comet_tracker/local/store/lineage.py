"""Which experiments made and which read a version of an artifact."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import artifact_versions, schema
from zenml_comet_tracker.local.store.database import Transaction


def record_use(transaction: Transaction, experiment_id: int, version_id: str) -> None:
    """Remembers that the experiment read the version; the first time counts."""
    row = {"experiment_id": experiment_id, "version_id": version_id, "first_millis": transaction.now_millis}
    done = transaction.connection.execute(insert(schema.artifact_use).values(row).on_conflict_do_nothing())
    if done.rowcount:
        transaction.touch(experiment_id)


def inputs(connection: Connection, experiment_id: int) -> list[Row[Any]]:
    """The versions that the experiment read, in the order in which it first did, as `artifact_versions.require`."""
    use = schema.artifact_use.c
    read = select(use.version_id).where(use.experiment_id == experiment_id).order_by(use.first_millis, use.version_id)
    return [artifact_versions.require(connection, version_id) for version_id in connection.scalars(read)]


def outputs(connection: Connection, experiment_key: str) -> list[Row[Any]]:
    """The versions that the experiment made, in the order in which it did, as `artifact_versions.require`."""
    version = schema.artifact_version.c
    made = (
        select(version.id).where(version.experiment_key == experiment_key).order_by(version.created_millis, version.id)
    )
    return [artifact_versions.require(connection, version_id) for version_id in connection.scalars(made)]
