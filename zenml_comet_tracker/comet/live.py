"""The living end of an experiment: its journal, its courier, and the waiting for both."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.delivery.courier import Courier, Progress
from zenml_comet_tracker.comet.delivery.sender import senders
from zenml_comet_tracker.comet.journal.place import Place
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import End, Header
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

FINISH_TIMEOUT = 30.0

_living: weakref.WeakSet[Live] = weakref.WeakSet()


@dataclass(frozen=True)
class Stats:
    """Counts of logged values; an asset, a tag call or an other counts one.

    `accepted` were written to the journal, `sent` are with the server, `pending` wait in the journal, `refused` the
    server will never take (they are set aside), `dropped` were not written, by reason.
    """

    accepted: int
    sent: int
    pending: int
    refused: int
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryReport:
    """What `end` leaves behind. `delivered` says that everything logged is with the server, the end status too.

    Otherwise `reason` says what stood in the way and `journal` is the folder that still holds the rest.
    """

    delivered: bool
    stats: Stats
    journal: Path | None = None
    reason: str | None = None


class Live:
    """One process's part of one experiment. After a fork, the child starts a journal of its own on its first call."""

    def __init__(
        self,
        header: Header,
        place: Place,
        api_key: str,
        new_transport: Callable[[], Transport],
        *,
        durability: str = "process",
    ) -> None:
        self.header = header
        self.place = place
        self._api_key = api_key
        self._new_transport = new_transport
        self._durability = durability
        self._lock = threading.Lock()
        self._ended = False
        self._report: DeliveryReport | None = None
        self._writer, self._courier = self._start()
        self._inherited = False
        _living.add(self)

    @property
    def handshake(self) -> Handshake | None:
        """What the server said when it opened the experiment, None until then."""
        return self._courier.handshake

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._ended

    def append(self, lane: str, content: dict[str, Any], values: int = 1) -> bool:
        """Whether the record is in the journal; it is delivered in the background."""
        if self._inherited:
            self._start_own()
        written = self._writer.append(lane, content, values=values)
        sender = senders().records
        if not sender.awake:
            sender.wake()
        return written

    def append_file(self, lane: str, content: dict[str, Any], data: Path | bytes, asset_id: str) -> bool:
        """Keeps the bytes as they are now and appends the record that names them."""
        if self._inherited:
            self._start_own()
        if self._ended:
            self.drop("not written to the journal: the experiment has ended")
            return False
        kept = self._writer.keep(data, asset_id) if isinstance(data, Path) else self._writer.keep_bytes(data, asset_id)
        written = self._writer.append(lane, {**content, "file": kept})
        senders().files.wake()
        return written

    def drop(self, reason: str, values: int = 1) -> None:
        """Counts values that cannot be logged."""
        self._writer.drop(reason, values)

    def stats(self) -> Stats:
        """The counts now."""
        accepted, sent, refused = self._writer.accepted, self._courier.delivered, self._courier.refused
        return Stats(accepted, sent, max(0, accepted - sent - refused), refused, dict(self._writer.dropped))

    def wait_for_handshake(self, timeout: float) -> Handshake | None:
        """The handshake; None when the server refuses, cannot be reached, or the time is over."""
        self._wait(lambda p: self.handshake is not None or p.refused or p.unreachable, timeout)
        return self.handshake

    def flush(self, timeout: float) -> bool:
        """Whether everything logged so far was delivered in time; returns early when the server cannot be reached."""
        self._hurry()
        progress = self._wait(lambda p: p.drained or p.finished or p.refused or p.unreachable, timeout)
        return progress.drained or (progress.finished and not self.stats().pending)

    def end(self, error: str | None, timeout: float) -> DeliveryReport:
        """Writes the end status and waits for delivery, at most `timeout` seconds.

        Returns early when the server refuses or cannot be reached and the journal outlives the process. A second call
        waits again and changes nothing.
        """
        with self._lock:
            if not self._ended:
                self._ended = True
                self._writer.end(End(time.time_ns() // 1_000_000, self.header.attempt, error))
                self._writer.close()
        self._hurry()
        early = self.place.persistent
        progress = self._wait(lambda p: p.finished or (early and (p.refused or p.unreachable)), timeout)
        return self._final_report(progress)

    def _final_report(self, progress: Progress) -> DeliveryReport:
        stats = self.stats()
        if progress.finished and not stats.pending and not stats.refused:
            return DeliveryReport(True, stats)
        reason = progress.reason or ("the server refused a part" if progress.finished else "the time was over")
        return DeliveryReport(False, stats, self._writer.folder, reason)

    def _wait(self, enough: Callable[[Progress], bool], timeout: float) -> Progress:
        deadline = time.monotonic() + timeout
        courier = self._courier
        with courier.changed:
            while True:
                progress = courier.progress()
                left = deadline - time.monotonic()
                if enough(progress) or left <= 0:
                    return progress
                courier.changed.wait(left)

    def _hurry(self) -> None:
        self._courier.hurry()
        senders().wake(urgent=True)

    def _start(self) -> tuple[JournalWriter, Courier]:
        writer = JournalWriter(self.place.folder, self.header, durability=self._durability)
        courier = Courier(JournalReader(writer.folder), self._api_key, self._new_transport)
        senders().add(courier)
        return writer, courier

    def _start_own(self) -> None:
        with self._lock:
            if self._inherited:
                self._writer, self._courier = self._start()
                self._inherited = False

    def _become_child(self) -> None:
        """In a forked child: lets go of what belongs to the parent, without unlocking it."""
        self._lock = threading.Lock()
        self._writer.forsake()
        self._courier.journal.close()
        self.header = replace(self.header, writer=os.urandom(16).hex(), parent_writer=self.header.writer, primary=False)
        self._inherited = not self._ended


def _end_at_exit() -> None:
    """Ends what the program left open: failed when the interpreter dies of an exception."""
    failure: BaseException | None = getattr(sys, "last_value", None)
    for live in list(_living):
        if not live.ended and not live._inherited:
            live.end(error_text(failure), FINISH_TIMEOUT)


def error_text(error: BaseException | str | None) -> str | None:
    """The text that a failed experiment carries: a traceback, or what the caller says."""
    if error is None or isinstance(error, str):
        return error
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _in_child() -> None:
    for live in list(_living):
        live._become_child()


atexit.register(_end_at_exit)
os.register_at_fork(after_in_child=_in_child)
