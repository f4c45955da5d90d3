"""Delivery of journals that no process of their own delivers: their writer is dead, or writes offline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import END_SENT, End, Header
from zenml_comet_tracker.comet.journal.survey import Found, last_written_millis, refused_values, writer_lives
from zenml_comet_tracker.comet.transport import Transport

DIED = "The process that logged this experiment died without ending it."
# Enough for a few lost connections; what takes longer is an outage.
PATIENCE_SECONDS = 0.5
# More than it takes to find the one record that makes a server refuse a batch.
MOST_IDLE_TURNS = 20
# One that the server fails at says something about that journal, as many in a row say it about the server.
FAILED_MEANS_AWAY = 3


@dataclass(frozen=True)
class Outcome:
    """How far a delivery came: values sent by it, values set aside (by it or earlier), whether anything still waits.

    `reason` says why something waits: the server does not want us (`refused`), would answer to no other journal either
    (`stalled`: it was never reached, or wants to be left alone), or something else. `served` says that it opened the
    experiment or took something in the last turns, `local` that it is the local Comet. A journal with values set aside
    is kept, for its owner to look at.
    """

    sent: int
    set_aside: int
    waiting: bool
    reason: str | None = None
    refused: bool = False
    stalled: bool = False
    served: bool = False
    url: str | None = None
    local: bool = False


class Away:
    """Whether a server is away, by the outcomes of one journal after the other."""

    def __init__(self) -> None:
        self._failed_in_a_row = 0

    def by(self, outcome: Outcome) -> bool:
        """Whether it is, now that this is known too."""
        failed = outcome.waiting and not outcome.refused and not outcome.served
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
        return outcome.stalled or self._failed_in_a_row >= FAILED_MEANS_AWAY


class LeftoverDelivery:
    """Delivers one journal, a turn at a time, and owns its cursors until it is closed.

    A dead primary writer that left no end status is closed as failed, at the time of its last record. While the writer
    lives, what it has written so far is delivered, with a sign of life. `JournalError` when another process is at it.
    """

    def __init__(
        self,
        found: Found,
        api_key: str,
        new_transport: Callable[[], Transport],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.found = found
        self._journal = JournalReader(found.folder)
        try:
            if _has_successor(found):
                # How the experiment ends is for whoever logs to it now to tell.
                self._journal.header = replace(found.header, primary=False)
            self._courier = Courier(
                self._journal, api_key, new_transport, adopted=not found.alive, quiet=True, clock=clock
            )
            self._known = self._server_did
            if not found.alive and self._journal.end() is None and not self._journal.marked(END_SENT):
                self._courier.finish(End(last_written_millis(found), found.header.attempt, DIED))
        except BaseException:
            self._journal.close()
            raise

    @property
    def sent(self) -> int:
        """Values delivered so far."""
        return sum(lane.delivered for lane in self._journal.lanes.values())

    @property
    def moved(self) -> int:
        """Values that are out of the way so far, delivered or set aside."""
        return self.sent + sum(lane.refused.total() for lane in self._journal.lanes.values())

    @property
    def _server_did(self) -> tuple[bool, int]:
        """Whether the server opened the experiment, and how many values it decided about."""
        return self._courier.handshake is not None, self.moved

    def turns(self) -> Iterator[float]:
        """Delivers as much as goes now, some requests a turn; yields the seconds to wait before the next turn.

        Ends when all is through, when the server refuses or does not answer, and when it asks for more patience than a
        single lost connection deserves.
        """
        idle = 0
        self._known = self._server_did
        while idle < MOST_IDLE_TURNS:
            before = self.moved
            waits = (self._courier.deliver_records(), self._courier.deliver_files())
            if self.found.alive:
                self._courier.beat()
            if self._courier.stopped:
                return
            if self.moved != before:
                idle = 0
                yield 0.0
                continue
            idle += 1
            wait = min((wait for wait in waits if wait is not None), default=None)
            progress = self._courier.progress()
            if wait is None or wait > PATIENCE_SECONDS or progress.refused or progress.unreachable:
                return
            yield wait

    def outcome(self) -> Outcome:
        """How far it came."""
        progress, handshake = self._courier.progress(), self._courier.handshake
        through = progress.drained if self.found.alive else progress.finished
        return Outcome(
            sent=self.sent,
            set_aside=refused_values(self.found.folder).total(),
            waiting=not through,
            reason=None if through else progress.reason,
            refused=progress.refused,
            stalled=not through and (progress.throttled or (progress.unreachable and handshake is None)),
            served=self._server_did != self._known,
            url=handshake.page if handshake is not None else None,
            local=handshake is not None and handshake.journal_lanes,
        )

    def close(self) -> None:
        """Lets go of the journal and of the connections."""
        self._courier.stop()

    def forsake(self) -> None:
        """In a forked child: closes the inherited descriptor of the lock, which stays held by the parent."""
        self._journal.forsake()


def _has_successor(found: Found) -> bool:
    """Whether a primary writer that began later is logging to the same experiment on this machine now."""
    own = found.header
    for folder in found.folder.parent.glob(f"{own.experiment_key}.*"):
        if folder == found.folder or not writer_lives(folder):
            continue
        try:
            header = Header.load(folder)
        except JournalError:
            continue
        if header.primary and header.started_millis >= own.started_millis:
            return True
    return False
