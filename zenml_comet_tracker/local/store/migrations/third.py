"""From the second schema to the third: how an experiment ended besides finished and failed."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Connection, Text


def apply(connection: Connection) -> None:
    """Changes the database; the caller's transaction holds it all."""
    Operations(MigrationContext.configure(connection)).add_column("experiment", Column("ended_as", Text))
