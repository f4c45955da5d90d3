"""From the second schema to the third: other ends than finished and failed, and whose word on them counts."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Connection, Text


def apply(connection: Connection) -> None:
    """Changes the database; the caller's transaction holds it all."""
    change = Operations(MigrationContext.configure(connection))
    change.add_column("experiment", Column("ended_as", Text))
    for name in ("owner_millis", "joined_millis"):
        change.add_column("experiment", Column(name, BigInteger, nullable=False, server_default="0"))
