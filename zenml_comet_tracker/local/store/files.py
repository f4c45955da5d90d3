"""File contents by their hash: streamed in and out, each content kept once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zenml_comet_tracker.local.errors import DataFolderError

_PIECE = 1 << 20


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
            for left in self._incoming.iterdir():
                left.unlink()
        except OSError as error:
            raise DataFolderError(f"{folder} cannot be written: {error.strerror}.") from error

    def add(self, source: BinaryIO) -> StoredFile:
        """Stores what `source` reads from here to its end. The content is whole on disk, or not there at all."""
        digest = hashlib.sha256()
        size = 0
        handle, name = tempfile.mkstemp(dir=self._incoming)
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
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return stored

    def path(self, sha256: str) -> Path:
        """Where a content lies."""
        return self._folder / sha256[:2] / sha256

    def temporary(self) -> Path:
        """A new empty file for the caller to fill and delete; swept at the next start if it does not."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        os.close(handle)
        return Path(name)

    def sweep(self, named: set[str]) -> None:
        """Deletes the contents that are not named. Only before uploads begin: one under way is not named yet."""
        for path in self._folder.glob("??/*"):
            if path.name not in named:
                path.unlink()
