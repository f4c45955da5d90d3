"""Rounds of delivery through a folder of journals: one, or one after the other for as long as somebody watches."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zenml_comet_tracker.cli import journals
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.leftovers import Away, LeftoverDelivery, Outcome
from zenml_comet_tracker.comet.errors import CometError, JournalError
from zenml_comet_tracker.comet.journal.survey import Broken, Found, is_settled, refused_values, take_stock
from zenml_comet_tracker.comet.transport import open_transport

if TYPE_CHECKING:
    from rich.progress import Progress

    from zenml_comet_tracker.cli.credentials import Keys
    from zenml_comet_tracker.tracker.steps import UntoldStep

logger = logging.getLogger(__name__)

# A page that people look at should not be far behind, and a folder costs little to look through.
ROUND_SECONDS = 2.0
# Journals whose delivery is kept open between rounds, which saves a handshake each; every one takes some descriptors.
MOST_OPEN = 50


@dataclass(frozen=True)
class Row:
    """What a round did for one journal.

    `left` says that something of it is not delivered, `reason` why; `complete` that its end is told too and the journal
    is gone.
    """

    experiment: str
    server: str
    journal: str
    sent: int = 0
    set_aside: int = 0
    left: bool = True
    complete: bool = False
    reason: str | None = None
    url: str | None = None

    def same_state(self, other: Row | None) -> bool:
        """Whether nothing that a watcher wants to know is new."""
        return self.sent == 0 and other is not None and replace(other, sent=0) == self


@dataclass(frozen=True)
class Round:
    """What a round did for each journal, and the journals that cannot be read."""

    rows: list[Row] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    @property
    def left(self) -> bool:
        """Whether anything is not delivered."""
        return bool(self.broken) or any(row.left for row in self.rows)


class Bar:
    """A progress bar for one journal after the other."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, visible=False)

    def begin(self, found: Found) -> None:
        """Starts anew for a journal, which is counted first."""
        try:
            total = take_stock(found).values
        except JournalError:
            total = 0
        name = found.header.experiment_key[:12]
        self._progress.reset(self._task, total=total, description=name, visible=total > 0)

    def show(self, moved: int) -> None:
        """Says how many values are out of the way."""
        self._progress.update(self._task, completed=moved)

    def end(self, moved: int) -> None:
        """Says so for the last time, and hides the bar."""
        self._progress.update(self._task, completed=moved, refresh=True)
        self._progress.update(self._task, visible=False)


