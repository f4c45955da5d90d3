"""What the disk, or the file of the database, refuses: told to whoever asked, who may try again later."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from zenml_comet_tracker.local.store.faults import BusyError, DiskFaultError, DiskFullError, StoreError

# Also what a quota, or a limit to the size of files, says.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FAULTS = {errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}
# In SQLite's own words, which are the same in all its versions; its codes come with Python 3.11 only.
_SQLITE: dict[str, type[StoreError]] = {
    "database or disk is full": DiskFullError,
    "database is locked": BusyError,
    "attempt to write a readonly database": DiskFaultError,
    "disk I/O error": DiskFaultError,
    "unable to open database file": DiskFaultError,
    "database disk image is malformed": DiskFaultError,
}


@contextmanager
def faults_told() -> Iterator[None]:
    """Within the block what SQLite says of its file and of the disk is raised as `StoreError`."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error)
        kind = next((kind for words, kind in _SQLITE.items() if said.startswith(words)), None)
        if kind is None:
            raise
        raise kind(said) from error


def fault_of(error: OSError) -> StoreError | None:
    """What an error of the system means for whoever asked; None when it tells nothing of the disk."""
    if error.errno in _FULL:
        return DiskFullError(str(error.strerror))
    return DiskFaultError(str(error.strerror)) if error.errno in _FAULTS else None
