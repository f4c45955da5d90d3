"""Whether a database can be used at all, found out before anything heavy is loaded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from zenml_comet_tracker.local.errors import DataFolderError

# The number of this version's last migration.
SCHEMA_NUMBER = 4
DATABASE = "comet.db"


def check(folder: Path) -> None:
    """Raises `DataFolderError` when the folder's database is none, cannot be opened, or is of a newer version."""
    path = folder / DATABASE
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'migration'").fetchall()
            row = connection.execute("SELECT max(number) FROM migration").fetchone() if tables else (None,)
    except sqlite3.Error as error:
        raise DataFolderError(
            f"{path} cannot be used as a database: {error}. Move it away, or use another data folder with --data."
        ) from error
    refuse_newer(row[0] or 0)


def refuse_newer(number: int) -> None:
    """Raises `DataFolderError` when a database that went through migration `number` is too new for this version."""
    if number > SCHEMA_NUMBER:
        raise DataFolderError(
            f"The database was written by a newer version of zenml-comet-tracker: its schema is number {number}, "
            f"this version knows {SCHEMA_NUMBER}. Upgrade zenml-comet-tracker, or use another data folder with --data."
        )
