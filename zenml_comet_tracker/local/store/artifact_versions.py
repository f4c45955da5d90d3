"""Versions of artifacts: made, found by number or alias, labelled, closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert_into

from zenml_comet_tracker.local.store import artifacts, kept_assets, schema, versions
from zenml_comet_tracker.local.store.artifacts import CLOSED, ERROR, OPEN, written
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import (
    ArtifactClosedError,
    ArtifactFailedError,
    ArtifactOpenError,
    UnknownArtifactError,
    VersionTakenError,
)

# What stands for the highest closed version where no alias is called so.
LATEST = "latest"


@dataclass(frozen=True)
class NewVersion:
    """What a version starts with; `version` None = the next one."""

    id: str
    name: str
    type: str
    version: str | None
    aliases: list[str]
    tags: list[str]
    metadata: str | None


def make(transaction: Transaction, experiment: Row[Any], new: NewVersion) -> Row[Any]:
    """The row of a new, open version of the artifact `new.name`, which is made when missing.

    What was asked before and not answered gets the version made then: that of the same id, or the same version by the
    same experiment while it has no files. Raises `BadVersionError`, `VersionTakenError`.
    """
    connection = transaction.connection
    artifact_id = artifacts.ensure(transaction, experiment, new.name, new.type)
    made = _made_before(connection, artifact_id, experiment.key, new)
    if made is None:
        _insert(transaction, artifact_id, experiment, new)
        _point(connection, artifact_id, new.id, new.aliases)
    return require(connection, new.id if made is None else made.id)


def previous(connection: Connection, row: Row[Any]) -> str | None:
    """The highest version that the artifact had when this one was made; None when this is the first."""
    version = schema.artifact_version.c
    found = versions.highest(
        connection,
        schema.artifact_version,
        version.artifact_id == row.artifact_id,
        version.id != row.id,
        version.created_millis <= row.created_millis,
    )
    return None if found is None else str(found.version)


def require(connection: Connection, version_id: str) -> Row[Any]:
    """The version's row, with `artifact_name`, `artifact_type`, `artifact_tags`, `workspace` and `size` in bytes.

    Raises `UnknownArtifactError`.
    """
    row = connection.execute(_select().where(schema.artifact_version.c.id == version_id)).one_or_none()
    if row is None:
        raise UnknownArtifactError(f"version with id {version_id!r}")
    return row


def of_artifact(connection: Connection, artifact_id: str) -> list[Row[Any]]:
    """Rows as those of `require`, the lowest version first."""
    rows = connection.execute(_select().where(schema.artifact_version.c.artifact_id == artifact_id))
    return versions.newest_first(rows)[::-1]


def numbered(connection: Connection, artifact: Row[Any], version: str) -> Row[Any]:
    """The artifact's version of this number, whatever its state. Raises `UnknownArtifactError`."""
    row = _named(connection, artifact.id, version)
    if row is None:
        raise UnknownArtifactError(f"'{artifact.workspace}/{artifact.name}:{version}'")
    return row


def final(
    connection: Connection,
    artifact: Row[Any],
    *,
    version: str | None = None,
    alias: str | None = None,
    either: str | None = None,
) -> Row[Any]:
    """The closed version that is called so; `either` a version or an alias; without a name the highest.

    Raises `UnknownArtifactError`, and `ArtifactOpenError` or `ArtifactFailedError` when it is not closed.
    """
    number = version or either
    row = _named(connection, artifact.id, number) if number else None
    if row is None and not version:
        row = _called(connection, artifact.id, alias or either or LATEST)
    called = f"'{artifact.workspace}/{artifact.name}:{version or alias or either or LATEST}'"
    if row is None:
        raise UnknownArtifactError(called)
    if row.state == OPEN:
        raise ArtifactOpenError(called)
    if row.state == ERROR:
        raise ArtifactFailedError(called)
    return require(connection, row.id)


def latest(connection: Connection, artifact_id: str) -> Row[Any] | None:
    """The highest closed version; None when none is closed."""
    version = schema.artifact_version.c
    of_it = (version.artifact_id == artifact_id, version.state == CLOSED)
    return versions.highest(connection, schema.artifact_version, *of_it)


def aliases(connection: Connection, version_id: str) -> list[str]:
    """The aliases that point at the version, in alphabetical order."""
    alias = schema.artifact_alias.c
    return list(connection.scalars(select(alias.name).where(alias.version_id == version_id).order_by(alias.name)))


