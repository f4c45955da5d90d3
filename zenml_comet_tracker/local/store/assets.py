"""Assets: what is known of each file; the contents lie in `files`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, union
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.artifacts import CLOSED
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import ArtifactClosedError, UnknownArtifactVersionError, UnknownAssetError

MODEL_ELEMENT = "model-element"
GIT_PATCH = "git-patch"
_NAMING = (schema.asset.c.sha256, schema.kept_asset.c.sha256)


@dataclass(frozen=True)
class NewAsset:
    """One asset to be stored; `sha256` None means that it is remote and lies at `link`."""

    asset_id: str
    file_name: str
    type: str
    created_millis: int
    dir: str = "assets"
    extension: str = ""
    step: int | None = None
    epoch: float | None = None
    context: str = ""
    metadata: str | None = None
    grouping_name: str | None = None
    size: int = 0
    sha256: str | None = None
    link: str | None = None
    artifact_version_id: str | None = None


def add(transaction: Transaction, experiment_id: int, new: NewAsset, *, overwrite: bool) -> None:
    """Stores an asset; sent again with the same id it replaces itself, with `overwrite` all of its name and type, be it
    in the experiment or in the artifact version that it belongs to. Raises `UnknownArtifactVersionError`, and
    `ArtifactClosedError` unless it is in the closed version as it comes.

    Two experiments may each have an asset of one id: who uploads an archive again does so under the ids in it.
    """
    connection = transaction.connection
    asset, version = schema.asset.c, new.artifact_version_id
    if version is not None and not _has_version(connection, version):
        raise UnknownArtifactVersionError(version)
    replaced = and_(asset.experiment_id == experiment_id, asset.asset_id == new.asset_id)
    stored = connection.execute(select(schema.asset).where(replaced)).one_or_none()
    closed = _closed(connection, version) or _closed(connection, None if stored is None else stored.artifact_version_id)
    if closed is not None:
        told = ("artifact_version_id", "file_name", "sha256", "link")
        if stored is None or any(getattr(stored, name) != getattr(new, name) for name in told):
            raise ArtifactClosedError(closed)
        return
    if overwrite:
        same = (asset.experiment_id == experiment_id, asset.file_name == new.file_name, asset.type == new.type)
        others = and_(*same, asset.artifact_version_id.is_not_distinct_from(version), asset.asset_id != new.asset_id)
        replaced = or_(replaced, others)
        _release(transaction, replaced)
        connection.execute(delete(schema.asset).where(others))
    else:
        _release(transaction, replaced)
    row = {**asdict(new), "experiment_id": experiment_id, "remote": new.sha256 is None}
    statement = insert(schema.asset).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["experiment_id", "asset_id"], set_=row))


def of_experiment(
    connection: Connection, experiment_id: int, *, asset_type: str | None = None, file_name: str | None = None
) -> Sequence[Row[Any]]:
    """The experiment's assets in the order in which they came, of one type or name where given."""
    asset = schema.asset.c
    statement = select(schema.asset).where(asset.experiment_id == experiment_id)
    if asset_type is not None:
        statement = statement.where(asset.type == asset_type)
    if file_name is not None:
        statement = statement.where(asset.file_name == file_name)
    return connection.execute(statement.order_by(asset.created_millis, schema.asset.c.id)).all()


def require(
    connection: Connection, asset_id: str, experiment_key: str | None = None, artifact_version_id: str | None = None
) -> Row[Any]:
    """The asset's row with `experiment_key`: that of the artifact version or else of the experiment where one is named,
    else the newest of this id.

    Raises `UnknownAssetError`.
    """
    asset = schema.asset.c
    statement = (
        select(schema.asset, schema.experiment.c.key.label("experiment_key"))
        .join(schema.experiment, schema.experiment.c.id == asset.experiment_id)
        .where(asset.asset_id == asset_id)
        .order_by(asset.created_millis.desc(), asset.id.desc())
    )
    if artifact_version_id is not None:
        # Its files belong to the experiment that made it; who downloads them names itself.
        statement = statement.where(asset.artifact_version_id == artifact_version_id)
    elif experiment_key is not None:
        statement = statement.where(schema.experiment.c.key == experiment_key)
    row = connection.execute(statement).first() or _kept(connection, asset_id, experiment_key, artifact_version_id)
    if row is None:
        raise UnknownAssetError(asset_id)
    return row


