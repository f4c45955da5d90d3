"""The journal that a process makes for its own part of an experiment."""

from __future__ import annotations

import logging

from zenml_comet_tracker.comet.delivery.offline import OfflineJournal
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.handle import Handle
from zenml_comet_tracker.comet.journal.place import Place, find_place
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.room import room_in
from zenml_comet_tracker.comet.journal.writer import JournalWriter

logger = logging.getLogger(__name__)

Journal = tuple[Place, JournalWriter, JournalReader | OfflineJournal]


def new_journal(handle: Handle, place: Place) -> Journal:
    """A journal, and where it is: in `place`, else in the next one that can be written, else in memory."""
    try:
        return _journal_at(handle, place)
    except JournalError as error:
        logger.warning("%s; trying another place.", error)
    # It may have been deleted, or be that of another host.
    try:
        return _journal_at(handle, find_place(place.folder))
    except JournalError as error:
        logger.warning("%s. What is logged is kept in memory, and dies with the process.", error)
    return _journal_at(handle, Place(None, persistent=False))


def _journal_at(handle: Handle, place: Place) -> Journal:
    room = None if place.folder is None else room_in(place.folder, handle.max_bytes)
    writer = JournalWriter(place.folder, handle.header, durability=handle.durability, room=room)
    if handle.header.offline:
        return place, writer, OfflineJournal(writer)
    try:
        return place, writer, JournalReader(writer.folder, writer)
    except JournalError:
        writer.close()
        raise
