"""The model registry: named models with versions, each of them the files of a model that an experiment logged."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from zenml_comet_tracker.local.store.schema.base import metadata

registry_model = Table(
    "registry_model",
    metadata,
    Column("id", Text, primary_key=True),  # 32 hex digits
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

registry_item = Table(
    "registry_item",
    metadata,
    Column("id", Text, primary_key=True),  # 32 hex digits
    Column("model_id", Text, ForeignKey("registry_model.id", ondelete="CASCADE"), nullable=False),
    Column("version", Text, nullable=False),  # as it is spelled
    # The version's place among the others.
    Column("major", Integer, nullable=False),
    Column("minor", Integer, nullable=False),
    Column("patch", Integer, nullable=False),
    # The model that an experiment logged. The names stay when the experiment goes.
    Column("experiment_key", Text, nullable=False, index=True),
    Column("experiment_model", Text, nullable=False),
    Column("comment", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False, server_default=""),
    Column("tags", Text, nullable=False, server_default="[]"),  # a JSON list
    Column("metadata", Text, nullable=False, server_default="[]"),  # a JSON list of {key, value}
    Column("status_configuration", Text),  # a JSON object
    Column("user_name", Text, nullable=False, server_default=""),
    Column("created_millis", BigInteger, nullable=False),
    Column("updated_millis", BigInteger, nullable=False),
    UniqueConstraint("model_id", "version"),
)

# What was done to a version, one row a change.
registry_history = Table(
    "registry_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Text, ForeignKey("registry_item.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("comment", Text),
    Column("old_value", Text),
    Column("new_value", Text),
    Column("user_name", Text, nullable=False, server_default=""),
    Column("millis", BigInteger, nullable=False),
)
