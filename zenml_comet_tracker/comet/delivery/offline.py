"""Where nothing is to be sent: what stands in for a courier and for its journal. No thread, no socket, no lock.

The journal waits for `zenml-comet sync`, which may deliver it while it is still being written.
"""

from __future__ import annotations

import contextlib
import logging
import shlex
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from zenml_comet_tracker.comet.delivery.courier import Progress
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.lane_reader import LaneReader
from zenml_comet_tracker.comet.journal.record import LANES, End, segments, write_whole
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.stats import DeliveryReport

logger = logging.getLogger(__name__)

OFFLINE = "offline"


def tell(line: str, report: DeliveryReport) -> None:
    """Says what an offline experiment leaves: once for each journal folder of the process, unless something is lost.

    `line` is all that its report says.
    """
    journal, own = report.journal, object()
    if journal is None or report.reason != OFFLINE or report.stats.dropped or report.values_in_memory:
        logger.warning("%s", line)
        return
    # In one step: several steps may end at once.
    if _said.setdefault(journal.parent, own) is own:
        logger.warning(
            "Offline: nothing that this process logs is sent; %s keeps it. Deliver all of it with: zenml-comet sync %s",
            journal.parent,
            shlex.quote(str(journal.parent)),
        )
    logger.debug("%s", line)


class OfflineJournal:
    """A journal that its own process only writes."""

    lanes: Mapping[str, LaneReader] = MappingProxyType({})

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer

    @property
    def outlives_the_process(self) -> bool:
        """Whether all that waits is on disk."""
        return self._writer.folder is not None and not self._writer.spilled

    def mark(self, name: str) -> None:
        """Remembers a fact for whoever delivers the journal."""
        if self._writer.folder is not None:
            with contextlib.suppress(OSError):
                write_whole(self._writer.folder / name, b"")

    def marked(self, name: str) -> bool:
        """Whether the fact was remembered."""
        return self._writer.folder is not None and (self._writer.folder / name).exists()

    def delivered_to(self, lane: str) -> int:
        """The number of the next line that a sync would deliver."""
        try:
            return LaneReader(self._writer.folder, lane).cursor.next_sequence
        except JournalError:
            return 1

    def lost(self, lane: str) -> int:
        """How many lines went with a folder that was deleted and made anew since."""
        folder, writer = self._writer.folder, self._writer.lanes[lane]
        on_disk_to = writer.written_to - writer.spill.values
        if folder is None or not folder.is_dir():
            return 0
        first = next(iter(segments(folder, lane)), on_disk_to)
        return max(0, first - self.delivered_to(lane))

    def mend(self) -> bool:
        """Never: the writer sees for itself, at the end."""
        return False

    def forsake(self) -> None:
        """Has nothing to let go of."""


class OfflineCourier:
    """A courier that nobody asks to go: what is delivered, if anything, a sync has delivered meanwhile."""

    handshake: Handshake | None = None
    stopped = False
    bytes_sent = 0
    throttled_seconds = 0.0
    monitor_seconds: float | None = None

    def __init__(self, journal: OfflineJournal) -> None:
        self.journal = journal
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)

    @property
    def delivered(self) -> int:
        """Values that a sync has delivered, or set aside, so far."""
        return sum(self.journal.delivered_to(lane) - 1 for lane in LANES)

    @property
    def refused(self) -> int:
        """Values set aside: none here."""
        return 0

    @property
    def lost(self) -> int:
        """Values that a deleted folder took along, once it is there again."""
        return sum(self.journal.lost(lane) for lane in LANES)

    def progress(self) -> Progress:
        """Nothing moves, and waiting would not help."""
        return Progress(finished=False, drained=False, refused=False, unreachable=True, reason=OFFLINE)

    def reached(self, targets: Mapping[str, int]) -> bool:
        """Whether all up to these sequence numbers is delivered."""
        return all(self.journal.delivered_to(lane) >= target for lane, target in targets.items())

    def hurry(self) -> None:
        """Has nothing to hurry."""

    def finish(self, end: End) -> bool:
        """Leaves the end to whoever delivers the journal, where it stands."""
        return True


# Where what this process logs is kept, and somebody was told so.
_said: dict[Path, object] = {}
