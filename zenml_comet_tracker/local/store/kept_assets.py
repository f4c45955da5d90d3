"""Files that outlive the experiment that logged them: those of artifact versions and of registered models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, literal, or_, select

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.assets import MODEL_ELEMENT
from zenml_comet_tracker.local.store.database import Transaction

_COPIED = [column.name for column in schema.kept_asset.columns if column.name not in ("id", "experiment_key")]


def keep(connection: Connection, experiment: Row[Any]) -> None:
    """Copies what outlives the experiment; for whoever deletes it, just before."""
    asset, item = schema.asset.c, schema.registry_item.c
    registered = select(item.experiment_model).where(item.experiment_key == experiment.key)
    rows = select(literal(experiment.key), *(asset[name] for name in _COPIED)).where(
        asset.experiment_id == experiment.id,
        or_(
            asset.artifact_version_id.is_not(None),
            and_(asset.type == MODEL_ELEMENT, asset.grouping_name.in_(registered)),
        ),
    )
    # In the order of their ids: it tells which of two files of one name and moment is the later.
    ordered = rows.order_by(asset.id)
    connection.execute(insert(schema.kept_asset).from_select(["experiment_key", *_COPIED], ordered))


def of_version(connection: Connection, version_id: str) -> Sequence[Row[Any]]:
    """The kept files of an artifact version, in the order in which they came."""
    kept = schema.kept_asset.c
    statement = select(schema.kept_asset).where(kept.artifact_version_id == version_id)
    return connection.execute(statement.order_by(kept.created_millis, kept.id)).all()


def of_model(connection: Connection, experiment_key: str, model: str) -> Sequence[Row[Any]]:
    """The kept files of a model that an experiment logged, in the order in which they came."""
    kept = schema.kept_asset.c
    of_it = (kept.experiment_key == experiment_key, kept.grouping_name == model, kept.type == MODEL_ELEMENT)
    statement = select(schema.kept_asset).where(*of_it)
    return connection.execute(statement.order_by(kept.created_millis, kept.id)).all()


def release(transaction: Transaction, experiment_key: str, model: str) -> None:
    """Lets go of the files of a model, unless a version in the registry or an artifact still needs them."""
    kept, item = schema.kept_asset.c, schema.registry_item.c
    needed = select(item.id).where(item.experiment_key == experiment_key, item.experiment_model == model)
    unneeded = and_(
        kept.experiment_key == experiment_key,
        kept.grouping_name == model,
        kept.artifact_version_id.is_(None),
        ~needed.exists(),
    )
    contents = select(kept.sha256).where(unneeded, kept.sha256.is_not(None))
    transaction.released.update(transaction.connection.scalars(contents))
    transaction.connection.execute(delete(schema.kept_asset).where(unneeded))