def label(
    connection: Connection,
    version_id: str,
    *,
    aliases: list[str] | None = None,
    tags: list[str] | None = None,
    metadata: str | None = None,
) -> None:
    """Gives the version these aliases, tags and metadata in place of its own; None leaves what it has."""
    row = require(connection, version_id)
    values = {"tags": written(tags), "metadata": metadata}
    given = {name: value for name, value in values.items() if value is not None}
    if given:
        _change(connection, version_id, **given)
    if aliases is not None:
        alias = schema.artifact_alias.c
        connection.execute(
            delete(schema.artifact_alias).where(alias.version_id == version_id, alias.name.not_in(aliases))
        )
        _point(connection, row.artifact_id, version_id, aliases)


def set_state(connection: Connection, version_id: str, state: str) -> None:
    """Says that all files of the version are there (CLOSED) or will not come (ERROR). Raises `ArtifactClosedError`."""
    row = require(connection, version_id)
    if row.state == CLOSED != state:
        raise ArtifactClosedError(row.version)
    _change(connection, version_id, state=state)


def files(connection: Connection, version_id: str) -> list[Row[Any]]:
    """The rows of the version's files in the order in which they came, also of an experiment that was deleted."""
    asset = schema.asset.c
    live = select(schema.asset).where(asset.artifact_version_id == version_id).order_by(asset.created_millis, asset.id)
    found = [*kept_assets.of_version(connection, version_id), *connection.execute(live)]
    return sorted(found, key=lambda row: row.created_millis)


def _made_before(connection: Connection, artifact_id: str, experiment_key: str, new: NewVersion) -> Row[Any] | None:
    version = schema.artifact_version.c
    same_id = connection.execute(select(schema.artifact_version).where(version.id == new.id)).one_or_none()
    if same_id is not None or new.version is None:
        return same_id
    found = _named(connection, artifact_id, new.version)
    if found is None:
        return None
    wanted = (experiment_key, OPEN, written(new.tags), new.metadata)
    if (found.experiment_key, found.state, found.tags, found.metadata) == wanted and not files(connection, found.id):
        return found
    raise VersionTakenError(f"Artifact {new.name!r} has a version {new.version} already; log it as another version.")


def _insert(transaction: Transaction, artifact_id: str, experiment: Row[Any], new: NewVersion) -> None:
    highest = versions.highest(
        transaction.connection, schema.artifact_version, schema.artifact_version.c.artifact_id == artifact_id
    )
    number = versions.parse(new.version) if new.version else versions.after(highest.version if highest else None)
    row = {
        **versions.columns(number),
        "id": new.id,
        "artifact_id": artifact_id,
        "state": OPEN,
        "metadata": new.metadata,
        "tags": written(new.tags),
        "experiment_key": experiment.key,
        "owner": experiment.user_name,
        "created_millis": transaction.now_millis,
    }
    transaction.connection.execute(insert(schema.artifact_version).values(row))


def _change(connection: Connection, version_id: str, **columns: Any) -> None:
    connection.execute(
        update(schema.artifact_version).where(schema.artifact_version.c.id == version_id).values(columns)
    )


def _point(connection: Connection, artifact_id: str, version_id: str, names: Sequence[str]) -> None:
    """Leads the aliases to the version, whichever version of the artifact they led to."""
    if names:
        rows = [{"artifact_id": artifact_id, "name": name, "version_id": version_id} for name in dict.fromkeys(names)]
        statement = upsert_into(schema.artifact_alias).values(rows)
        moved = {"version_id": statement.excluded.version_id}
        connection.execute(statement.on_conflict_do_update(index_elements=["artifact_id", "name"], set_=moved))


def _named(connection: Connection, artifact_id: str, version: str) -> Row[Any] | None:
    column = schema.artifact_version.c
    statement = select(schema.artifact_version).where(column.artifact_id == artifact_id, column.version == version)
    return connection.execute(statement).one_or_none()


def _called(connection: Connection, artifact_id: str, alias: str) -> Row[Any] | None:
    column, version = schema.artifact_alias.c, schema.artifact_version
    statement = select(version).join(schema.artifact_alias, column.version_id == version.c.id)
    found = connection.execute(statement.where(column.artifact_id == artifact_id, column.name == alias)).one_or_none()
    if found is not None or alias.lower() != LATEST:
        return found
    # While no version is closed the highest says why.
    return latest(connection, artifact_id) or versions.highest(
        connection, version, version.c.artifact_id == artifact_id
    )


def _select() -> Select[Any]:
    artifact, version = schema.artifact, schema.artifact_version
    sizes = [
        select(func.coalesce(func.sum(table.c.size), 0))
        .where(table.c.artifact_version_id == version.c.id)
        .scalar_subquery()
        for table in (schema.asset, schema.kept_asset)
    ]
    return select(
        version,
        artifact.c.name.label("artifact_name"),
        artifact.c.type.label("artifact_type"),
        artifact.c.tags.label("artifact_tags"),
        artifact.c.workspace,
        (sizes[0] + sizes[1]).label("size"),
    ).join(artifact, artifact.c.id == version.c.artifact_id)
