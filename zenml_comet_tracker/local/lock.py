"""One server per data folder: a lock that ends with its holder, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from zenml_comet_tracker.local.errors import DataFolderError

# Someone who only looks holds the lock for an instant; a start must not take that for a running server.
_PATIENCE_SECONDS = 1.0


class ServerLock:
    """The lock of `folder`, to be held for as long as the server lives."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "server.lock"
        self._handle: int | None = None

    def __enter__(self) -> ServerLock:
        """Takes the lock. Raises BlockingIOError when another server holds it, `DataFolderError` when nobody can."""
        try:
            handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise _unusable(self._path, error) from error
        try:
            _take(handle)
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def holder(folder: Path) -> int | None:
    """Process id of the server that holds the lock; None when nobody does. 0 in the instant before it is written.

    Raises `DataFolderError` when the lock cannot be read.
    """
    try:
        handle = os.open(folder / "server.lock", os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(folder / "server.lock", error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(handle, 32, 0).decode("ascii", "replace")
        return int(text) if text.isdigit() else 0
    else:
        return None
    finally:
        os.close(handle)


def _unusable(path: Path, error: OSError) -> DataFolderError:
    return DataFolderError(f"{path} cannot be opened: {error.strerror}. Choose another data folder with --data.")


def _take(handle: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
