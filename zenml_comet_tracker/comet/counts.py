"""What became of the values in one journal."""

from __future__ import annotations

from collections import Counter

from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.delivery.offline import OfflineCourier
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.stats import Stats

LOST = "the journal was deleted"


def counts_of(writer: JournalWriter, courier: Courier | OfflineCourier) -> Stats:
    """The counts now, of what one process writes and delivers."""
    dropped, refused = Counter(writer.dropped), Counter[str]()
    for lane in courier.journal.lanes.values():
        # A copy, because the delivering thread may add to it.
        refused += Counter(dict(lane.refused))
    dropped[LOST] += courier.lost
    # What is accepted last: it only grows, and what is counted as sent was accepted before, though perhaps not counted.
    sent = courier.delivered
    gone = sent + refused.total() + dropped[LOST]
    accepted = max(writer.accepted, gone)
    return Stats(
        accepted=accepted,
        sent=sent,
        pending=accepted - gone,
        refused=dict(refused),
        dropped=dict(+dropped),
        bytes_sent=courier.bytes_sent,
        throttled_seconds=courier.throttled_seconds,
    )
