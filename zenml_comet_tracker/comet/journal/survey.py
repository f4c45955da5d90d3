"""What lies in a folder of journals: whose they are, whether their writers live, what waits in them.

Looking changes nothing, and disturbs neither a living writer nor whoever delivers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.lane_reader import LaneReader
from zenml_comet_tracker.comet.journal.record import (
    END_SENT,
    HEADER_FILE,
    LANES,
    READER_LOCK,
    REFUSED_SUFFIX,
    REST,
    WRITER_LOCK,
    End,
    Header,
    segment_name,
    segments,
)
from zenml_comet_tracker.comet.journal.room import size_below

# Lines are counted this many at a time, so that a journal of any size is counted in constant memory.
COUNTED_AT_ONCE = 10_000
# Longer than most lines: the last one of a lane says when it was written.
TAIL_BYTES = 16 << 10
# The other by which clients name an experiment.
NAME_KEY = "Name"


@dataclass(frozen=True)
class Found:
    """A journal on disk. `alive` says that its writer still runs."""

    folder: Path
    header: Header
    alive: bool

    @property
    def delivers_itself(self) -> bool:
        """Whether it is left to its own process."""
        return self.alive and not self.header.offline


@dataclass(frozen=True)
class Broken:
    """A folder that is a journal, or was, and that nobody can read."""

    folder: Path
    reason: str


@dataclass(frozen=True)
class Stock:
    """What a journal holds.

    `waiting` are values by lane, `refused` values that the server will never take, by reason; `size` is in bytes, all
    of it together. `name` is that of the experiment, when the journal still has it. `last_millis` is the time of the
    last record.
    """

    waiting: dict[str, int]
    refused: Counter[str]
    size: int
    name: str | None
    ended: bool
    last_millis: int

    @property
    def values(self) -> int:
        """How many values wait, in all lanes."""
        return sum(self.waiting.values())


@dataclass(frozen=True)
class Survey:
    """What was found, oldest first, and what cannot be read."""

    journals: list[Found] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


def survey(folder: Path) -> Survey:
    """The journals below a folder, or the folder itself, if it is one."""
    found, broken = [], []
    for candidate in candidates(folder):
        try:
            found.append(Found(candidate, Header.load(candidate), writer_lives(candidate)))
        except JournalError as error:
            # Its last reader may have deleted it in this moment.
            if candidate.exists():
                broken.append(Broken(candidate, str(error)))
    return Survey(sorted(found, key=lambda journal: age(journal.folder, journal.header)), broken)


def age(folder: Path, header: Header) -> tuple[int, int]:
    """What sorts journals, the oldest first: by when their experiments began and, of one experiment, by when they did.

    What is said of an experiment that had ended is in a journal of its own, and must not be sent first.
    """
    try:
        return header.started_millis, (folder / HEADER_FILE).stat().st_mtime_ns
    except OSError:
        return header.started_millis, 0


def candidates(folder: Path) -> Iterator[Path]:
    """The folders that look like journals, below a folder or the folder itself."""
    if _is_journal(folder):
        yield folder
        return
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and _is_journal(Path(entry.path)):
                yield Path(entry.path)


def _is_journal(folder: Path) -> bool:
    """Whether it has a header, or records of a journal whose header is gone."""
    return (folder / HEADER_FILE).exists() or any(_segments(folder, lane) for lane in LANES)


def writer_lives(folder: Path) -> bool:
    """Whether the process that writes the journal still runs."""
    return is_held(folder / WRITER_LOCK)


def being_delivered(found: Found) -> bool:
    """Whether somebody owns the cursors of the journal now.

    A writer that delivers its own journal is believed: asking for its lock could come between it and its lock.
    """
    return found.delivers_itself or is_held(found.folder / READER_LOCK)


def is_settled(folder: Path) -> bool:
    """Whether only records that the server refused are left, for the owner to look at: nothing can be delivered."""
    try:
        if not (folder / END_SENT).exists() or not any(folder.glob(f"*{REFUSED_SUFFIX}")):
            return False
        return nothing_waits(folder)
    except OSError:
        # It cannot be read, or was deleted meanwhile; whoever wants to deliver it sees.
        return False


def nothing_waits(folder: Path) -> bool:
    """Whether every lane is delivered or set aside. `JournalError` when a cursor cannot be read."""
    return all(LaneReader(folder, lane).peek(1) is None for lane in LANES)


def is_held(lock: Path) -> bool:
    """Whether a process holds the lock; looking keeps nobody from taking it."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that two who look do not take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        # A process that is forked in this moment must not inherit it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def take_stock(found: Found) -> Stock:
    """What the journal holds now, counted record by record. `JournalError` when a cursor or the end is broken."""
    folder = found.folder
    return Stock(
        waiting={lane: count for lane in LANES if (count := _count(folder, lane))},
        refused=refused_values(folder),
        size=size_below(folder),
        name=last_other(folder, NAME_KEY),
        ended=End.load(folder) is not None,
        last_millis=last_written_millis(found),
    )


def refused_values(folder: Path) -> Counter[str]:
    """How many values of a journal the server will never take, by reason."""
    refused: Counter[str] = Counter()
    for line in _refused_lines(folder):
        refused[str(line.get("reason"))] += 1
    return refused


def refused_files(folder: Path) -> Iterator[dict[str, Any]]:
    """The entries of the kept files that belong to records set aside."""
    for line in _refused_lines(folder):
        row = line.get("row")
        if isinstance(row, dict) and isinstance(row.get("file"), dict):
            yield row["file"]


def _refused_lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(f"*{REFUSED_SUFFIX}")):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            for line in stream:
                yield _row(line) or {"reason": "unreadable"}


def _count(folder: Path, lane: str) -> int:
    reader = LaneReader(folder, lane)
    total = 0
    while reader.waiting and (portion := reader.peek(COUNTED_AT_ONCE, checked=True)) is not None:
        total += portion.values
        reader.cursor = portion.after or reader.cursor
    return total


def last_other(folder: Path, name: str) -> str | None:
    """The value that the journal last gave to an other of this name, as far as it still has it."""
    value, mark = None, orjson.dumps(name)
    for path in _segments(folder, REST):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            for row in (_row(line) for line in stream if mark in line):
                if row.get("k") == "other" and row.get("name") == name:
                    value = str(row.get("value"))
    return value


def last_written_millis(found: Found) -> int:
    """When the last record of the journal was written, by its writer's clock; its start when it holds none."""
    newest = (path for lane in LANES for path in _segments(found.folder, lane)[-1:])
    rows = [_row(_tail(path)) for path in newest]
    times = (row.get("timestamp", row.get("t")) for row in rows)
    return max([found.header.started_millis, *(int(time) for time in times if isinstance(time, int))])


def _segments(folder: Path, lane: str) -> list[Path]:
    """The segments of a lane, oldest first."""
    return [folder / segment_name(lane, first) for first in segments(folder, lane)]


def _tail(path: Path) -> bytes:
    """The last whole line of a segment; empty when it has none."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            span = TAIL_BYTES
            while True:
                stream.seek(max(0, size - span))
                lines = stream.read(min(span, size)).rpartition(b"\n")[0].rsplit(b"\n", 1)
                if len(lines) == 2 or span >= size:
                    return lines[-1]
                span *= 4
    except FileNotFoundError:
        return b""


def _row(line: bytes) -> dict[str, Any]:
    """What a line holds; nothing when it is torn."""
    try:
        row = orjson.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
