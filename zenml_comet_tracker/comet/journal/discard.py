"""Deleting journals, or what the server refused of them, once and for all."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import END_SENT, FILES_FOLDER, GONE_PREFIX, READER_LOCK, REFUSED_SUFFIX
from zenml_comet_tracker.comet.journal.survey import (
    Found,
    Stock,
    is_held,
    nothing_waits,
    refused_files,
    take_stock,
    writer_lives,
)

# What every journal is called: the experiment's key and the writer's random name.
_JOURNAL_NAME = re.compile(r".+\.[0-9a-f]{32}")


def discard(found: Found) -> Stock:
    """Deletes a journal; what it held in that moment. `JournalError` when its writer lives or somebody delivers it."""
    with _owned(found.folder) as journal:
        stock = take_stock(found)
        journal.remove()
        return stock


def discard_refused(found: Found) -> Stock:
    """Deletes the records that the server refused, and their files; what the journal held before.

    A journal that holds nothing else is deleted too. `JournalError` as for `discard`.
    """
    with _owned(found.folder) as journal:
        stock = take_stock(found)
        for entry in list(refused_files(found.folder)):
            if "kept" in entry:
                (found.folder / FILES_FOLDER / str(entry["kept"])).unlink(missing_ok=True)
        for path in found.folder.glob(f"*{REFUSED_SUFFIX}"):
            path.unlink(missing_ok=True)
        if journal.marked(END_SENT) and nothing_waits(found.folder):
            journal.remove()
        return stock


def discard_broken(folder: Path) -> None:
    """Deletes a journal that cannot be read. `JournalError` as for `discard`, and for what is not called like one."""
    if not _JOURNAL_NAME.fullmatch(folder.resolve().name):
        # Others have files of such names too, and much beside them.
        raise JournalError(f"{folder} is not called as journals are; if it is one, delete it by hand")
    if writer_lives(folder) or is_held(folder / READER_LOCK):
        raise JournalError(f"{folder} is in use")
    shutil.rmtree(folder)


def sweep(folder: Path) -> None:
    """Deletes the rest of journals whose deletion was interrupted."""
    for gone in folder.glob(f"{GONE_PREFIX}*"):
        shutil.rmtree(gone, ignore_errors=True)


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[JournalReader]:
    if writer_lives(folder):
        raise JournalError(f"the process that writes {folder} is running")
    journal = JournalReader(folder)
    try:
        yield journal
    finally:
        journal.close()
