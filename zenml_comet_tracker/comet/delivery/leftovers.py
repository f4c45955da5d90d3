"""Journals that nobody delivers any more: found, and delivered by whoever asks."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import END_SENT, HEADER_FILE, WRITER_LOCK, End, Header
from zenml_comet_tracker.comet.transport import Transport

DIED = "The process that logged this experiment died without ending it."


@dataclass(frozen=True)
class Leftover:
    """A journal on disk. `alive` says that its writer still runs and delivers it itself."""

    folder: Path
    header: Header
    alive: bool


@dataclass(frozen=True)
class Delivery:
    """What became of a leftover: values sent now, records set aside (now or earlier), and whether anything still waits.

    `reason` says why something waits. A journal with records set aside is kept, for its owner to look at.
    """

    sent: int
    set_aside: int
    waiting: bool
    reason: str | None


def find_leftovers(folder: Path) -> tuple[list[Leftover], list[str]]:
    """The journals below a folder (or the folder itself, if it is one), oldest first, and what could not be read."""
    candidates = [folder] if (folder / HEADER_FILE).exists() else [p.parent for p in folder.glob(f"*/{HEADER_FILE}")]
    found, problems = [], []
    for candidate in candidates:
        try:
            found.append(Leftover(candidate, Header.load(candidate), _writer_lives(candidate)))
        except JournalError as error:
            problems.append(str(error))
    return sorted(found, key=lambda leftover: leftover.header.started_millis), problems


def deliver_leftover(leftover: Leftover, api_key: str, new_transport: Callable[[], Transport]) -> Delivery:
    """Delivers as much as goes now. `JournalError` when another process is at it.

    A dead primary writer that left no end status is closed as failed, at the time of its last record.
    """
    journal = JournalReader(leftover.folder)
    courier = Courier(journal, api_key, new_transport, adopted=True)
    if journal.end() is None and not journal.marked(END_SENT):
        error = DIED if leftover.header.primary else None
        courier.finish(End(_last_written_millis(leftover.folder), leftover.header.attempt, error))
    try:
        moved = -1
        while moved != courier.delivered + courier.refused:
            moved = courier.delivered + courier.refused
            courier.deliver_records()
            courier.deliver_files()
        progress = courier.progress()
        kept = journal.set_aside()
        return Delivery(courier.delivered, kept, not progress.finished, progress.reason)
    finally:
        courier.stop()


def _writer_lives(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / WRITER_LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _last_written_millis(folder: Path) -> int:
    newest = max((path.stat().st_mtime_ns for path in folder.glob("*.jsonl")), default=folder.stat().st_mtime_ns)
    return newest // 1_000_000
