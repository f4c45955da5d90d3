"""Garbage: contents that no asset names, series in needlessly many chunks, pages of the database that hold nothing."""

from __future__ import annotations

from dataclasses import dataclass

from zenml_comet_tracker.local.store import assets, looking, series
from zenml_comet_tracker.local.store.faults import DatabaseLostError, DiskFullError
from zenml_comet_tracker.local.store.store import Store


@dataclass(frozen=True)
class Freed:
    """What was given back to the disk, and how many chunks of points there are fewer."""

    files: int
    file_bytes: int
    database_bytes: int
    chunks: int


def collect(store: Store, *, rebuild: bool) -> Freed:
    """Frees what nothing needs. With `rebuild` the database is written anew as a whole, to its least size, where there
    is room for a second one; all writers are held up meanwhile. Raises `DatabaseLostError`."""
    before = looking.contents(store.folder)
    with store.read() as connection:
        if before and not assets.contents(connection):
            raise DatabaseLostError(len(before))
    file_bytes = store.free(before)
    database_bytes = store.database_bytes()
    chunks = _compact(store)
    try:
        store.shrink(rebuild=rebuild)
    except DiskFullError:
        # What is free in the file can be given back without room for another.
        store.shrink(rebuild=False)
    return Freed(
        files=len(before) - len(looking.contents(store.folder).keys() & before.keys()),
        file_bytes=file_bytes,
        database_bytes=max(0, database_bytes - store.database_bytes()),
        chunks=chunks,
    )


def _compact(store: Store) -> int:
    fewer = 0
    while True:
        with store.write() as transaction:
            now = series.compact(transaction.connection)
        if now <= 0:
            return fewer
        fewer += now
