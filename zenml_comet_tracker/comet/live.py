"""The living end of an experiment: its journal, its courier, and the waiting for both."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import traceback
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.delivery.courier import Courier, Progress
from zenml_comet_tracker.comet.delivery.sender import Senders, senders
from zenml_comet_tracker.comet.journal.place import Place
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import End, Header, new_writer_id
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

FINISH_TIMEOUT = 30.0

# Held here, so that one that the program forgot is still ended when the program is.
_living: set[Live] = set()
# Those that a forked child has to let go of, ended or not.
_known: weakref.WeakSet[Live] = weakref.WeakSet()


@dataclass(frozen=True)
class Stats:
    """Counts of logged values; an asset, a tag call or an other counts one.

    `accepted` were written to the journal, `sent` are with the server, `pending` wait in the journal, `refused` the
    server will never take (they are set aside), `dropped` were not written, by reason.
    """

    accepted: int = 0
    sent: int = 0
    pending: int = 0
    refused: int = 0
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


@dataclass(frozen=True)
class _Part:
    """This process's own journal of the experiment and what delivers it."""

    writer: JournalWriter
    courier: Courier
    senders: Senders


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
        # Reentrant: a signal handler may end the experiment while the main thread is at it.
        self._lock = threading.RLock()
        self._ended = False
        self._failed = False
        self._before = Stats()
        self._end_problem: str | None = None
        self._earlier_error = getattr(sys, "last_value", None)
        self._part: _Part | None = self._start()
        _living.add(self)
        _known.add(self)

    @property
    def handshake(self) -> Handshake | None:
        """What the server said when it opened the experiment, None until then."""
        return self._part.courier.handshake if self._part else None

    def opening(self) -> Literal["opened", "refused", "pending"]:
        """What the server said to opening the experiment; `pending` until it answers."""
        if self.handshake is not None:
            return "opened"
        return "refused" if self._part is not None and self._part.courier.progress().refused else "pending"

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._ended

    def append(self, lane: str, content: dict[str, Any], values: int = 1) -> bool:
        """Whether the record is in the journal; it is delivered in the background."""
        part = self._part or self._start_own()
        if part is None:
            return False
        written = part.writer.append(lane, content, values=values)
        sender = part.senders.records
        if not sender.awake:
            sender.wake()
        return written

    def append_file(self, lane: str, content: dict[str, Any], data: Path | bytes, asset_id: str) -> bool:
        """Keeps the bytes as they are now and appends the record that names them."""
        part = self._part or self._start_own()
        if part is None:
            return False
        if self._ended:
            self.drop("the experiment has ended", "the experiment has ended")
            return False
        writer = part.writer
        kept = writer.keep(data, asset_id) if isinstance(data, Path) else writer.keep_bytes(data, asset_id)
        written = writer.append(lane, {**content, "file": kept})
        part.senders.files.wake()
        return written

    def drop(self, reason: str, message: str, values: int = 1) -> None:
        """Counts values that cannot be logged, by reason; `message` says more, once for each reason."""
        part = self._part or self._start_own()
        if part is not None:
            part.writer.drop(reason, message, values)

    def stats(self) -> Stats:
        """The counts now, of this process."""
        if self._part is None:
            return self._before
        writer, courier, before = self._part.writer, self._part.courier, self._before
        accepted = before.accepted + writer.accepted
        sent = before.sent + courier.delivered
        refused = before.refused + courier.refused
        dropped = Counter(before.dropped) + Counter(writer.dropped)
        return Stats(accepted, sent, max(0, accepted - sent - refused), refused, dict(dropped))

    def wait_for_handshake(self, timeout: float) -> Handshake | None:
        """The handshake; None when the server refuses, cannot be reached, or the time is over."""
        if self._part is not None:
            self._wait(self._part, lambda p: self.handshake is not None or p.refused or p.unreachable, timeout)
        return self.handshake

    def flush(self, timeout: float) -> bool:
        """Whether all that was logged before the call is with the server; early when the server cannot be reached."""
        part = self._part
        if part is None:
            return True
        targets, courier = part.writer.written_to(), part.courier
        self._hurry(part)
        self._wait(part, lambda p: courier.reached(targets) or p.finished or p.refused or p.unreachable, timeout)
        return courier.reached(targets) and not courier.refused

    def end(self, error: str | None, timeout: float) -> DeliveryReport:
        """Writes the end status and waits for delivery, at most `timeout` seconds.

        Returns early when the server refuses or cannot be reached and the journal outlives the process. A second call
        waits again, and changes nothing unless it is the first to tell of a failure. A forked child that logged nothing
        has nothing to end.
        """
        self.close(error)
        if self._part is None:
            return DeliveryReport(True, Stats())
        self._hurry(self._part)
        early = self.place.persistent
        progress = self._wait(self._part, lambda p: p.finished or (early and (p.refused or p.unreachable)), timeout)
        return self._report(self._part, progress)

    def close(self, error: str | None) -> None:
        """Writes the end status, so that nothing can be logged any more, and waits for nothing.

        A failure that is told after a good end still counts: what ended its experiment early may fail later.
        """
        with self._lock:
            if self._ended and (error is None or self._failed):
                return
            again, self._ended, self._failed = self._ended, True, error is not None
            _living.discard(self)
            if again and self._part is not None and self._part.courier.stopped:
                self._start_over()
            if self._part is not None:
                self._write_end(self._part, End(time.time_ns() // 1_000_000, self.header.attempt, error))

    def _start_over(self) -> None:
        """A journal for an end status whose own is delivered and gone."""
        self._before = self.stats()
        self.header = replace(self.header, writer=new_writer_id(), mode="get_or_create")
        self._part = self._start()

    def _write_end(self, part: _Part, end: End) -> None:
        try:
            part.writer.end(end)
        except OSError as problem:
            self._end_problem = f"the end status could not be written to the journal: {problem}"
        finally:
            part.writer.close()
            part.courier.finish(end)

    def _report(self, part: _Part, progress: Progress) -> DeliveryReport:
        stats = self.stats()
        if progress.finished and not stats.pending and not stats.refused:
            return DeliveryReport(True, stats)
        reason = "the server refused a part" if progress.finished else progress.reason or "the time was over"
        return DeliveryReport(False, stats, part.writer.folder, self._end_problem or reason)

    def _wait(self, part: _Part, enough: Callable[[Progress], bool], timeout: float) -> Progress:
        deadline = time.monotonic() + timeout
        courier = part.courier
        with courier.changed:
            while True:
                progress = courier.progress()
                left = deadline - time.monotonic()
                if enough(progress) or left <= 0:
                    return progress
                courier.changed.wait(min(left, threading.TIMEOUT_MAX))

    def _hurry(self, part: _Part) -> None:
        part.courier.hurry()
        part.senders.wake()

    def _start(self) -> _Part:
        writer = JournalWriter(self.place.folder, self.header, durability=self._durability)
        courier = Courier(JournalReader(writer.folder), self._api_key, self._new_transport)
        part = _Part(writer, courier, senders(self.header.root))
        part.senders.add(courier)
        return part

    def _start_own(self) -> _Part | None:
        """In a forked child, on its first call; None when the parent had ended the experiment before."""
        with self._lock:
            if self._part is None and self._ended:
                logger.warning("Something logged to experiment %s is dropped: it has ended", self.header.experiment_key)
            elif self._part is None:
                self._part = self._start()
            return self._part

    def _become_child(self) -> None:
        """In a forked child: lets go of what belongs to the parent, without unlocking or ending it."""
        inherited, self._part = self._part, None
        self._before = Stats()
        self._lock = threading.RLock()
        self.header = replace(self.header, writer=new_writer_id(), parent_writer=self.header.writer, primary=False)
        if inherited is not None:
            inherited.writer.forsake()
            inherited.courier.journal.close()


def error_text(error: BaseException | str | None) -> str | None:
    """The text that a failed experiment carries: a traceback, or what the caller says."""
    if error is None:
        return None
    if isinstance(error, str):
        return values.text_of(error)
    return values.text_of("".join(traceback.format_exception(type(error), error, error.__traceback__)))


def _end_at_exit() -> None:
    """Ends what the program left open: failed when the interpreter dies of an exception. One time limit for all."""
    failure: BaseException | None = getattr(sys, "last_value", None)
    left_open = list(_living)
    for live in left_open:
        # In an interactive session the last exception is one of many that the user has seen and gone on from.
        own = failure is not live._earlier_error and not hasattr(sys, "ps1")
        live.close(error_text(failure) if own else None)
    deadline = time.monotonic() + FINISH_TIMEOUT
    for live in left_open:
        report = live.end(None, max(0.0, deadline - time.monotonic()))
        if not report.delivered:
            logger.warning(
                "Experiment %s is not delivered whole (%s). The rest is kept in %s; deliver it with: zenml-comet sync",
                live.header.experiment_key,
                report.reason,
                report.journal,
            )


def _in_child() -> None:
    for live in list(_known):
        with contextlib.suppress(OSError):
            live._become_child()


atexit.register(_end_at_exit)
os.register_at_fork(after_in_child=_in_child)
