"""File contents by their hash: streamed in and out, each content kept once."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zenml_comet_tracker.local.errors import DataFolderError

# How long a content that no asset names any more is kept.
SWEPT_AFTER_SECONDS = 7 * 24 * 3600.0
_PIECE = 1 << 20
_CONTENT = re.compile("[0-9a-f]{64}")
_TEMPORARY = "upload-"


@dataclass(frozen=True)
class StoredFile:
    """What was stored: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


class Files:
    """A folder of contents named by their SHA-256. Names that users gave never become paths here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        try:
            # One by one: the mode does not go to parents that are made along.
            for each in (folder.parent, folder, self._incoming):
                each.mkdir(mode=0o700, exist_ok=True)
            for left in self._incoming.glob(f"{_TEMPORARY}*"):
                left.unlink()
        except OSError as error:
            raise DataFolderError(f"{folder} cannot be written: {error.strerror}.") from error

    def add(self, source: BinaryIO) -> StoredFile:
        """Stores what `source` reads from here to its end. The content is whole on disk, or not there at all."""
        digest = hashlib.sha256()
        size = 0
        handle, name = tempfile.mkstemp(dir=self._incoming, prefix=_TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as target:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    target.write(piece)
                    size += len(piece)
                target.flush()
                os.fsync(target.fileno())
            stored = StoredFile(digest.hexdigest(), size)
            path = self.path(stored.sha256)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(name, path)
            _sync(path.parent)
            _sync(self._folder)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return stored

    def path(self, sha256: str) -> Path:
        """Where a content lies."""
        return self._folder / sha256[:2] / sha256

    def temporary(self) -> Path:
        """A new empty file for the caller to fill and delete; swept at the next start if it does not."""
        handle, name = tempfile.mkstemp(dir=self._incoming, prefix=_TEMPORARY)
        os.close(handle)
        return Path(name)

    def sweep(self, named: set[str]) -> None:
        """Deletes contents that are not named and older than a week. Only before uploads begin: one under way is not
        named yet.

        Nothing is deleted when nothing is named: then more likely the database was moved away than everything deleted.
        The week is for a database that was put back from a backup by mistake.
        """
        if not named:
            return
        newest = time.time() - SWEPT_AFTER_SECONDS
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if _CONTENT.fullmatch(path.name) and path.name not in named and path.stat().st_mtime < newest:
                path.unlink()


def _sync(folder: Path) -> None:
    """Makes the names in a folder survive a power cut; syncing a file saves its bytes only."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