def remove(transaction: Transaction, experiment_id: int, asset_id: str) -> None:
    """Takes an asset away. Raises `UnknownAssetError`, and `ArtifactClosedError` for one of a closed version."""
    connection, asset = transaction.connection, schema.asset.c
    of_it = and_(asset.experiment_id == experiment_id, asset.asset_id == asset_id)
    row = connection.execute(select(schema.asset).where(of_it)).one_or_none()
    if row is None:
        raise UnknownAssetError(asset_id)
    closed = _closed(connection, row.artifact_version_id)
    if closed is not None:
        raise ArtifactClosedError(closed)
    _release(transaction, of_it)
    connection.execute(delete(schema.asset).where(of_it))


def release_all(transaction: Transaction, experiment_id: int) -> None:
    """Says that none of the experiment's assets will name its content any more; for whoever deletes it."""
    _release(transaction, schema.asset.c.experiment_id == experiment_id)


def models(connection: Connection, experiment_id: int) -> list[str]:
    """Names of the experiment's models, in alphabetical order."""
    name = schema.asset.c.grouping_name
    statement = select(name).where(*_in_a_model(experiment_id), name.is_not(None)).distinct().order_by(name)
    return list(connection.scalars(statement))


def all_models(connection: Connection) -> Sequence[Row[Any]]:
    """`key` and `grouping_name` of every model that any experiment logged."""
    asset, experiment = schema.asset.c, schema.experiment.c
    statement = select(experiment.key, asset.grouping_name).join(schema.asset, asset.experiment_id == experiment.id)
    logged = (asset.type == MODEL_ELEMENT, asset.grouping_name.is_not(None))
    return connection.execute(statement.where(*logged).distinct()).all()


def of_model(connection: Connection, experiment_id: int, model: str) -> Sequence[Row[Any]]:
    """The assets that make up a model of the experiment, by file name."""
    asset = schema.asset.c
    statement = select(schema.asset).where(*_in_a_model(experiment_id), asset.grouping_name == model)
    return connection.execute(statement.order_by(asset.file_name, asset.created_millis, schema.asset.c.id)).all()


def contents(connection: Connection) -> set[str]:
    """The SHA-256 of every content that an asset names."""
    return set(connection.scalars(union(*(select(sha256).where(sha256.is_not(None)) for sha256 in _NAMING))))


def named(connection: Connection, contents: Collection[str]) -> set[str]:
    """Those of the contents that an asset names."""
    return set(connection.scalars(union(*(select(sha256).where(sha256.in_(contents)) for sha256 in _NAMING))))


def _release(transaction: Transaction, which: ColumnElement[bool]) -> None:
    """Notes the contents of assets that are about to go, or to have another."""
    sha256 = schema.asset.c.sha256
    found = transaction.connection.scalars(select(sha256).where(which, sha256.is_not(None)).distinct())
    transaction.released.update(found)


def _kept(
    connection: Connection, asset_id: str, experiment_key: str | None, artifact_version_id: str | None
) -> Row[Any] | None:
    """As `require`, among the files that outlived their experiment."""
    kept = schema.kept_asset.c
    statement = select(schema.kept_asset).where(kept.asset_id == asset_id).order_by(kept.created_millis.desc(), kept.id)
    if artifact_version_id is not None:
        statement = statement.where(kept.artifact_version_id == artifact_version_id)
    elif experiment_key is not None:
        statement = statement.where(kept.experiment_key == experiment_key)
    return connection.execute(statement).first()


def _has_version(connection: Connection, version_id: str) -> bool:
    version = schema.artifact_version.c.id
    return connection.scalar(select(version).where(version == version_id)) is not None


def _closed(connection: Connection, version_id: str | None) -> str | None:
    """The number of the artifact version when it is closed, else None."""
    version = schema.artifact_version.c
    if version_id is None:
        return None
    return connection.scalar(select(version.version).where(version.id == version_id, version.state == CLOSED))


def _in_a_model(experiment_id: int) -> tuple[Any, Any]:
    asset = schema.asset.c
    return asset.experiment_id == experiment_id, asset.type == MODEL_ELEMENT
