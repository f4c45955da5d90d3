"""The reading end of one lane: what is not delivered yet, and how far delivery has come."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.lane_writer import LaneWriter
from zenml_comet_tracker.comet.journal.portion import Cursor, Portion
from zenml_comet_tracker.comet.journal.record import CURSOR_SUFFIX, GONE, REFUSED_SUFFIX, segment_name, segments
from zenml_comet_tracker.comet.journal.spill import Spill

# About one full batch of metrics; what is read beyond the batch is read again.
READ_BYTES = 128 << 10
# More than most rows have, and than the system details, which would keep those behind them out of a request.
ROW_BYTES = 256
LEAST_BYTES = 32 << 10

logger = logging.getLogger(__name__)


@dataclass
class LaneReader:
    """The undelivered lines of one lane: those on disk, then those in the writer's memory, when it is ours.

    `refused` counts the values that the server will never take, by reason; `lost` those whose segments were deleted.
    """

    folder: Path | None
    lane: str
    writer: LaneWriter | None = None
    cursor: Cursor = field(init=False)
    delivered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    # The number behind what was delivered from memory: the disk may have taken it meanwhile.
    _from_memory: int = 1
    # The end of what was read of a segment, when it lacks its newline: still being written, or torn for ever.
    _tail: tuple[int, int] | None = None
    _saved: int = -1
    _saving: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        path = self._cursor_path
        try:
            # Empty when a deliverer died between making the file and writing it.
            saved = b"" if path is None else path.read_bytes()
            self.cursor = Cursor(*orjson.loads(saved)) if saved else Cursor()
        except FileNotFoundError:
            self.cursor = Cursor()
        except (ValueError, TypeError):
            self.cursor = self._start()
            logger.warning("%s is damaged; its lane is delivered from the first segment that is there.", path)
        except OSError as error:
            raise JournalError(f"{path} cannot be read: {error}") from error

    def _start(self) -> Cursor:
        """The first line that is there: what was delivered before it is not told apart from it."""
        there = segments(self.folder, self.lane) if self.folder is not None else []
        return Cursor(there[0], 0, there[0]) if there else Cursor()

    @property
    def _cursor_path(self) -> Path | None:
        return None if self.folder is None else self.folder / f"{self.lane}{CURSOR_SUFFIX}"

    def peek(self, max_values: int, *, checked: bool = False) -> Portion | None:
        """The next lines, at most `max_values`; None when nothing waits.

        A portion without lines holds only what is to be skipped. With `checked`, lines are looked into, and one that
        holds no JSON object is skipped as torn.
        """
        portion = self._peek_disk(max_values)
        if portion is None:
            portion = self._peek_spill(max_values)
            if portion is not None and portion.first > self.delivered_to:
                # The writer has put what comes before on the disk since the look at it; if not, it is lost.
                portion = self._peek_disk(max_values) or portion
        return portion.sound_part() if checked and portion is not None else portion

    def _peek_disk(self, max_values: int) -> Portion | None:
        cursor: Cursor | None = self.cursor
        while cursor is not None:
            # The writer may add to a segment until it opens the next: so the next is looked for first.
            following = self._segment_after(cursor)
            if (portion := self._peek_segment(cursor, max_values)) is not None:
                return portion
            cursor = following
        return None

    @property
    def _spill(self) -> Spill | None:
        return self.writer.spill if self.writer is not None else None

    @property
    def delivered_to(self) -> int:
        """The number behind the last line that is delivered, set aside or lost."""
        return max(self._from_memory, self.cursor.next_sequence)

    @property
    def waiting(self) -> bool:
        """Whether anything follows the cursor, or may, when the disk does not say; reads no line."""
        if self.writer is not None and self.delivered_to >= self.writer.written_to:
            # Of our own lane that is known without a look at the disk.
            return False
        if self._spill:
            return True
        try:
            return self._waits_on_disk()
        except OSError:
            return True

    def _waits_on_disk(self) -> bool:
        cursor: Cursor | None = self.cursor
        while cursor is not None:
            size = self._size(cursor.segment)
            if size > cursor.offset and (cursor.segment, size) != self._tail:
                return True
            cursor = self._segment_after(cursor)
        return False

    def _segment_path(self, first: int) -> str:
        return f"{self.folder}/{segment_name(self.lane, first)}"

    def _size(self, segment: int) -> int:
        try:
            return 0 if self.folder is None else os.stat(self._segment_path(segment)).st_size
        except GONE:
            return 0

    def _segment_after(self, cursor: Cursor) -> Cursor | None:
        """The start of the next segment, None when the writer has opened none.

        It is called by the number that is due, unless lines in between were delivered from memory or deleted.
        """
        if self.folder is None:
            return None
        if cursor.offset and self._size(cursor.next_sequence):
            return Cursor(cursor.next_sequence, 0, cursor.next_sequence)
        later = (first for first in segments(self.folder, self.lane) if first > cursor.segment)
        first = next(later, None)
        return None if first is None else Cursor(first, 0, first)

    def commit(self, portion: Portion) -> None:
        """Moves the cursor behind a delivered portion and deletes the segments before it."""
        self.delivered += portion.values
        self._move(portion)

    def set_aside(self, portion: Portion, reason: str) -> None:
        """Moves the cursor behind lines that the server refused for good, and keeps them with the reason."""
        if self.folder is not None:
            said = orjson.dumps(reason)
            path = self.folder / f"{self.lane}{REFUSED_SUFFIX}"
            # A disk that is full must not keep the lines that follow.
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                with open(descriptor, "wb") as stream:
                    stream.writelines(b'{"reason":%b,"row":%b}\n' % (said, line) for line in portion.lines)
        self.refused[reason] += portion.values
        self._move(portion)

    def _peek_segment(self, cursor: Cursor, max_values: int) -> Portion | None:
        """Lines of one segment, None when it has no more. One without its newline is still being written."""
        data = self._read(cursor, max_values)
        lines = data.split(b"\n", max_values)
        rest = lines.pop()
        if not lines:
            self._tail = (cursor.segment, cursor.offset + len(data)) if data else None
            return None
        after = Cursor(cursor.segment, cursor.offset + len(data) - len(rest), cursor.next_sequence + len(lines))
        more = bool(rest) or self._segment_after(after) is not None
        # What was delivered from memory, or from a write that the disk then did not take as a whole.
        known = max(0, min(self.delivered_to - cursor.next_sequence, len(lines)))
        return Portion(cursor.next_sequence + known, lines[known:], after, more=more)

    def _peek_spill(self, max_values: int) -> Portion | None:
        """Lines from memory, of calls that follow each other."""
        first = self.delivered_to
        lines: list[bytes] = []
        for held in self._spill.oldest(max_values) if self._spill else ():
            if not lines:
                first = max(first, held.first)
            elif held.first != first + len(lines):
                break
            lines += held.lines.split(b"\n")[max(0, first - held.first) if not lines else 0 : -1]
        del lines[max_values:]
        return Portion(first, lines, None, more=True) if lines else None

    def _read(self, cursor: Cursor, max_values: int) -> bytes:
        """What follows the cursor in its segment: about as much as is asked for, or as one long line needs."""
        if self.folder is None:
            return b""
        try:
            descriptor = os.open(self._segment_path(cursor.segment), os.O_RDONLY | os.O_CLOEXEC)
        except GONE:
            return b""
        size = min(READ_BYTES, max(LEAST_BYTES, ROW_BYTES * max_values))
        try:
            blocks = [os.pread(descriptor, size, cursor.offset)]
            length = len(blocks[0])
            while b"\n" not in blocks[-1] and (block := os.pread(descriptor, READ_BYTES, cursor.offset + length)):
                blocks.append(block)
                length += len(block)
            return b"".join(blocks)
        finally:
            os.close(descriptor)

    def _move(self, portion: Portion) -> None:
        """Moves on in memory whatever happens: a cursor that cannot be saved costs a repetition after a crash."""
        self.lost += portion.torn
        if portion.lines:
            self.lost += max(0, portion.first - self.delivered_to)
        if portion.after is None:
            self._from_memory = portion.first + portion.values
        left, self.cursor = self.cursor, portion.after or self.cursor
        if self._spill:
            self._spill.forget_before(self.delivered_to)
        if portion.after is None or self.folder is None:
            return
        try:
            self._save_cursor()
            if self.cursor.segment != left.segment:
                self._delete_segments()
        except OSError as error:
            logger.debug("The cursor of %s in %s cannot be saved: %s", self.lane, self.folder, error)

    def _save_cursor(self) -> None:
        """In place and always of one length: replacing the file costs milliseconds on some file systems."""
        cursor = self.cursor
        content = b"[%20d,%20d,%20d]\n" % (cursor.segment, cursor.offset, cursor.next_sequence)
        # Another thread may close the file, and the number of a closed one may be somebody else's at once.
        with self._saving:
            if self._saved < 0:
                assert self._cursor_path is not None  # noqa: S101
                self._saved = os.open(self._cursor_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._saved, content, 0)

    def _delete_segments(self) -> None:
        assert self.folder is not None  # noqa: S101
        for first in segments(self.folder, self.lane):
            if first < self.cursor.segment:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._segment_path(first))

    def close(self) -> None:
        """Closes the cursor's file."""
        with self._saving:
            self.forsake()

    def forsake(self) -> None:
        """The same in a forked child, where the lock may be held by a thread that it lacks."""
        saved, self._saved = self._saved, -1
        if saved >= 0:
            with contextlib.suppress(OSError):
                os.close(saved)
