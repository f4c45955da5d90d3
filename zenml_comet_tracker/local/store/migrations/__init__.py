"""Brings a database to the schema of this version, step by step.

A new database is made whole and marked as having been through every step; an older one goes through the missing steps
in order, each in one transaction with its record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, select

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.check import refuse_newer


@dataclass(frozen=True)
class Migration:
    """One step; numbers grow by one and are never used again."""

    number: int
    name: str
    apply: Callable[[Connection], None]


def _first_schema(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    connection.execute(schema.change.insert().values(id=1, number=0))


def _second_schema(connection: Connection) -> None:
    # Needed once in a database's life, and not quickly imported.
    from zenml_comet_tracker.local.store.migrations import second

    second.apply(connection)


def _third_schema(connection: Connection) -> None:
    from zenml_comet_tracker.local.store.migrations import third

    third.apply(connection)


def _fourth_schema(connection: Connection) -> None:
    from zenml_comet_tracker.local.store.migrations import fourth

    fourth.apply(connection)


MIGRATIONS = (
    Migration(1, "first schema", _first_schema),
    Migration(2, "the whole wire", _second_schema),
    Migration(3, "stopped and retrying", _third_schema),
    Migration(4, "values of attempts", _fourth_schema),
)


def applied(connection: Connection) -> set[int]:
    """Numbers of the steps this database has been through; empty for a new one."""
    if not inspect(connection).has_table(schema.migration.name):
        return set()
    return set(connection.scalars(select(schema.migration.c.number)))


def pending(connection: Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[Migration]:
    """The steps still to go, in order. Raises `DataFolderError` when the database is newer than this program."""
    done = applied(connection)
    refuse_newer(max(done, default=0))
    return [migration for migration in migrations if migration.number not in done]


def apply(connection: Connection, step: Migration, now_millis: int, *, new: bool) -> None:
    """Runs one step and records it; the caller's transaction holds both. A new database gets later steps' records only,
    since its tables are made whole by the first."""
    if not new or step.number == MIGRATIONS[0].number:
        step.apply(connection)
    connection.execute(schema.migration.insert().values(number=step.number, name=step.name, applied_millis=now_millis))