class Rounds:
    """Delivers the journals of one folder, round by round; to be closed.

    A server that is away is asked no more in the same round and, when the rounds go on, after a while that grows. A
    journal that a server fails at rests in the same way, alone.
    `stop`, which any thread or signal handler may call, lets the requests under way come to their end.
    """

    def __init__(
        self,
        folder: Path | None,
        keys: Keys,
        bar: Bar | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._bar = bar
        self._clock = clock
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._open: dict[Path, LeftoverDelivery] = {}
        # Of servers, by address, and of journals, by folder.
        self._resting: dict[str, Backoff] = {}
        self._away: dict[str, Away] = {}
        # Why a server is away, and how the last attempt at a journal ended.
        self._reasons: dict[str, str | None] = {}
        self._watching = False

    def once(self) -> Round:
        """One round through the folder."""
        return self._round()

    def watch(self) -> Iterator[Round]:
        """The rounds that bring news, with that only, until `stop`."""
        known: dict[str, Row] = {}
        broken: list[Broken] = []
        self._watching = True
        while not self._stopping.is_set():
            outcome = self._round()
            news = [row for row in outcome.rows if not row.same_state(known.get(row.journal))]
            fresh = [journal for journal in outcome.broken if journal not in broken]
            if news or fresh:
                yield Round(news, fresh)
            known = {row.journal: row for row in outcome.rows}
            broken = outcome.broken
            self._sleep(ROUND_SECONDS)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ends the rounds after the turn that is under way."""
        self._stopping.set()

    def close(self) -> None:
        """Lets go of the journals and connections that are kept open between rounds."""
        for delivery in self._open.values():
            delivery.close()
        self._open.clear()

    def _round(self) -> Round:
        self._away = {}
        _, survey = journals.look(self._folder)
        rows = [self._row(found) for found in survey.journals if not self.stopped]
        return Round(rows, survey.broken)

    def _rests(self, whom: str) -> bool:
        backoff = self._resting.get(whom)
        return backoff is not None and backoff.until > self._clock()

    def _row(self, found: Found) -> Row:
        header = found.header
        row = Row(header.experiment_key, header.root, str(found.folder))
        if found.delivers_itself:
            return replace(row, left=False, reason="its process is running and delivers it")
        if self._rests(row.journal) or self._rests(header.root):
            reason = self._reasons.get(row.journal) or f"not tried: {self._reasons.get(header.root)}"
            return replace(row, reason=reason)
        try:
            if is_settled(found.folder):
                return replace(row, set_aside=refused_values(found.folder).total())
            step = _untold_step(found)
            before, outcome = self._deliver(found)
        except (CometError, OSError) as error:
            # One journal that cannot be delivered must not keep the others.
            return replace(row, reason=str(error))
        self._note(row, outcome)
        if step is not None:
            step.tell(outcome.url, complete=not outcome.waiting and not found.alive, local=outcome.local)
        left = outcome.waiting or outcome.set_aside > 0
        return replace(
            row,
            sent=outcome.sent - before,
            set_aside=outcome.set_aside,
            left=left,
            complete=not left and not found.alive,
            reason=outcome.reason,
            url=outcome.url,
        )

    def _note(self, row: Row, outcome: Outcome) -> None:
        self._reasons[row.journal] = outcome.reason
        if self._away.setdefault(row.server, Away()).by(outcome):
            self._reasons[row.server] = outcome.reason
            self._rest(row.server)
        elif outcome.waiting and not outcome.served:
            self._rest(row.journal)
        else:
            self._resting.pop(row.server, None)
            self._resting.pop(row.journal, None)

    def _rest(self, whom: str) -> None:
        self._resting.setdefault(whom, Backoff()).failed(self._clock(), at_least=ROUND_SECONDS)

    def _deliver(self, found: Found) -> tuple[int, Outcome]:
        """How much was sent before this round, and how far the delivery is now."""
        delivery = self._delivery(found)
        before, kept = delivery.sent, False
        try:
            self._take_turns(delivery)
            outcome = delivery.outcome()
            kept = self._watching and (found.alive or outcome.waiting) and len(self._open) < MOST_OPEN
        finally:
            if kept:
                self._open[found.folder] = delivery
            else:
                delivery.close()
        return before, outcome

    def _delivery(self, found: Found) -> LeftoverDelivery:
        known = self._open.pop(found.folder, None)
        if known is not None and known.found.alive == found.alive:
            return known
        if known is not None:
            # A writer that has died, or ended, since then leaves an end to tell.
            known.close()
        settings = self._keys.settings_for(found.header)
        transport = functools.partial(open_transport, settings)
        return LeftoverDelivery(found, settings.api_key, transport, clock=self._clock)

    def _take_turns(self, delivery: LeftoverDelivery) -> None:
        if self._bar is not None:
            self._bar.begin(delivery.found)
        before = delivery.moved
        for wait in delivery.turns():
            if self._bar is not None:
                self._bar.show(delivery.moved - before)
            if wait:
                self._sleep(wait)
            if self.stopped:
                break
        if self._bar is not None:
            self._bar.end(delivery.moved - before)


def _untold_step(found: Found) -> UntoldStep | None:
    """The ZenML step to tell of the delivery, if there is one and ZenML can be loaded."""
    if found.header.component_id is None:
        return None
    try:
        # Loads ZenML, which takes seconds.
        from zenml_comet_tracker.tracker.steps import untold_step
    except Exception as error:
        # ZenML reads its configuration when it is loaded; what waits is delivered all the same.
        logger.warning("ZenML is not told of %s: %s", found.folder, error)
        return None
    return untold_step(found)
