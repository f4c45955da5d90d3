"""The living part of an experiment in one process: its journal, its courier, and the waiting for both."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from zenml_comet_tracker.comet import exits, sigterm
from zenml_comet_tracker.comet.companions import Companions
from zenml_comet_tracker.comet.counts import LOST, counts_of
from zenml_comet_tracker.comet.delivery.adoption import Adopter, Kin
from zenml_comet_tracker.comet.delivery.courier import Courier, Progress
from zenml_comet_tracker.comet.delivery.fostering import Fostering
from zenml_comet_tracker.comet.delivery.offline import OfflineCourier, OfflineJournal
from zenml_comet_tracker.comet.delivery.sender import Senders, senders
from zenml_comet_tracker.comet.handle import Handle
from zenml_comet_tracker.comet.journal.files import JournalFullError
from zenml_comet_tracker.comet.journal.record import SHARED, End, Header, encode, new_writer_id
from zenml_comet_tracker.comet.journal.room import room_in, size_below
from zenml_comet_tracker.comet.journal.writer import FULL, JournalWriter
from zenml_comet_tracker.comet.own_journal import new_journal
from zenml_comet_tracker.comet.ranks import Ranks
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.stats import DeliveryReport, Stats
from zenml_comet_tracker.comet.transport import open_transport
from zenml_comet_tracker.comet.transport.kept import kept_transports

logger = logging.getLogger(__name__)

ENDED = "the experiment has ended"
# Python does not wake a thread for a signal that comes in the moment before it sleeps.
SIGNALS_SECONDS = 0.5


@dataclass(frozen=True)
class _Part:
    """This process's own journal of the experiment and what delivers it."""

    writer: JournalWriter
    courier: Courier | OfflineCourier
    senders: Senders
    fostering: Fostering | None


