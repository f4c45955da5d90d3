"""The writing end of a journal: one `write` per call, and the data outlives the process."""

from __future__ import annotations

import contextlib
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
    """Appends the records of one lane. Any number of threads may, and signal handlers that interrupt them.

    `accepted` counts the values written; `written_to` is the sequence number behind the last record written.
    """

    def __init__(self, folder: Path, lane: str, *, sync: bool) -> None:
        self._folder = folder
        self._lane = lane
        self._sync = sync
        # Reentrant, because a signal handler that logs runs inside the very call that it interrupts.
        self._lock = threading.RLock()
        self._busy = False
        self._interrupting: list[tuple[bytes, int]] = []
        self._next = 1
        self._segment = 0
        self._size = 0
        self._descriptor = -1
        self._closed = False
        self.accepted = 0
        self.written_to = 1

    def append(self, body: bytes, values: int) -> None:
        """Writes one record given as the inside of its JSON object; `OSError` when the disk does not take it."""
        with self._lock:
            if self._busy:
                self._interrupting.append((body, values))
                return
            self._busy = True
            try:
                self._write(body, values)
                while self._interrupting:
                    self._write(*self._interrupting.pop(0))
            finally:
                self._busy = False

    def close(self) -> None:
        """Closes the segment for good: nothing can be added behind an end status."""
        with self._lock:
            while self._interrupting and not self._closed:
                self._write(*self._interrupting.pop(0))
            self._closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptor, whatever another thread of the parent was doing to it."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, body: bytes, values: int) -> None:
        if self._closed:
            raise OSError("the experiment has ended")
        if self._descriptor < 0 or self._size >= SEGMENT_BYTES:
            self._open_next()
        # Taken before the write: an exception in between leaves a gap, which readers see, and never a number twice.
        sequence = self._next
        self._next += values
        line = b'{"s":%d,%b}\n' % (sequence, body)
        written = os.write(self._descriptor, line)
        if written != len(line):
            # Half a record would make the next one unreadable too.
            os.ftruncate(self._descriptor, self._size)
            raise OSError(f"only {written} of {len(line)} bytes were written")
        self._size += written
        self.accepted += values
        self.written_to = sequence + values
        if self._sync:
            os.fsync(self._descriptor)

    def _open_next(self) -> None:
        path = self._folder / segment_name(self._lane, self._segment + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        previous, self._descriptor = self._descriptor, descriptor
        if previous >= 0:
            os.close(previous)
        self._segment += 1
        self._size = 0
        if self._sync:
            sync_folder(self._folder)


class JournalWriter:
    """One process's journal of one experiment. Raises nothing from `append`: what is not written is counted.

    `dropped` counts the values that were not written, by reason.
    """

    def __init__(self, place: Path, header: Header, *, durability: str = "process") -> None:
        self.header = header
        self.folder = place / header.folder_name
        self.dropped: Counter[str] = Counter()
        self._count_lock = threading.RLock()
        self._sync = durability == "sync"
        try:
            self.folder.mkdir(mode=0o700)
            (self.folder / FILES_FOLDER).mkdir(mode=0o700)
            self._lock = os.open(self.folder / WRITER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            header.save(self.folder)
            if self._sync:
                sync_folder(self.folder)
                sync_folder(place)
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be made: {error}") from error
        self._lanes = {lane: LaneWriter(self.folder, lane, sync=self._sync) for lane in LANES}

    def append(self, lane: str, content: dict[str, Any], *, values: int = 1) -> bool:
        """Whether the record was written; when it returns, the data is in the operating system's hands."""
        body = b'"t":%d,%b' % (time.time_ns() // 1_000_000, orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)[1:-1])
        try:
            self._lanes[lane].append(body, values)
        except OSError as error:
            reason = f"not written to the journal: {error.strerror or error}"
            self.drop(reason, reason, values)
            return False
        return True

    @property
    def accepted(self) -> int:
        """How many values were written, in all lanes."""
        return sum(lane.accepted for lane in self._lanes.values())

    def written_to(self) -> dict[str, int]:
        """For each lane, the sequence number behind the last record written."""
        return {name: lane.written_to for name, lane in self._lanes.items()}

    def drop(self, reason: str, message: str, values: int = 1) -> None:
        """Counts values that were not accepted; the first of each reason is said aloud, with `message`."""
        with self._count_lock:
            first = reason not in self.dropped
            self.dropped[reason] += values
        if first:
            logger.warning("Something logged to experiment %s is dropped: %s", self.header.experiment_key, message)

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
        with source.open("rb") as stream, self._kept(asset_id) as kept:
            shutil.copyfileobj(stream, kept, 1 << 20)
            return self._kept_entry(kept, asset_id)

    def keep_bytes(self, data: bytes, asset_id: str) -> dict[str, Any]:
        """Keeps bytes that come from no file."""
        with self._kept(asset_id) as kept:
            kept.write(data)
            return self._kept_entry(kept, asset_id)

    def _kept(self, asset_id: str) -> Any:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.fdopen(os.open(self.folder / FILES_FOLDER / asset_id, flags, 0o600), "wb")

    def _kept_entry(self, kept: Any, asset_id: str) -> dict[str, Any]:
        kept.flush()
        if self._sync:
            os.fsync(kept.fileno())
        return {"kept": asset_id, "size": kept.tell()}

    def end(self, end: End) -> None:
        """Closes the lanes, so that no record can follow, and writes the end status. `OSError` when it cannot be."""
        for lane in self._lanes.values():
            lane.close()
        end.save(self.folder, sync=self._sync)

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
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = -1


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
