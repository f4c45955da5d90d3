"""What all tables share, and those that speak of the database itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Table, Text

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


def experiment_id(*, primary_key: bool = False) -> Column[int]:
    """A column that names an experiment, with which its row goes."""
    owner = ForeignKey("experiment.id", ondelete="CASCADE")
    return Column("experiment_id", Integer, owner, primary_key=primary_key, nullable=False)
