"""File contents by their hash: streamed in and out, each content kept once."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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


class Arriving:
    """What one request brings: it stays until the request is through, though no asset names it yet."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.contents: list[str] = []

    def add(self, source: BinaryIO) -> StoredFile:
        """As `Files.add`."""
        return self._files.add(source, self)


class Files:
    """A folder of contents named by their SHA-256. Names that users gave never become paths here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        # How many requests under way have brought each content; who frees one holds the lock meanwhile.
        self._claims: Counter[str] = Counter()
        self._claiming = threading.Lock()
        try:
            # One by one: the mode does not go to parents that are made along.
            for each in (folder.parent, folder, self._incoming):
                each.mkdir(mode=0o700, exist_ok=True)
            for left in self._incoming.glob(f"{_TEMPORARY}*"):
                left.unlink()
        except OSError as error:
            raise DataFolderError(f"{folder} cannot be written: {error.strerror}.") from error

    @contextmanager
    def arriving(self) -> Iterator[Arriving]:
        """For a request that brings files and names them in the database before the block ends."""
        arriving = Arriving(self)
        try:
            yield arriving
        finally:
            with self._claiming:
                self._claims -= Counter(arriving.contents)

    @contextmanager
    def unclaimed(self, contents: Iterable[str]) -> Iterator[list[str]]:
        """Those of the contents that no request under way has brought, nor will before the block ends."""
        with self._claiming:
            yield [sha256 for sha256 in contents if not self._claims[sha256]]

    def add(self, source: BinaryIO, arriving: Arriving | None = None) -> StoredFile:
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
            if arriving is not None:
                # First: whoever frees an older copy of it does so before this one comes, or not at all.
                self._claim(stored.sha256, arriving)
            os.replace(name, path)
            _sync(path.parent)
            _sync(self._folder)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return stored

    def _claim(self, sha256: str, arriving: Arriving) -> None:
        with self._claiming:
            self._claims[sha256] += 1
            arriving.contents.append(sha256)

    @property
    def incoming(self) -> Path:
        """Where contents may lie while they arrive: on the disk on which they will stay."""
        return self._incoming

    def path(self, sha256: str) -> Path:
        """Where a content lies."""
        return self._folder / sha256[:2] / sha256

    def remove(self, sha256: str) -> int:
        """Deletes a content; how many bytes that gives back, 0 when it is gone already."""
        path = self.path(sha256)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

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
