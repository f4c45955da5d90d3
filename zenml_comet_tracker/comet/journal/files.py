"""The bytes of logged files, kept as they were at the call until they are delivered."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any, BinaryIO

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.room import Room
from zenml_comet_tracker.comet.journal.spill import Memory

# Copying takes the caller's time and the disk's space; beyond this a file is only remembered.
COPY_LIMIT_BYTES = 256 << 20
# Linux's request to share the blocks of another file until one of the two changes.
_FICLONE = 0x40049409


class KeptFiles:
    """The files of one journal: below its folder, or in bounded memory when it has none or the disk is full.

    What is kept is described by an entry: `kept` (a file of that name), `held` (bytes in memory), or `path` with
    `size`, `mtime_ns` and `inode` of a file that was too large to be copied. Never a hard link: a file that is
    rewritten in place would change under it.
    """

    def __init__(self, folder: Path | None, memory: Memory, room: Room | None, *, sync: bool) -> None:
        self._folder = folder
        self._memory = memory
        self._room = room
        self._sync = sync
        self.held: dict[str, bytes] = {}

    def keep(self, source: Path, asset_id: str) -> dict[str, Any]:
        """Keeps a file's bytes as they are now: shared blocks where the disk can, else a copy.

        Above 256 MiB, and where nothing can be kept, the file is remembered with size, time and inode instead.
        `JournalFullError` when the size cap is reached.
        """
        with source.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if self._folder is None:
                return _reference(source, stream)
            self._expect_room(size)
            try:
                return self._copy(stream, self._folder / asset_id, size) or _reference(source, stream)
            except OSError:
                return _reference(source, stream)

    def keep_bytes(self, data: bytes, asset_id: str) -> dict[str, Any]:
        """Keeps bytes of no file, in memory where the disk does not take them; `OSError` if neither does."""
        if self._folder is not None:
            self._expect_room(len(data))
            try:
                with self._new(self._folder / asset_id) as kept:
                    kept.write(data)
                    return self._entry(kept, asset_id)
            except OSError:
                (self._folder / asset_id).unlink(missing_ok=True)
        if not self._memory.take(len(data)):
            raise OSError("neither the disk nor the memory set aside for that takes the file")
        self.held[asset_id] = data
        return {"held": asset_id, "size": len(data)}

    def _expect_room(self, size: int) -> None:
        if self._room is not None and not self._room.take(size, for_file=True):
            raise JournalFullError(self._room.limit)

    def _copy(self, source: BinaryIO, target: Path, size: int) -> dict[str, Any] | None:
        """The entry of a copy; None for a file too large to be copied on a disk that cannot share blocks."""
        try:
            with self._new(target) as kept:
                if not _shared(source, kept):
                    if size > COPY_LIMIT_BYTES:
                        raise _TooLargeError
                    shutil.copyfileobj(source, kept, 1 << 20)
                else:
                    kept.seek(0, os.SEEK_END)
                return self._entry(kept, target.name)
        except _TooLargeError:
            target.unlink(missing_ok=True)
            return None
        except OSError:
            target.unlink(missing_ok=True)
            raise

    def _new(self, target: Path) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.fdopen(os.open(target, flags, 0o600), "wb")

    def _entry(self, kept: BinaryIO, name: str) -> dict[str, Any]:
        kept.flush()
        if self._sync:
            os.fsync(kept.fileno())
        return {"kept": name, "size": kept.tell()}

    def open(self, entry: dict[str, Any]) -> BinaryIO:
        """The kept bytes, to be read; `JournalError` when they are gone or not those of the call."""
        if "held" in entry:
            return io.BytesIO(self._held(entry["held"]))
        if "kept" in entry:
            return self._open_kept(str(entry["kept"]))
        return _open_reference(entry)

    def _held(self, asset_id: str) -> bytes:
        try:
            return self.held[asset_id]
        except KeyError:
            raise JournalError("the file was only in the memory of a process that is gone") from None

    def _open_kept(self, name: str) -> BinaryIO:
        path = (self._folder or Path()) / name
        try:
            return path.open("rb")
        except OSError as error:
            raise JournalError(f"the kept copy {path} is gone: {error.strerror}") from error

    def forget(self, entry: dict[str, Any]) -> None:
        """Gives back the space of a delivered file."""
        if "kept" in entry and self._folder is not None:
            with contextlib.suppress(OSError):
                (self._folder / entry["kept"]).unlink(missing_ok=True)
        if (data := self.held.pop(entry.get("held", ""), None)) is not None:
            self._memory.give_back(len(data))


class JournalFullError(JournalError):
    """The size cap is reached."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the journals take {limit} bytes, as much as they may (journal_max_bytes)")


class _TooLargeError(Exception):
    pass


def _shared(source: BinaryIO, target: BinaryIO) -> bool:
    """Whether the disk now shares the blocks of both files, which costs neither time nor space."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True


def _reference(source: Path, stream: BinaryIO) -> dict[str, Any]:
    status = os.fstat(stream.fileno())
    return {
        "path": str(source.absolute()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }


def _open_reference(entry: dict[str, Any]) -> BinaryIO:
    path = Path(entry["path"])
    try:
        stream = path.open("rb")
    except OSError as error:
        raise JournalError(f"{path} is gone: {error.strerror}") from error
    status = os.fstat(stream.fileno())
    if (status.st_size, status.st_mtime_ns, status.st_ino) != (entry["size"], entry["mtime_ns"], entry["inode"]):
        stream.close()
        raise JournalError(f"{path} changed after it was logged; it was too large to be copied")
    return stream