class Live:
    """One process's part of one experiment.

    It begins at once, or with the first call when it is `lazy`. After a fork the child has a part of its own, which
    begins with its first call.
    """

    def __init__(self, handle: Handle, *, lazy: bool = False) -> None:
        self._handle = handle
        self._place = handle.place
        self._new_transport = functools.partial(open_transport, handle.settings)
        self._kept_transport = functools.partial(kept_transports.take, handle.settings)
        self.ranks = Ranks(handle.ranks)
        # Reentrant: a signal handler may end the experiment while the main thread is at it.
        self._lock = threading.RLock()
        self._ended = handle.ended
        # Nothing that is told of the end any more can be truer.
        self._settled = False
        self._has_kin = False
        self._before = Stats()
        self._dropped: Counter[str] = Counter()
        self._end_problem: str | None = None
        self.companions = Companions()
        # When the user says that it ended, and when it did.
        self.ended_millis: int | None = None
        self.closed_millis: int | None = None
        self._part: _Part | None = None
        exits.know(self)
        if not lazy and not self.ranks.silent:
            self._start()

    @property
    def header(self) -> Header:
        """What the journal of this process says of itself, or will."""
        return self._handle.header

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
    def delayed_by(self) -> str | None:
        """Why nothing is delivered at the moment; None when nothing is known to be in the way."""
        return None if self._part is None else self._part.courier.progress().reason

    def monitor_seconds(self) -> float | None:
        """How often the server wants system metrics, None while it has not said."""
        return None if self._part is None else self._part.courier.monitor_seconds

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._ended

    @property
    def folder(self) -> Path | None:
        """Where the journals lie; None when they are in memory."""
        return self._place.folder

    def has_room_for(self, size: int) -> bool:
        """Whether so many bytes of files may be put where the journals lie."""
        folder = self._place.folder
        return folder is not None and room_in(folder, self._handle.max_bytes).take(size, for_file=True)

    def handle(self) -> Handle:
        """What another process needs to log to the experiment as well."""
        self.expect_kin()
        return replace(self._handle, ended=self._ended)

    def append(self, lane: str, rows: list[Any]) -> bool:
        """Whether these rows are in the journal; they are delivered in the background."""
        return self.append_lines(lane, encode(rows), len(rows))

    def append_lines(self, lane: str, lines: bytes, values: int) -> bool:
        """As `append`, for rows that are lines already, each with its newline."""
        part = self._part or self._begin_part()
        if part is None:
            return self.refuse(values)
        written = part.writer.append_lines(lane, lines, values)
        sender = part.senders.records
        if not sender.awake:
            sender.wake()
        return written

    def append_file(self, lane: str, row: dict[str, Any], data: Path | bytes, asset_id: str) -> bool:
        """Keeps the bytes as they are now and appends the record that names them."""
        part = self._part or self._begin_part()
        if part is None or self._ended:
            return self.refuse(1)
        files = part.writer.files
        try:
            kept = files.keep(data, asset_id) if isinstance(data, Path) else files.keep_bytes(data, asset_id)
        except OSError as error:
            reason = FULL if isinstance(error, JournalFullError) else f"file not kept: {error.strerror or error}"
            part.writer.drop(reason, str(error))
            return False
        written = part.writer.append(lane, [{**row, "file": kept}])
        if not written:
            files.forget(kept)
        part.senders.files.wake()
        return written

    def drop(self, reason: str, message: str, values: int = 1, level: int = logging.WARNING) -> None:
        """Counts values that cannot be logged, by reason; `message` says more, once for each reason."""
        with self._lock:
            first = reason not in self._dropped
            self._dropped[reason] += values
        if first:
            logger.log(level, "Something logged to experiment %s is dropped: %s", self.header.experiment_key, message)

    def refuse(self, values: int) -> bool:
        """Counts what comes after the end, or from a rank that logs nothing."""
        if self.ranks.silent and not self._ended:
            self.drop(self.ranks.reason, self.ranks.explanation, values, self.ranks.level)
        else:
            self.drop(ENDED, ENDED, values)
        return False

    def stats(self) -> Stats:
        """The counts now, of this process."""
        counted = self._before + Stats(dropped=dict(self._dropped))
        return counted if self._part is None else counted + counts_of(self._part.writer, self._part.courier)

    def wait_for_handshake(self, timeout: float) -> Handshake | None:
        """The handshake; None when the server refuses, cannot be reached, or the time is over."""
        part = self._part or self._begin_part()
        if part is not None:
            self._wait(part, lambda p: self.handshake is not None or p.refused or p.unreachable, timeout)
        return self.handshake

    def flush(self, timeout: float) -> bool:
        """Whether all that was logged before the call is with the server; early when the server cannot be reached.

        One line in the log says what is left, if anything is.
        """
        self.companions.gather()
        part = self._part
        if part is None:
            return True
        targets, courier = part.writer.written_to(), part.courier
        self._hurry(part)
        progress = self._wait(
            part, lambda p: courier.reached(targets) or p.finished or p.refused or p.unreachable, timeout
        )
        if not courier.reached(targets) and not self.header.offline:
            logger.warning("%s", self.describe(self._report(part, progress)))
        return courier.reached(targets) and not courier.refused and not courier.lost

    def end(self, error: str | None, timeout: float, ended_as: str | None = None) -> DeliveryReport:
        """Writes the end status and waits for delivery, at most `timeout` seconds.

        Returns early when the server refuses or cannot be reached and the journal outlives the process. A second call
        waits again, and changes nothing unless it is the first to tell of a failure or a stop. A forked child that
        logged nothing has nothing to end.
        """
        deadline = time.monotonic() + timeout
        self.close(error, ended_as)
        beside = self.companions.finish(deadline)
        report = self._end_part(deadline)
        if not beside:
            return report
        return replace(report, delivered=False, reason=report.reason or beside[0], beside=beside)

    def _end_part(self, deadline: float) -> DeliveryReport:
        part = self._part
        try:
            if part is None:
                return DeliveryReport(True, self.stats())
            self._hurry(part)
            if self._has_kin:
                self._drain_children(part, deadline)
            # What a child leaves is its parent's to deliver.
            kept = self._place.persistent or (self.header.parent_writer is not None and exits.in_child())
            # What nobody sends is not worth waiting for.
            early = self.header.offline or (kept and part.courier.journal.outlives_the_process)
            left = deadline - time.monotonic()
            return self._report(
                part, self._wait(part, lambda p: p.finished or (early and (p.refused or p.unreachable)), left)
            )
        finally:
            if part is not None and part.fostering is not None:
                part.fostering.end()
            sigterm.remove()

    def close(
        self, error: str | None, ended_as: str | None = None, last_words: Callable[[], None] | None = None
    ) -> None:
        """Writes the end status, so that nothing can be logged any more, and waits for nothing.

        A failure, or a stop, that is told after a good end still counts: what ended its experiment early may fail
        later. `last_words` logs what belongs to such a change.
        """
        if not self._ended:
            self.companions.dismiss()
        with self._lock:
            bad = error is not None or ended_as == "stopped"
            if self._ended and (self._settled or not bad):
                return
            again, self._ended, self._settled = self._ended, True, bad and ended_as != "retrying"
            exits.forget(self)
            now = time.time_ns() // 1_000_000
            self.closed_millis = self.closed_millis or now
            end = End(now, self.header.attempt, error, self.ended_millis, ended_as)
            if self._part is None:
                return
            told = not (again and self._part.courier.stopped) and self._write_end(self._part, end)
            if not told or (again and last_words):
                self._start_over()
                if last_words:
                    last_words()
                self._write_end(self._part, end)

    def when_finished(self, call: Callable[[], None]) -> None:
        """Calls it once delivery is over, in the thread that delivers; at once where it is over, or never begins."""
        courier = self._part.courier if self._part is not None else None
        if isinstance(courier, Courier):
            with courier.lock:
                if not courier.progress().finished:
                    courier.when_finished = call
                    return
        call()

    def describe(self, report: DeliveryReport) -> str:
        """One line that says whose report it is, and what it says."""
        return f"Experiment {self.header.experiment_key}: {report}"

    def expect_kin(self) -> None:
        """Said before another process gets to log to the experiment: it may be the first to open it."""
        self._has_kin = True
        part = self._part
        if part is not None and part.courier.handshake is None and not part.courier.journal.marked(SHARED):
            part.courier.journal.mark(SHARED)

    def become_child(self) -> None:
        """In a forked child: lets go of what belongs to the parent, without unlocking or ending it."""
        inherited, self._part = self._part, None
        exits.forget(self)
        self._has_kin = False
        self._before, self._dropped = Stats(), Counter()
        self.companions = self.companions.of_child()
        self._lock = threading.RLock()
        self.ranks = Ranks(self.ranks.rule)
        own = self.header.parent_writer if inherited is None else self.header.writer
        self._handle = self._handle.for_child(own)
        if inherited is not None:
            inherited.writer.forsake()
            inherited.courier.journal.forsake()

    def _start_over(self) -> None:
        """A journal for an end status whose own is delivered and gone."""
        assert self._part is not None  # noqa: S101
        self._before += counts_of(self._part.writer, self._part.courier)
        header = replace(self.header, writer=new_writer_id(), mode="get_or_create")
        self._handle = replace(self._handle, header=header)
        self._start()
        exits.forget(self)

    def _write_end(self, part: _Part, end: End) -> bool:
        """Whether somebody is left to tell the end."""
        self._end_problem = None
        try:
            # While the lock of the reader can still be taken with it: nobody else may deliver what we do.
            part.courier.journal.mend()
            part.writer.end(end)
        except OSError as problem:
            self._end_problem = f"the end status could not be written to the journal: {problem}"
        finally:
            part.writer.close()
            told = part.courier.finish(end)
        return told

    def _report(self, part: _Part, progress: Progress) -> DeliveryReport:
        stats = self.stats()
        lost = stats.dropped.get(LOST, 0)
        if progress.finished and not stats.pending and not stats.refused and not lost:
            return DeliveryReport(True, stats)
        waited = "the time was over" if part.senders.running else "Python is ending, and starts no thread any more"
        missing = f"{lost} values went when {LOST}" if lost else "the server refused a part"
        reason = missing if progress.finished else progress.reason or waited
        made = part.writer.folder
        folder = made if made is not None and made.is_dir() else None
        return DeliveryReport(
            False,
            stats,
            folder,
            self._end_problem or reason,
            bytes_left=0 if folder is None else size_below(folder),
            values_in_memory=min(stats.pending, part.writer.values_in_memory),
            waiting=not progress.finished,
        )

    def _wait(self, part: _Part, enough: Callable[[Progress], bool], timeout: float) -> Progress:
        deadline = time.monotonic() + timeout
        courier = part.courier
        with courier.lock:
            while True:
                progress = courier.progress()
                left = deadline - time.monotonic()
                if enough(progress) or left <= 0 or not part.senders.running:
                    return progress
                courier.changed.wait(min(left, SIGNALS_SECONDS))

    def _hurry(self, part: _Part) -> None:
        part.courier.hurry()
        part.senders.wake()

    def _begin_part(self) -> _Part | None:
        """On the first call of a process that has no part yet; None when it had ended before, or is to log nothing."""
        with self._lock:
            if self._part is None and not self._ended and not self.ranks.silent:
                self._start()
            return self._part

    def _start(self) -> None:
        self._place, writer, journal = new_journal(self._handle, self._place)
        if isinstance(journal, OfflineJournal):
            self._part = _Part(writer, OfflineCourier(journal), senders(self.header.root), None)
        else:
            courier = Courier(journal, self._handle.settings.api_key, self._kept_transport)
            self._part = _Part(writer, courier, senders(self.header.root), self._foster(courier))
            self._part.senders.add(courier)
        exits.begin(self)
        sigterm.install()

    def _foster(self, courier: Courier) -> Fostering | None:
        """The share in the adoption of what dead processes left in the same place, once the server answers."""
        folder, header = self._place.folder, self.header
        if folder is None:
            return None
        kin = Kin(folder, header.root, header.key_fingerprint)
        fostering = Fostering(Adopter(kin, self._handle.settings.api_key, self._new_transport))
        courier.when_opened = fostering.begin
        return fostering

    def _drain_children(self, part: _Part, deadline: float) -> None:
        """Delivers what dead children left, unless the server is not there to take it."""
        if part.fostering is not None and self.wait_for_handshake(deadline - time.monotonic()) is not None:
            left = min(deadline - time.monotonic(), threading.TIMEOUT_MAX)
            part.fostering.drain_children(self.header.writer, left)
