"""What was logged, besides files."""

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
    Table,
    Text,
    UniqueConstraint,
)

from zenml_comet_tracker.local.store.schema.base import experiment_id, metadata

# The summary of one series, kept up to date with every write: tables and search read this, never the points.
metric = Table(
    "metric",
    metadata,
    Column("id", Integer, primary_key=True),
    experiment_id(),
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
    # Packed, see `points`; at full width they are
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

# First, last, least and greatest of every 64 points of a chunk, packed: see `rollups`. Beside the chunks and not in
# them, where SQLite would come to them through the points' pages. Short chunks and those of the first schema have none.
rollup = Table(
    "rollup",
    metadata,
    Column("chunk_id", Integer, ForeignKey("chunk.id", ondelete="CASCADE"), primary_key=True),
    Column("groups", LargeBinary, nullable=False),
)

parameter = Table(
    "parameter",
    metadata,
    Column("id", Integer, primary_key=True),
    experiment_id(),
    Column("name", Text, nullable=False),
    Column("context", Text, nullable=False, server_default=""),
    Column("value", Text, nullable=False),
    Column("number", Float),  # the value as a number where it is one: sorting and filters
    Column("step", BigInteger),
    Column("source", Text, nullable=False, server_default=""),
    Column("millis", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),  # the newest one that said it
    UniqueConstraint("experiment_id", "name"),
    Index("parameter_by_value", "name", "number", "experiment_id"),
)

other = Table(
    "other",
    metadata,
    Column("id", Integer, primary_key=True),
    experiment_id(),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("number", Float),
    Column("millis", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    UniqueConstraint("experiment_id", "name"),
    Index("other_by_value", "name", "number", "experiment_id"),
)

# What search reads of an experiment's machine and program, taken from the document of kind system: see `details`.
detail = Table(
    "detail",
    metadata,
    Column("id", Integer, primary_key=True),
    experiment_id(),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("number", Float),
    UniqueConstraint("experiment_id", "name"),
    Index("detail_by_value", "name", "number", "experiment_id"),
)

# One text per kind: html, graph, code as they are; system, git, cloud, dependencies as JSON.
document = Table(
    "document",
    metadata,
    experiment_id(primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("updated_millis", BigInteger, nullable=False),
)

output = Table(
    "output",
    metadata,
    Column("id", Integer, primary_key=True),
    experiment_id(),
    Column("offset", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("stderr", Boolean, nullable=False, server_default="0"),
    Column("context", Text, nullable=False, server_default=""),
    Column("millis", BigInteger, nullable=False),
    Index("output_in_order", "experiment_id", "offset", "id"),
)

# How far the records of one client-side writer are stored: what comes again at or below `high` is dropped.
lane = Table(
    "lane",
    metadata,
    experiment_id(primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("lane", Text, primary_key=True),  # metrics, parameters, rest or files
    Column("high", BigInteger, nullable=False),
)
