"""From the third schema to the fourth: of which attempt the value of a parameter or an other is."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Connection, Integer


def apply(connection: Connection) -> None:
    """Changes the database; the caller's transaction holds it all."""
    change = Operations(MigrationContext.configure(connection))
    for table in ("parameter", "other"):
        change.add_column(table, Column("attempt", Integer, nullable=False, server_default="1"))
