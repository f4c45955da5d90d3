"""Where experiments are, and what each is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from zenml_comet_tracker.local.store.schema.base import experiment_id, metadata

workspace = Table(
    "workspace",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created_millis", BigInteger, nullable=False),
)

project = Table(
    "project",
    metadata,
    Column("id", Text, primary_key=True),  # 32 hex digits
    Column("workspace", Text, ForeignKey("workspace.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("public", Boolean, nullable=False, server_default="0"),
    Column("owner", Text, nullable=False, server_default=""),
    Column("notes", Text, nullable=False, server_default=""),
    Column("created_millis", BigInteger, nullable=False),
    Column("updated_millis", BigInteger, nullable=False),
    Column("change_number", Integer, nullable=False, server_default="0", index=True),
    UniqueConstraint("workspace", "name"),
)

experiment = Table(
    "experiment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("project_id", Text, ForeignKey("project.id"), nullable=False),
    Column("name", Text),
    Column("user_name", Text, nullable=False, server_default=""),
    Column("file_path", Text),
    Column("created_millis", BigInteger, nullable=False),
    Column("start_millis", BigInteger, nullable=False),
    Column("end_millis", BigInteger),
    Column("archived", Boolean, nullable=False, server_default="0"),
    # What was reported. "Lost" is derived on reading, from `running` and `last_beat_millis`: see `status`.
    Column("running", Boolean, nullable=False),
    Column("crashed", Boolean, nullable=False, server_default="0"),
    Column("error", Text),
    # "stopped" when somebody ended it, "retrying" when only an attempt ended and another follows.
    Column("ended_as", Text),
    Column("status_attempt", Integer, nullable=False, server_default="0"),
    Column("status_millis", BigInteger, nullable=False),
    Column("last_beat_millis", BigInteger, nullable=False),
    # When somebody who names attempts was last heard, and when a guest last joined what was there. 0 = never.
    Column("owner_millis", BigInteger, nullable=False, server_default="0"),
    Column("joined_millis", BigInteger, nullable=False, server_default="0"),
    Column("updated_millis", BigInteger, nullable=False),
    Column("change_number", Integer, nullable=False, server_default="0", index=True),
    Index("experiment_of_project", "project_id", "archived", "start_millis"),
)

# A secret that lets a project be seen by whoever knows it, on Comet; here it is kept and given back.
share_link = Table(
    "share_link",
    metadata,
    Column("code", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_millis", BigInteger, nullable=False),
)

tag = Table(
    "tag",
    metadata,
    Column("id", Integer, primary_key=True),  # tags keep the order in which they were added
    experiment_id(),
    Column("name", Text, nullable=False),
    UniqueConstraint("experiment_id", "name"),
    Index("tag_by_name", "name", "experiment_id"),
)

# Projects besides its own in which an experiment is listed.
symlink = Table(
    "symlink",
    metadata,
    experiment_id(primary_key=True),
    Column("project_id", Text, ForeignKey("project.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("created_millis", BigInteger, nullable=False),
)
