"""A data folder seen from beside its server, which may run meanwhile: nothing is changed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.store.check import DATABASE, check
from zenml_comet_tracker.local.store.database import make_engine

_CONTENT = re.compile("[0-9a-f]{64}")


@contextmanager
def reading(folder: Path) -> Iterator[Engine]:
    """Connections to the folder's database that cannot write. Raises `DataFolderError` when there is none, or a newer
    version's."""
    path = folder / DATABASE
    if not path.is_file():
        raise DataFolderError(f"There is no database in {folder}. Choose the data folder with --data.")
    check(folder)
    engine = make_engine(path)

    @event.listens_for(engine, "connect")
    def read_only(connection: sqlite3.Connection, _record: Any) -> None:
        # Not opened read-only: what a killed server left in the log beside the file could not be read then.
        connection.execute("PRAGMA query_only=ON")

    try:
        yield engine
    finally:
        engine.dispose()


def content_path(folder: Path, sha256: str) -> Path:
    """Where a content lies."""
    return folder / "files" / sha256[:2] / sha256


def contents(folder: Path) -> dict[str, int]:
    """The size of every content on the disk, by its SHA-256."""
    found: dict[str, int] = {}
    for path in (folder / "files").glob("[0-9a-f][0-9a-f]/*"):
        if _CONTENT.fullmatch(path.name):
            try:
                found[path.name] = path.stat().st_size
            except FileNotFoundError:
                continue
    return found
