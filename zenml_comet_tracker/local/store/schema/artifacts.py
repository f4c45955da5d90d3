"""Artifacts: named, versioned sets of assets."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from zenml_comet_tracker.local.store.schema.base import experiment_id, metadata

artifact = Table(
    "artifact",
    metadata,
    Column("id", Text, primary_key=True),  # 32 hex digits
    Column("workspace", Text, ForeignKey("workspace.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("public", Boolean, nullable=False, server_default="0"),
    Column("project_id", Text, ForeignKey("project.id", ondelete="SET NULL")),
    Column("tags", Text, nullable=False, server_default="[]"),  # a JSON list
    Column("created_millis", BigInteger, nullable=False),
    UniqueConstraint("workspace", "name"),
)

artifact_version = Table(
    "artifact_version",
    metadata,
    Column("id", Text, primary_key=True),  # 32 hex digits
    Column("artifact_id", Text, ForeignKey("artifact.id", ondelete="CASCADE"), nullable=False),
    Column("version", Text, nullable=False),  # as it is spelled
    # The version's place among the others.
    Column("major", Integer, nullable=False),
    Column("minor", Integer, nullable=False),
    Column("patch", Integer, nullable=False),
    Column("state", Text, nullable=False),  # OPEN until all of its files are there, then CLOSED or ERROR
    Column("metadata", Text),  # the JSON text as it was sent
    Column("tags", Text, nullable=False, server_default="[]"),  # a JSON list
    # Who made it. The key stays when the experiment goes.
    Column("experiment_key", Text, nullable=False, index=True),
    Column("owner", Text, nullable=False, server_default=""),
    Column("created_millis", BigInteger, nullable=False),
    UniqueConstraint("artifact_id", "version"),
)

# A name that points at one version of its artifact, and moves.
artifact_alias = Table(
    "artifact_alias",
    metadata,
    Column("artifact_id", Text, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version_id", Text, ForeignKey("artifact_version.id", ondelete="CASCADE"), nullable=False, index=True),
)

# Which experiments read which versions.
artifact_use = Table(
    "artifact_use",
    metadata,
    experiment_id(primary_key=True),
    Column("version_id", Text, ForeignKey("artifact_version.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("first_millis", BigInteger, nullable=False),
)
