"""The reading end of a journal: what is not delivered yet, lane by lane, and how far delivery has come."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.record import (
    FILES_FOLDER,
    LANES,
    READER_LOCK,
    End,
    Header,
    Record,
    parse_line,
    segment_name,
    write_whole,
)

# About one full batch of metrics a read; what is read beyond the batch is read again.
READ_BYTES = 128 << 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cursor:
    """Everything before this place is delivered: segment number, byte offset in it, next sequence number."""

    segment: int = 1
    offset: int = 0
    next_sequence: int = 1


@dataclass(frozen=True)
class Portion:
    """Whole records that follow the cursor, and the cursor that stands behind them. `torn` lines are skipped."""

    records: list[Record]
    after: Cursor
    torn: int = 0

    @property
    def values(self) -> int:
        """How many values the records hold."""
        return sum(record.values for record in self.records)


@dataclass
class LaneReader:
    """The undelivered records of one lane. `refused` counts the values that the server will never take."""

    folder: Path
    lane: str
    cursor: Cursor = field(init=False)
    delivered: int = 0
    refused: int = 0
    # Segments, by number and size, whose last line lacks its newline: still being written, or torn for ever.
    _tails: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        try:
            self.cursor = Cursor(**orjson.loads(self._cursor_path.read_bytes()))
        except FileNotFoundError:
            self.cursor = Cursor()
        except (OSError, ValueError, TypeError) as error:
            raise JournalError(f"{self._cursor_path} cannot be read: {error}") from error

    @property
    def _cursor_path(self) -> Path:
        return self.folder / f"{self.lane}.cursor"

    def peek(self, max_values: int) -> Portion | None:
        """The next records, of at most `max_values` values but at least one record; None when nothing waits.

        Records of a portion follow each other without a gap in their sequence numbers, so that the first number tells
        all of them.
        """
        cursor = self.cursor
        while True:
            portion = self._peek_segment(cursor, max_values)
            if portion.records or portion.torn:
                return portion
            following = Cursor(cursor.segment + 1, 0, cursor.next_sequence)
            if not self._segment_path(following.segment).exists():
                return None
            # The writer may have added to this segment between the look and the opening of the next; now it cannot.
            portion = self._peek_segment(cursor, max_values)
            if portion.records or portion.torn:
                return portion
            cursor = following

    @property
    def waiting(self) -> bool:
        """Whether anything follows the cursor; reads no record."""
        number, offset = self.cursor.segment, self.cursor.offset
        while (size := self._size(number)) is not None:
            if size > offset and (number, size) not in self._tails:
                return True
            number, offset = number + 1, 0
        return False

    def _segment_path(self, number: int) -> Path:
        return self.folder / segment_name(self.lane, number)

    def _size(self, number: int) -> int | None:
        try:
            return self._segment_path(number).stat().st_size
        except FileNotFoundError:
            return None

    def commit(self, portion: Portion) -> None:
        """Moves the cursor behind a delivered portion and deletes the segments before it."""
        self.delivered += portion.values
        self._move(portion.after)

    def set_aside(self, portion: Portion, reason: str) -> None:
        """Moves the cursor behind records that the server refused for good, and keeps them with the reason."""
        lines = [orjson.dumps({"reason": reason, "record": r.content}) + b"\n" for r in portion.records]
        path = self.folder / f"{self.lane}.refused.jsonl"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.writelines(lines)
        self.refused += portion.values
        self._move(portion.after)

    def _peek_segment(self, cursor: Cursor, max_values: int) -> Portion:
        """Records of one segment. A torn line before a newline is skipped; one at the end is still being written."""
        data = self._read_lines(cursor)
        if b"\n" not in data:
            self._tails.add((cursor.segment, cursor.offset + len(data)))
            return Portion([], cursor)
        records: list[Record] = []
        offset, sequence, values, torn = cursor.offset, cursor.next_sequence, 0, 0
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            record = parse_line(line)
            if record is not None:
                if records and (values + record.values > max_values or record.sequence != sequence):
                    break
                records.append(record)
                values += record.values
                sequence = record.sequence + record.values
            else:
                torn += 1
            offset += len(line)
        return Portion(records, Cursor(cursor.segment, offset, sequence), torn)

    def _read_lines(self, cursor: Cursor) -> bytes:
        """What follows the cursor in its segment: about one read, or as much as one long line needs."""
        try:
            with self._segment_path(cursor.segment).open("rb") as stream:
                stream.seek(cursor.offset)
                blocks = [stream.read(READ_BYTES)]
                while b"\n" not in blocks[-1] and (block := stream.read(READ_BYTES)):
                    blocks.append(block)
        except FileNotFoundError:
            return b""
        return b"".join(blocks)

    def _move(self, cursor: Cursor) -> None:
        """Moves on in memory whatever happens: a cursor that cannot be saved costs a repetition after a crash."""
        left, self.cursor = self.cursor, cursor
        content = {"segment": cursor.segment, "offset": cursor.offset, "next_sequence": cursor.next_sequence}
        try:
            write_whole(self._cursor_path, orjson.dumps(content))
            for number in range(left.segment, cursor.segment):
                self._segment_path(number).unlink(missing_ok=True)
        except OSError as error:
            logger.debug("%s cannot be saved: %s", self._cursor_path, error)


class JournalReader:
    """Whoever holds this owns the cursors of the journal. `JournalError` when somebody else does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.header = Header.load(folder)
        self._lock = os.open(folder / READER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise JournalError(f"{folder} is being delivered by another process") from error
        self.lanes = {lane: LaneReader(folder, lane) for lane in LANES}

    def end(self) -> End | None:
        """The end status, None while there is none."""
        return End.load(self.folder)

    def mark(self, name: str) -> None:
        """Remembers a fact about the journal; one that cannot be saved is only known to this process."""
        with contextlib.suppress(OSError):
            write_whole(self.folder / name, b"")

    def marked(self, name: str) -> bool:
        """Whether the fact was remembered, by this process or another."""
        return (self.folder / name).exists()

    def set_aside(self) -> int:
        """How many records lie set aside, from this delivery or an earlier one."""
        return sum(path.read_bytes().count(b"\n") for path in self.folder.glob("*.refused.jsonl"))

    def kept_file(self, content: dict[str, Any]) -> Path:
        """Where the bytes of a file record are; `JournalError` when they are gone or not those of the call."""
        if "kept" in content:
            path = self.folder / FILES_FOLDER / str(content["kept"])
            if not path.exists():
                raise JournalError(f"the kept copy {path} is gone")
            return path
        path = Path(content["path"])
        try:
            status = path.stat()
        except OSError as error:
            raise JournalError(f"{path} is gone: {error.strerror}") from error
        then = (content["size"], content["mtime_ns"], content["inode"])
        if (status.st_size, status.st_mtime_ns, status.st_ino) != then:
            raise JournalError(f"{path} changed after it was logged; it was too large to be copied")
        return path

    def forget_file(self, content: dict[str, Any]) -> None:
        """Gives back the space of a delivered file."""
        if "kept" in content:
            (self.folder / FILES_FOLDER / content["kept"]).unlink(missing_ok=True)

    def remove(self) -> None:
        """Deletes the journal, which must be delivered and closed by its writer."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Lets go of the cursors."""
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = -1
