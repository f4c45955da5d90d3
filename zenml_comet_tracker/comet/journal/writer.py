"""The writing end of a journal: one `write` per call, and the data outlives the process."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.record import FILES_FOLDER, LANES, WRITER_LOCK, End, Header, segment_name

logger = logging.getLogger(__name__)

# A delivered segment gives its space back, so it should be neither large nor, with its file handling, small.
SEGMENT_BYTES = 4 << 20
# Copying takes the caller's time and the disk's space; beyond this a file is only remembered.
COPY_LIMIT_BYTES = 256 << 20


class LaneWriter:
    """Appends the records of one lane; any number of threads may."""

    def __init__(self, folder: Path, lane: str, *, sync: bool) -> None:
        self._folder = folder
        self._lane = lane
        self._sync = sync
        self._lock = threading.Lock()
        self._next = 1
        self._segment = 0
        self._size = 0
        self._descriptor = -1
        self._closed = False

    def append(self, body: bytes, values: int) -> None:
        """Writes one record given as the inside of its JSON object; `OSError` when the disk does not take it."""
        with self._lock:
            if self._closed:
                raise OSError("the experiment has ended")
            if self._descriptor < 0 or self._size >= SEGMENT_BYTES:
                self._open_next()
            line = b'{"s":%d,%b}\n' % (self._next, body)
            written = os.write(self._descriptor, line)
            if written != len(line):
                # Half a record would make the next one unreadable too.
                os.ftruncate(self._descriptor, self._size)
                raise OSError(f"only {written} of {len(line)} bytes were written")
            self._size += written
            self._next += values
            if self._sync:
                os.fsync(self._descriptor)

    @property
    def accepted(self) -> int:
        """How many values were written."""
        return self._next - 1

    def close(self) -> None:
        """Closes the segment for good: nothing can be added behind an end status."""
        with self._lock:
            self._closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open_next(self) -> None:
        path = self._folder / segment_name(self._lane, self._segment + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self._segment += 1
        self._size = 0


class JournalWriter:
    """One process's journal of one experiment. Raises nothing from `append`: what is not written is counted.

    `dropped` counts the values that were not written, by reason.
    """

    def __init__(self, place: Path, header: Header, *, durability: str = "process") -> None:
        self.header = header
        self.folder = place / header.folder_name
        self.dropped: Counter[str] = Counter()
        self._count_lock = threading.Lock()
        try:
            self.folder.mkdir(mode=0o700)
            (self.folder / FILES_FOLDER).mkdir(mode=0o700)
            self._lock = os.open(self.folder / WRITER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            header.save(self.folder)
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be made: {error}") from error
        sync = durability == "sync"
        self._lanes = {lane: LaneWriter(self.folder, lane, sync=sync) for lane in LANES}

    def append(self, lane: str, content: dict[str, Any], *, values: int = 1) -> bool:
        """Whether the record was written; when it returns, the data is in the operating system's hands."""
        body = b'"t":%d,%b' % (time.time_ns() // 1_000_000, orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)[1:-1])
        try:
            self._lanes[lane].append(body, values)
        except OSError as error:
            self.drop(f"not written to the journal: {error.strerror or error}", values)
            return False
        return True

    @property
    def accepted(self) -> int:
        """How many values were written, in all lanes."""
        return sum(lane.accepted for lane in self._lanes.values())

    def drop(self, reason: str, values: int = 1) -> None:
        """Counts values that were not accepted; the first of each reason is said aloud."""
        with self._count_lock:
            first = reason not in self.dropped
            self.dropped[reason] += values
        if first:
            logger.warning("Something logged to experiment %s is dropped: %s", self.header.experiment_key, reason)

    def keep(self, source: Path, asset_id: str) -> dict[str, Any]:
        """Keeps a file's bytes as they are now; returns what the record must hold to find them again.

        Files above 256 MiB are not copied but remembered with size, time and inode, so that a changed one is noticed.
        """
        status = source.stat()
        if status.st_size > COPY_LIMIT_BYTES:
            return {
                "path": str(source.absolute()),
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "inode": status.st_ino,
            }
        kept = self.folder / FILES_FOLDER / asset_id
        shutil.copyfile(source, kept)
        kept.chmod(0o600)
        return {"kept": asset_id, "size": status.st_size}

    def keep_bytes(self, data: bytes, asset_id: str) -> dict[str, Any]:
        """Keeps bytes that come from no file."""
        kept = self.folder / FILES_FOLDER / asset_id
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        return {"kept": asset_id, "size": len(data)}

    def end(self, end: End) -> None:
        """Writes the end status and closes the lanes; the writer still counts as alive until `close`."""
        end.save(self.folder)

    def close(self) -> None:
        """Closes every file and lets go of the writer lock."""
        for lane in self._lanes.values():
            lane.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptors; the parent's lock stays held by the parent.

        The lanes' own locks are left alone: at the moment of the fork another thread may have held one.
        """
        for lane in self._lanes.values():
            lane.forsake()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
