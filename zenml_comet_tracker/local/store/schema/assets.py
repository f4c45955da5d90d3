"""Files: what is known of each. The contents lie in `files`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from zenml_comet_tracker.local.store.schema.base import experiment_id, metadata

asset = Table(
    "asset",
    metadata,
    Column("id", Integer, primary_key=True),
    # Chosen by the client, who may upload the same archive into two experiments.
    Column("asset_id", Text, nullable=False, index=True),
    experiment_id(),
    Column("file_name", Text, nullable=False),
    Column("dir", Text, nullable=False, server_default=""),
    Column("extension", Text, nullable=False, server_default=""),
    Column("type", Text, nullable=False),
    Column("step", BigInteger),
    Column("epoch", Float),
    Column("context", Text, nullable=False, server_default=""),
    Column("metadata", Text),  # the JSON text as it was sent
    Column("grouping_name", Text),  # the model's name for assets of type model-element
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text),  # NULL for a remote asset
    Column("remote", Boolean, nullable=False, server_default="0"),
    Column("link", Text),  # where a remote asset lies; never opened by the server
    Column("artifact_version_id", Text, ForeignKey("artifact_version.id", ondelete="CASCADE"), index=True),
    Column("created_millis", BigInteger, nullable=False),
    UniqueConstraint("experiment_id", "asset_id"),
    Index("asset_of_experiment", "experiment_id", "type", "file_name"),
    Index("asset_by_content", "sha256"),
)

# Files that outlive the experiment that logged them: those of artifact versions and of registered models.
kept_asset = Table(
    "kept_asset",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("experiment_key", Text, nullable=False),
    # From here on as in `asset`.
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
    Index("kept_asset_of_model", "experiment_key", "grouping_name"),
)
