"""The tables of the local Comet.

Conventions: times are milliseconds since the epoch and end in `_millis`; a metric value column is NULL for NaN (SQLite
has no NaN; the packed arrays of `chunk` keep it); an absent context is the empty string.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# Ordered changes of this schema that the database has been through; see `migrations`.
migration = Table(
    "migration",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("applied_millis", BigInteger, nullable=False),
)

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# One row. Grows with every commit; experiments and projects carry the number of the last commit that touched them.
change = Table("change", metadata, Column("id", Integer, primary_key=True), Column("number", Integer, nullable=False))

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
    Column("status_attempt", Integer, nullable=False, server_default="0"),
    Column("status_millis", BigInteger, nullable=False),
    Column("last_beat_millis", BigInteger, nullable=False),
    Column("updated_millis", BigInteger, nullable=False),
    Column("change_number", Integer, nullable=False, server_default="0", index=True),
    Index("experiment_of_project", "project_id", "archived", "start_millis"),
)


def _experiment_id(*, primary_key: bool = False) -> Column[int]:
    owner = ForeignKey("experiment.id", ondelete="CASCADE")
    return Column("experiment_id", Integer, owner, primary_key=primary_key, nullable=False)


tag = Table(
    "tag",
    metadata,
    Column("id", Integer, primary_key=True),  # tags keep the order in which they were added
    _experiment_id(),
    Column("name", Text, nullable=False),
    UniqueConstraint("experiment_id", "name"),
)

# The summary of one series, kept up to date with every write: tables and search read this, never the points.
metric = Table(
    "metric",
    metadata,
    Column("id", Integer, primary_key=True),
    _experiment_id(),
    Column("name", Text, nullable=False),  # as shown: "<context>_<name>" when there is a context
    Column("context", Text, nullable=False, server_default=""),  # that of the first value
    Column("count", Integer, nullable=False),
    Column("last_value", Float),
    Column("last_step", BigInteger),
    Column("last_millis", BigInteger, nullable=False),
    # Where the last value stands in the order of reading: the newest time of its writer so far, then the writer.
    Column("last_peak_millis", BigInteger, nullable=False),
    Column("last_writer", Text, nullable=False),
    # NaN takes no part in extremes; all NULL when nothing but NaN was logged.
    Column("min_value", Float),
    Column("min_step", BigInteger),
    Column("min_millis", BigInteger),
    Column("max_value", Float),
    Column("max_step", BigInteger),
    Column("max_millis", BigInteger),
    # Ranges over all points, for axes. Steps NULL when no point has one.
    Column("step_min", BigInteger),
    Column("step_max", BigInteger),
    Column("millis_min", BigInteger, nullable=False),
    Column("millis_max", BigInteger, nullable=False),
    UniqueConstraint("experiment_id", "name"),
    Index("metric_by_value", "name", "last_value", "experiment_id"),
)

# Points of one metric by one writer, in the order of arrival, as little-endian columns: see `series`.
chunk = Table(
    "chunk",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("metric_id", Integer, ForeignKey("metric.id", ondelete="CASCADE"), nullable=False),
    Column("writer", Text, nullable=False),  # "" for clients that name none
    Column("start", Integer, nullable=False),  # points of this writer before this chunk
    Column("count", Integer, nullable=False),
    Column("values", LargeBinary, nullable=False),  # float64
    Column("steps", LargeBinary, nullable=False),  # int64, the smallest int64 = none
    Column("epochs", LargeBinary, nullable=False),  # float64, NaN = none
    Column("millis", LargeBinary, nullable=False),  # int64
    Column("value_min", Float),
    Column("value_max", Float),
    Column("value_first", Float),
    Column("value_last", Float),
    Column("step_min", BigInteger),
    Column("step_max", BigInteger),
    Column("millis_min", BigInteger, nullable=False),
    Column("millis_max", BigInteger, nullable=False),
    Column("peak_millis", BigInteger, nullable=False),  # newest time of this writer up to the end of this chunk
    UniqueConstraint("metric_id", "writer", "start"),
)

parameter = Table(
    "parameter",
    metadata,
    Column("id", Integer, primary_key=True),
    _experiment_id(),
    Column("name", Text, nullable=False),
    Column("context", Text, nullable=False, server_default=""),
    Column("value", Text, nullable=False),
    Column("number", Float),  # the value as a number where it is one: sorting and filters
    Column("step", BigInteger),
    Column("source", Text, nullable=False, server_default=""),
    Column("millis", BigInteger, nullable=False),
    UniqueConstraint("experiment_id", "name"),
    Index("parameter_by_value", "name", "number", "experiment_id"),
)

other = Table(
    "other",
    metadata,
    Column("id", Integer, primary_key=True),
    _experiment_id(),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("number", Float),
    Column("millis", BigInteger, nullable=False),
    UniqueConstraint("experiment_id", "name"),
)

# One text per kind: html, graph, code as they are; system, git, cloud, dependencies as JSON.
document = Table(
    "document",
    metadata,
    _experiment_id(primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("updated_millis", BigInteger, nullable=False),
)

output = Table(
    "output",
    metadata,
    Column("id", Integer, primary_key=True),
    _experiment_id(),
    Column("offset", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("stderr", Boolean, nullable=False, server_default="0"),
    Column("context", Text, nullable=False, server_default=""),
    Column("millis", BigInteger, nullable=False),
    Index("output_in_order", "experiment_id", "offset", "id"),
)

asset = Table(
    "asset",
    metadata,
    Column("asset_id", Text, primary_key=True),
    _experiment_id(),
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
    Column("created_millis", BigInteger, nullable=False),
    Index("asset_of_experiment", "experiment_id", "type", "file_name"),
    Index("asset_by_content", "sha256"),
)

# How far the records of one client-side writer are stored: what comes again at or below `high` is dropped.
lane = Table(
    "lane",
    metadata,
    _experiment_id(primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("lane", Text, primary_key=True),  # metrics, parameters, rest or files
    Column("high", BigInteger, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("hash", Text, primary_key=True),  # sha256 of the cookie's value
    Column("created_millis", BigInteger, nullable=False),
    Column("expires_millis", BigInteger, nullable=False),
)
