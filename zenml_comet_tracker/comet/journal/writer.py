"""The writing end of a journal: one `write` per call, and the data outlives the process."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.files import JournalFullError, KeptFiles
from zenml_comet_tracker.comet.journal.lane_writer import EndedError, LaneWriter, sync_folder
from zenml_comet_tracker.comet.journal.record import FILES_FOLDER, LANES, WRITER_LOCK, End, Header, encode
from zenml_comet_tracker.comet.journal.room import Room
from zenml_comet_tracker.comet.journal.spill import Memory

logger = logging.getLogger(__name__)

FULL = "the journal's size cap is reached"


class JournalWriter:
    """One process's journal of one experiment, below `place`, or in bounded memory when that is None.

    Raises nothing from `append`: what is not written is counted in `dropped`, by reason. `end_status` is what `end` was
    told, for a reader in the same process.
    """

    def __init__(
        self, place: Path | None, header: Header, *, durability: str = "process", room: Room | None = None
    ) -> None:
        self.header = header
        self.folder = None if place is None else place / header.folder_name
        self.dropped: Counter[str] = Counter()
        self.end_status: End | None = None
        self._count_lock = threading.RLock()
        self._sync = durability == "sync"
        self._lock = -1
        if self.folder is not None:
            self._make(self.folder)
        memory = Memory()
        kept_in = None if self.folder is None else self.folder / FILES_FOLDER
        self.files = KeptFiles(kept_in, memory, room, sync=self._sync)
        self.lanes = {lane: LaneWriter(self.folder, lane, memory, room, sync=self._sync) for lane in LANES}

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700)
            try:
                self._furnish(folder)
            except BaseException:
                # Nobody could read it, nor tell whose it is.
                self._leave_lock()
                shutil.rmtree(folder, ignore_errors=True)
                raise
        except OSError as error:
            raise JournalError(f"The journal {folder} cannot be made: {error}") from error

    def _furnish(self, folder: Path) -> None:
        (folder / FILES_FOLDER).mkdir(mode=0o700)
        self._take_lock(folder)
        self.header.save(folder)
        if self._sync:
            sync_folder(folder)
            sync_folder(folder.parent)

    def _take_lock(self, folder: Path) -> None:
        lock = os.open(folder / WRITER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise
        previous, self._lock = self._lock, lock
        if previous >= 0:
            os.close(previous)

    def append(self, lane: str, rows: list[Any]) -> bool:
        """Whether the rows were taken; when it returns, they are in the operating system's hands.

        Where the disk takes nothing, in this process's memory, as far as that is bounded.
        """
        return self.append_lines(lane, encode(rows), len(rows))

    def append_lines(self, lane: str, lines: bytes, values: int) -> bool:
        """As `append`, for rows that are lines already, each with its newline."""
        try:
            self.lanes[lane].append(lines, values)
        except JournalFullError as error:
            self.drop(FULL, str(error), values)
            return False
        except EndedError as error:
            self.drop(str(error), str(error), values)
            return False
        except OSError as error:
            reason = f"not written to the journal: {error.strerror or error}"
            self.drop(reason, reason, values)
            return False
        return True

    @property
    def accepted(self) -> int:
        """How many values were taken, in all lanes."""
        return sum(lane.written_to - 1 for lane in self.lanes.values())

    @property
    def spilled(self) -> bool:
        """Whether some values are only in memory."""
        return any(lane.spill for lane in self.lanes.values()) or bool(self.files.held)

    @property
    def values_in_memory(self) -> int:
        """How many values die with the process: their line, or the file that it speaks of, is on no disk."""
        return sum(lane.spill.values for lane in self.lanes.values()) + len(self.files.held)

    def written_to(self) -> dict[str, int]:
        """For each lane, the number behind the last line taken."""
        return {name: lane.written_to for name, lane in self.lanes.items()}

    def drop(self, reason: str, message: str, values: int = 1) -> None:
        """Counts values that were not accepted; the first of each reason is said aloud, with `message`."""
        with self._count_lock:
            first = reason not in self.dropped
            self.dropped[reason] += values
        if first:
            logger.warning("Something logged to experiment %s is dropped: %s", self.header.experiment_key, message)

    @property
    def uprooted(self) -> bool:
        """Whether somebody deleted the journal under the writer; costs a system call for each lane."""
        if self.folder is None:
            return False
        # Between two segments there is no open file that would tell; but then new lines go to memory.
        return any(lane.uprooted for lane in self.lanes.values()) or (self.spilled and not self.folder.exists())

    def restore(self) -> None:
        """Makes the deleted folder anew, with what the open segments still hold.

        `OSError` when it cannot be made: then memory holds what it can of that.
        """
        assert self.folder is not None  # noqa: S101
        uprooted = [lane for lane in self.lanes.values() if lane.uprooted]
        try:
            (self.folder / FILES_FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
            # An attempt that failed later has taken it already, and nobody gets a lock twice.
            if self._lock < 0 or os.fstat(self._lock).st_nlink == 0:
                self._take_lock(self.folder)
            self.header.save(self.folder)
        except OSError as problem:
            for lane in uprooted:
                lane.take_along(problem)
            raise
        for lane in uprooted:
            lane.rescue()

    def end(self, end: End) -> None:
        """Closes the lanes, so that no record can follow, and writes the end status. `OSError` when it cannot be."""
        self.end_status = end
        if self.uprooted:
            self.restore()
        for lane in self.lanes.values():
            lane.close()
        if self.folder is not None:
            end.save(self.folder, sync=self._sync)

    def close(self) -> None:
        """Closes every file and lets go of the writer lock."""
        for lane in self.lanes.values():
            lane.close()
        self._leave_lock()

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptors; the parent's lock stays held by the parent.

        The lanes' own locks are left alone: at the moment of the fork another thread may have held one.
        """
        for lane in self.lanes.values():
            lane.forsake()
        self._leave_lock()

    def _leave_lock(self) -> None:
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = -1
