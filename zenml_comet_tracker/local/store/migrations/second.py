"""From the first schema to the second: the tables of the whole wire, asset ids unique per experiment, rollups, search.

The tables stand here as they were when this step was made; later steps change them further.
"""

from __future__ import annotations

import orjson
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
)

from zenml_comet_tracker.local.store import details


def apply(connection: Connection) -> None:
    """Changes the database; the caller's transaction holds it all."""
    change = Operations(MigrationContext.configure(connection))
    _add_rollups(change)
    _add_access(change)
    _add_experiment_links(change)
    _add_artifacts(change)
    _add_registry(change)
    _make_asset_ids_local(change, connection)
    _add_kept_assets(change)
    _make_searchable(change, connection)


def _add_rollups(change: Operations) -> None:
    change.create_table(
        "rollup",
        Column("chunk_id", Integer, ForeignKey("chunk.id", ondelete="CASCADE"), primary_key=True),
        Column("groups", LargeBinary, nullable=False),
    )


def _add_access(change: Operations) -> None:
    change.create_table(
        "api_key",
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("hash", Text, nullable=False, unique=True),
        Column("created_millis", BigInteger, nullable=False),
        Column("used_millis", BigInteger),
        Column("revoked_millis", BigInteger),
    )


def _add_experiment_links(change: Operations) -> None:
    change.create_table(
        "share_link",
        Column("code", Text, primary_key=True),
        Column("project_id", Text, ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("created_millis", BigInteger, nullable=False),
    )
    change.create_table(
        "symlink",
        Column(
            "experiment_id", Integer, ForeignKey("experiment.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        Column("project_id", Text, ForeignKey("project.id", ondelete="CASCADE"), primary_key=True, index=True),
        Column("created_millis", BigInteger, nullable=False),
    )


def _add_artifacts(change: Operations) -> None:
    change.create_table(
        "artifact",
        Column("id", Text, primary_key=True),
        Column("workspace", Text, ForeignKey("workspace.name"), nullable=False),
        Column("name", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("description", Text, nullable=False, server_default=""),
        Column("public", Boolean, nullable=False, server_default="0"),
        Column("project_id", Text, ForeignKey("project.id", ondelete="SET NULL")),
        Column("tags", Text, nullable=False, server_default="[]"),
        Column("created_millis", BigInteger, nullable=False),
        UniqueConstraint("workspace", "name"),
    )
    change.create_table(
        "artifact_version",
        Column("id", Text, primary_key=True),
        Column("artifact_id", Text, ForeignKey("artifact.id", ondelete="CASCADE"), nullable=False),
        Column("version", Text, nullable=False),
        Column("major", Integer, nullable=False),
        Column("minor", Integer, nullable=False),
        Column("patch", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("metadata", Text),
        Column("tags", Text, nullable=False, server_default="[]"),
        Column("experiment_key", Text, nullable=False, index=True),
        Column("owner", Text, nullable=False, server_default=""),
        Column("created_millis", BigInteger, nullable=False),
        UniqueConstraint("artifact_id", "version"),
    )
    version = ForeignKey("artifact_version.id", ondelete="CASCADE")
    change.create_table(
        "artifact_alias",
        Column("artifact_id", Text, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True),
        Column("name", Text, primary_key=True),
        Column("version_id", Text, version, nullable=False, index=True),
    )
    change.create_table(
        "artifact_use",
        Column(
            "experiment_id", Integer, ForeignKey("experiment.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        Column("version_id", Text, ForeignKey("artifact_version.id", ondelete="CASCADE"), primary_key=True, index=True),
        Column("first_millis", BigInteger, nullable=False),
    )


def _add_registry(change: Operations) -> None:
    change.create_table(
        "registry_model",
        Column("id", Text, primary_key=True),
        Column("workspace", Text, ForeignKey("workspace.name"), nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False, server_default=""),
        Column("notes", Text, nullable=False, server_default=""),
        Column("public", Boolean, nullable=False, server_default="0"),
        Column("user_name", Text, nullable=False, server_default=""),
        Column("created_millis", BigInteger, nullable=False),
        Column("updated_millis", BigInteger, nullable=False),
        UniqueConstraint("workspace", "name"),
    )
    change.create_table(
        "registry_item",
        Column("id", Text, primary_key=True),
        Column("model_id", Text, ForeignKey("registry_model.id", ondelete="CASCADE"), nullable=False),
        Column("version", Text, nullable=False),
        Column("major", Integer, nullable=False),
        Column("minor", Integer, nullable=False),
        Column("patch", Integer, nullable=False),
        Column("experiment_key", Text, nullable=False, index=True),
        Column("experiment_model", Text, nullable=False),
        Column("comment", Text, nullable=False, server_default=""),
        Column("status", Text, nullable=False, server_default=""),
        Column("tags", Text, nullable=False, server_default="[]"),
        Column("metadata", Text, nullable=False, server_default="[]"),
        Column("status_configuration", Text),
        Column("user_name", Text, nullable=False, server_default=""),
        Column("created_millis", BigInteger, nullable=False),
        Column("updated_millis", BigInteger, nullable=False),
        UniqueConstraint("model_id", "version"),
    )
    change.create_table(
        "registry_history",
        Column("id", Integer, primary_key=True),
        Column("item_id", Text, ForeignKey("registry_item.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("action", Text, nullable=False),
        Column("comment", Text),
        Column("old_value", Text),
        Column("new_value", Text),
        Column("user_name", Text, nullable=False, server_default=""),
        Column("millis", BigInteger, nullable=False),
    )


def _make_asset_ids_local(change: Operations, connection: Connection) -> None:
    """Builds the table anew: its primary key cannot be changed in place."""
    old = Table("asset", MetaData(), autoload_with=connection)
    new = change.create_table(
        "asset_new",
        Column("id", Integer, primary_key=True),
        Column("asset_id", Text, nullable=False),
        Column("experiment_id", Integer, ForeignKey("experiment.id", ondelete="CASCADE"), nullable=False),
        Column("file_name", Text, nullable=False),
        Column("dir", Text, nullable=False, server_default=""),
        Column("extension", Text, nullable=False, server_default=""),
        Column("type", Text, nullable=False),
        Column("step", BigInteger),
        Column("epoch", Float),
        Column("context", Text, nullable=False, server_default=""),
        Column("metadata", Text),
        Column("grouping_name", Text),
        Column("size", BigInteger, nullable=False),
        Column("sha256", Text),
        Column("remote", Boolean, nullable=False, server_default="0"),
        Column("link", Text),
        Column("artifact_version_id", Text, ForeignKey("artifact_version.id", ondelete="CASCADE")),
        Column("created_millis", BigInteger, nullable=False),
        UniqueConstraint("experiment_id", "asset_id"),
    )
    kept = [column.name for column in old.columns]
    rows = select(*(old.c[name] for name in kept)).order_by(old.c.created_millis, old.c.asset_id)
    connection.execute(insert(new).from_select(kept, rows))
    change.drop_table("asset")
    change.rename_table("asset_new", "asset")
    change.create_index("asset_of_experiment", "asset", ["experiment_id", "type", "file_name"])
    change.create_index("asset_by_content", "asset", ["sha256"])
    change.create_index("ix_asset_asset_id", "asset", ["asset_id"])
    change.create_index("ix_asset_artifact_version_id", "asset", ["artifact_version_id"])


def _add_kept_assets(change: Operations) -> None:
    change.create_table(
        "kept_asset",
        Column("id", Integer, primary_key=True),
        Column("experiment_key", Text, nullable=False),
        Column("asset_id", Text, nullable=False, index=True),
        Column("file_name", Text, nullable=False),
        Column("dir", Text, nullable=False, server_default=""),
        Column("extension", Text, nullable=False, server_default=""),
        Column("type", Text, nullable=False),
        Column("step", BigInteger),
        Column("epoch", Float),
        Column("context", Text, nullable=False, server_default=""),
        Column("metadata", Text),
        Column("grouping_name", Text),
        Column("size", BigInteger, nullable=False),
        Column("sha256", Text),
        Column("remote", Boolean, nullable=False, server_default="0"),
        Column("link", Text),
        Column("artifact_version_id", Text, ForeignKey("artifact_version.id", ondelete="CASCADE"), index=True),
        Column("created_millis", BigInteger, nullable=False),
    )
    change.create_index("kept_asset_of_model", "kept_asset", ["experiment_key", "grouping_name"])


def _make_searchable(change: Operations, connection: Connection) -> None:
    """Indexes names, and takes what can be searched for out of the system details, which are JSON."""
    change.create_index("other_by_value", "other", ["name", "number", "experiment_id"])
    change.create_index("tag_by_name", "tag", ["name", "experiment_id"])
    change.create_table(
        "detail",
        Column("id", Integer, primary_key=True),
        Column("experiment_id", Integer, ForeignKey("experiment.id", ondelete="CASCADE"), nullable=False),
        Column("name", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("number", Float),
        UniqueConstraint("experiment_id", "name"),
    )
    change.create_index("detail_by_value", "detail", ["name", "number", "experiment_id"])
    document = Table("document", MetaData(), autoload_with=connection).c
    system = select(document.experiment_id, document.text).where(document.kind == "system")
    for row in connection.execute(system).all():
        details.put(connection, row.experiment_id, orjson.loads(row.text))
