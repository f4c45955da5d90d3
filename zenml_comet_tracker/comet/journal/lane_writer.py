"""The writing end of one lane: what a call logs is in the operating system's hands when the call returns."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from zenml_comet_tracker.comet.journal.files import JournalFullError
from zenml_comet_tracker.comet.journal.record import segment_name
from zenml_comet_tracker.comet.journal.room import Room
from zenml_comet_tracker.comet.journal.spill import Held, Memory, Spill

# A delivered segment gives its space back, so it should be neither large nor, with its file handling, small.
SEGMENT_BYTES = 4 << 20
# How long a disk that took nothing is left alone: trying costs every call a failing write.
RETRY_SECONDS = 0.2


class EndedError(OSError):
    """The lane is closed for good."""


class LaneWriter:
    """Appends the lines of one lane. Any number of threads may, and signal handlers that interrupt them.

    What the disk does not take goes to `spill`, and from there to the disk as soon as it does. Every line that was
    taken has a number, from 1 and without gaps.
    """

    def __init__(
        self,
        folder: Path | None,
        lane: str,
        memory: Memory,
        room: Room | None = None,
        *,
        sync: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._lane = lane
        self._room = room
        self._sync = sync
        self._clock = clock
        self._segment_bytes = SEGMENT_BYTES if room is None else min(SEGMENT_BYTES, max(4096, room.limit // 32))
        self.spill = Spill(memory)
        # Reentrant, because a signal handler that logs runs inside the very call that it interrupts.
        self._lock = threading.RLock()
        self._busy = False
        self._interrupting: list[tuple[bytes, int]] = []
        self._descriptor = -1
        self._segment = 0
        # Bytes in the segment and the next number change in one assignment, so that an interrupt in the middle of a
        # call finds either what was before the line or what is after it.
        self._state = (0, 1)
        self._closed = False
        self._disk_rests_until = 0.0
        self._disk_problem: OSError | None = None

    @property
    def written_to(self) -> int:
        """The number behind the last line."""
        return self._state[1]

    def append(self, lines: bytes, values: int) -> None:
        """Writes whole lines, as many as there are values.

        `OSError` when neither disk nor memory takes them, `JournalFullError` at the size cap.
        """
        with self._lock:
            if self._busy:
                self._interrupting.append((lines, values))
                return
            self._busy = True
            try:
                self._write(lines, values)
                if self._interrupting:
                    self._write_what_interrupted()
            finally:
                self._busy = False

    def _write_what_interrupted(self) -> None:
        while self._interrupting:
            self._write(*self._interrupting.pop(0))

    def _write(self, lines: bytes, values: int) -> None:
        size, number = self._state
        if self._descriptor < 0 or size >= self._segment_bytes:
            self._write_slowly(Held(number, values, lines))
            return
        try:
            self._put(lines, number + values)
        except OSError as problem:
            self._set_by(problem, Held(number, values, lines))

    def _put(self, lines: bytes, following: int) -> None:
        """Writes lines, all or none; `following` is the next number then."""
        size, _ = self._state
        try:
            written = os.write(self._descriptor, lines)
            if written != len(lines):
                raise OSError(f"only {written} of {len(lines)} bytes were written")
            if self._sync:
                os.fsync(self._descriptor)
            self._state = (size + written, following)
        except BaseException:
            self._settle(size, len(lines), following)
            raise

    def _settle(self, size: int, length: int, following: int) -> None:
        """After an interrupt or a fault: whole lines count, as a reader may have them; anything less is cut off."""
        if self._state[0] != size:
            return
        written = os.fstat(self._descriptor).st_size - size
        if written == length:
            self._state = (size + length, following)
        elif written:
            os.ftruncate(self._descriptor, size)

    def _write_slowly(self, new: Held) -> None:
        """What does not simply follow the last line: the lane is closed, a segment begins, or memory holds some."""
        if self._closed:
            raise EndedError("the experiment has ended")
        if self._folder is None:
            return self._hold(new, "no folder can be written")
        if self._clock() < self._disk_rests_until:
            return self._hold(new, self._disk_problem)
        try:
            self._empty_memory()
            self._begin_segment_if_due(new.first)
            self._put(new.lines, new.following)
        except JournalFullError:
            raise
        except OSError as problem:
            self._set_by(problem, new)

    def _empty_memory(self) -> None:
        """Writes what memory holds; meanwhile it may be delivered from there, and readers then leave it out."""
        due = 0
        while (held := self.spill.first()) is not None:
            if held.first != due:
                self._leave_segment()
            self._begin_segment_if_due(held.first)
            # The numbers of these lines are given already.
            self._put(held.lines, self._state[1])
            due = held.following
            self.spill.forget_before(due)
        if due and due != self._state[1]:
            self._leave_segment()

    def _set_by(self, problem: OSError, new: Held) -> None:
        self._disk_problem = problem
        self._disk_rests_until = self._clock() + RETRY_SECONDS
        self._hold(new, problem)

    def _hold(self, new: Held, why: OSError | str | None) -> None:
        # A segment's lines are numbered by their place in it: behind a gap another has to begin.
        self._leave_segment()
        taken = False
        try:
            taken = self.spill.add(new)
        finally:
            # An interrupt in between leaves the lines where they are, and so they count.
            self._state = (0, max(self._state[1], self.spill.following))
        if not taken:
            said = why.strerror or why if isinstance(why, OSError) else why
            raise OSError(f"{said}, and the memory set aside for that is full")

    def _begin_segment_if_due(self, first: int) -> None:
        if self._descriptor >= 0 and self._state[0] < self._segment_bytes:
            return
        assert self._folder is not None  # noqa: S101
        # The first segment is always granted: it costs a walk through the folder to know how full it is.
        if self._segment and self._room is not None and not self._room.take(self._segment_bytes):
            raise JournalFullError(self._room.limit)
        # Truncated: what a failed attempt at the same number left.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(self._folder / segment_name(self._lane, first), flags, 0o600)
        self._leave_segment()
        self._state = (0, self._state[1])
        self._segment, self._descriptor = first, descriptor
        if self._sync:
            sync_folder(self._folder)

    def _leave_segment(self) -> None:
        left, self._descriptor = self._descriptor, -1
        if left >= 0:
            os.close(left)

    @property
    def uprooted(self) -> bool:
        """Whether somebody deleted the segment that is being written."""
        with self._lock:
            return self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0

    def rescue(self) -> None:
        """Writes the deleted segment again, from what is left of it as long as it is open."""
        with self._lock:
            if self._descriptor < 0:
                return
            left, (size, following) = self._descriptor, self._state
            content = os.pread(left, size, 0)
            self._descriptor = -1
            try:
                self._begin_segment_if_due(self._segment)
                self._put(content, following)
            except OSError as problem:
                self._leave_segment()
                self._descriptor, self._state = left, (size, following)
                self.take_along(problem)
                raise
            os.close(left)

    def take_along(self, problem: OSError) -> None:
        """Takes what is left of the deleted segment into memory, as far as there is room: no folder can be made."""
        with self._lock:
            if self._descriptor < 0:
                return
            size, following = self._state
            values = following - self._segment
            if values and not self.spill.add(Held(self._segment, values, os.pread(self._descriptor, size, 0))):
                return
            self._disk_problem = problem
            self._leave_segment()
            self._state = (0, following)

    def close(self) -> None:
        """Closes the segment for good: nothing can be added behind an end status."""
        with self._lock:
            if not self._closed:
                self._write_what_interrupted()
            if self.spill and self._folder is not None and not self._closed:
                # What stays in memory is delivered from there.
                with contextlib.suppress(OSError):
                    self._empty_memory()
            self._closed = True
            self._leave_segment()

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptor, whatever another thread of the parent was doing to it."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
