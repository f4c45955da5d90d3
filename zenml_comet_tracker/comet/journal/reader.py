"""The reading end of a journal: its lanes, what is known of its experiment, its files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from pathlib import Path
from typing import Any, BinaryIO

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.files import KeptFiles
from zenml_comet_tracker.comet.journal.lane_reader import LaneReader
from zenml_comet_tracker.comet.journal.record import (
    FILES_FOLDER,
    GONE_PREFIX,
    LANES,
    READER_LOCK,
    REFUSED_SUFFIX,
    End,
    Header,
    write_whole,
)
from zenml_comet_tracker.comet.journal.spill import Memory
from zenml_comet_tracker.comet.journal.writer import JournalWriter


class JournalReader:
    """Whoever holds this owns the cursors of the journal. `JournalError` when somebody else does.

    With `writer`, the journal of this process, what it holds in memory is read as well; one that has no folder is all
    in memory.
    """

    def __init__(self, folder: Path | None, writer: JournalWriter | None = None) -> None:
        self.folder = folder
        self._writer = writer
        self._notes: dict[str, str] = {}
        # Reentrant: a signal handler may end the experiment in the middle of it.
        self._mending = threading.RLock()
        self._lock = -1
        if folder is None:
            assert writer is not None  # noqa: S101
            self.header = writer.header
        else:
            self.header = Header.load(folder)
            self._take_lock(folder)
        self._files = writer.files if writer else KeptFiles(_below(folder, FILES_FOLDER), Memory(), None, sync=False)
        self.lanes: dict[str, LaneReader] = {}
        try:
            for lane in LANES:
                self.lanes[lane] = LaneReader(folder, lane, writer.lanes[lane] if writer else None)
        except JournalError:
            self.close()
            raise

    def _take_lock(self, folder: Path) -> None:
        lock = os.open(folder / READER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise JournalError(f"{folder} is being delivered by another process") from error
        self._lock = lock

    @property
    def outlives_the_process(self) -> bool:
        """Whether all that waits is on disk."""
        return self.folder is not None and (self._writer is None or not self._writer.spilled)

    def mend(self) -> bool:
        """Whether the folder had been deleted under the writer and is there again, with what the writer could save.

        `OSError` when it cannot be made anew: what could be saved is in memory then, and is delivered from there.
        """
        writer = self._writer
        if writer is None:
            return False
        with self._mending:
            if writer.end_status is not None or not (writer.uprooted or self._unlocked):
                return False
            assert self.folder is not None  # noqa: S101
            writer.restore()
            self.close()
            self._take_lock(self.folder)
            for name, text in self._notes.items():
                self.note(name, text)
            return True

    @property
    def _unlocked(self) -> bool:
        """Whether the lock that is held is no longer that of the folder: somebody deleted it."""
        return self._lock >= 0 and os.fstat(self._lock).st_nlink == 0

    def end(self) -> End | None:
        """The end status, None while there is none."""
        if self._writer is not None and self._writer.end_status is not None:
            return self._writer.end_status
        return None if self.folder is None else End.load(self.folder)

    def mark(self, name: str) -> None:
        """Remembers a fact about the journal; one that cannot be saved is only known to this process."""
        self.note(name, "")

    def unmark(self, name: str) -> None:
        """Forgets a fact again."""
        self._notes.pop(name, None)
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / name).unlink(missing_ok=True)

    def marked(self, name: str) -> bool:
        """Whether the fact was remembered, by this process or another."""
        return self.noted(name) is not None

    def note(self, name: str, text: str) -> None:
        """Remembers a fact that has a text, in place of an earlier one."""
        self._notes[name] = text
        if self.folder is not None:
            with contextlib.suppress(OSError):
                write_whole(self.folder / name, text.encode())

    def noted(self, name: str) -> str | None:
        """The text of a fact that was remembered, by this process or another; None when it was not."""
        if name in self._notes or self.folder is None:
            return self._notes.get(name)
        try:
            return (self.folder / name).read_text("utf-8")
        except OSError:
            return None

    def set_aside(self) -> int:
        """How many records lie set aside, from this delivery or an earlier one."""
        if self.folder is None:
            return sum(lane.refused.total() for lane in self.lanes.values())
        return sum(path.read_bytes().count(b"\n") for path in self.folder.glob(f"*{REFUSED_SUFFIX}"))

    def open_kept(self, entry: dict[str, Any]) -> BinaryIO:
        """The bytes of a file record; `JournalError` when they are gone or not those of the call."""
        return self._files.open(entry)

    def forget_file(self, entry: dict[str, Any]) -> None:
        """Gives back the space of a delivered file."""
        self._files.forget(entry)

    def remove(self) -> None:
        """Deletes the journal, which its writer must have closed."""
        if self.folder is None:
            return
        # At once: a journal without cursors that a kill in the middle of this left behind would be delivered again.
        gone = self.folder.with_name(f"{GONE_PREFIX}{self.folder.name}")
        try:
            self.folder.rename(gone)
        except OSError:
            gone = self.folder
        shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        """Lets go of the cursors."""
        for lane in self.lanes.values():
            lane.close()
        self._leave_lock()

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptors; the parent's lock stays held by the parent."""
        for lane in self.lanes.values():
            lane.forsake()
        self._leave_lock()

    def _leave_lock(self) -> None:
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = -1


def _below(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / name
