"""What became of the values that an experiment logged, and what an end leaves behind."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True)
class Stats:
    """Counts of logged values; an asset, a tag call or an other counts one.

    `accepted` were written to the journal, `sent` are with the server, `pending` wait in the journal. By reason:
    `refused` the server will never take (they are set aside), `dropped` were not written, or deleted by somebody.
    `bytes_sent` is the size of what was sent; `throttled_seconds` says for how long something was held back because it
    was too much, for the server or for our allowance.
    """

    accepted: int = 0
    sent: int = 0
    pending: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    bytes_sent: int = 0
    throttled_seconds: float = 0.0

    def __add__(self, other: Stats) -> Stats:
        """The counts of two journals together."""
        return Stats(
            self.accepted + other.accepted,
            self.sent + other.sent,
            self.pending + other.pending,
            dict(Counter(self.refused) + Counter(other.refused)),
            dict(Counter(self.dropped) + Counter(other.dropped)),
            self.bytes_sent + other.bytes_sent,
            self.throttled_seconds + other.throttled_seconds,
        )


@dataclass(frozen=True)
class DeliveryReport:
    """What `end` leaves behind. `delivered` says that everything logged is with the server, the end status too.

    Otherwise `reason` says what stood in the way, and `journal` is the folder that still holds the rest, None when that
    is in memory only; `bytes_left` is the size of the folder, `values_in_memory` how many of the waiting values are on
    no disk. `waiting` says that the rest may still be delivered: a rest of refused values is kept for its owner to look
    at. `beside` says what was to be delivered beside the journal, and is not.
    """

    delivered: bool
    stats: Stats
    journal: Path | None = None
    reason: str | None = None
    bytes_left: int = 0
    values_in_memory: int = 0
    waiting: bool = False
    beside: tuple[str, ...] = ()

    @property
    def values_left(self) -> int:
        """How many values wait in the journal."""
        return self.stats.pending

    @property
    def command(self) -> str | None:
        """What to call in a shell to deliver the rest; None when there is nothing to deliver, or no journal."""
        return f"zenml-comet sync {shlex.quote(str(self.journal))}" if self.waiting and self.journal else None

    def __str__(self) -> str:
        """One line: what is left, why, where, and what to do about it."""
        if self.delivered:
            return "everything is delivered."
        if self.beside:
            rest = [] if self.reason in self.beside else [str(replace(self, beside=()))]
            return " ".join([*self.beside, *rest])
        counts = {"waiting": self.values_left, "refused": sum(self.stats.refused.values())}
        counts["dropped"] = sum(self.stats.dropped.values())
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none waiting"
        line = f"not everything is delivered: {(self.reason or 'nobody knows why').rstrip('.')}. Values: {said}."
        if self.journal is None:
            return f"{line} No journal keeps them."
        kept = f"{line} {self.journal} keeps them ({self.bytes_left} bytes)"
        return f"{kept}; deliver them with: {self.command}" if self.command else f"{kept}."
