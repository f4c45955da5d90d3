"""What one delivery takes from a lane, and where the lane goes on behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from zenml_comet_tracker.comet.journal.record import rows_of


@dataclass(frozen=True)
class Cursor:
    """All before this place is delivered: first number of the segment, bytes into it, number of the next line."""

    segment: int = 1
    offset: int = 0
    next_sequence: int = 1


@dataclass(frozen=True)
class Portion:
    """Lines that follow the cursor and each other, without their newlines, and the cursor that stands behind them.

    `first` is the number of the first line; `torn` counts damaged ones that are left out. `after` is None for lines
    that are only in memory. `more` says that others were there already when these were read.
    """

    first: int
    lines: list[bytes]
    after: Cursor | None
    torn: int = 0
    more: bool = False

    @property
    def values(self) -> int:
        """How many values, and so how many lines."""
        return len(self.lines)

    def body(self) -> bytes:
        """The rows as JSON, joined by commas."""
        return b",".join(self.lines)

    def rows(self) -> list[dict[str, Any]]:
        """The rows; `ValueError` when one is damaged."""
        return rows_of(b"\n".join(self.lines))

    def head(self, count: int) -> Portion:
        """Its first `count` lines."""
        if count >= self.values:
            return self
        after = self.after
        if after is not None:
            left_out = self.lines[count:]
            offset = after.offset - sum(len(line) + 1 for line in left_out)
            after = replace(after, offset=offset, next_sequence=after.next_sequence - len(left_out))
        return replace(self, lines=self.lines[:count], after=after, more=True)

    def sound_part(self) -> Portion:
        """What comes before the first damaged line, or, when that is the first of all, just the skipping of it."""
        for index, line in enumerate(self.lines):
            if self.after is not None and not _holds_a_row(line):
                skipped = 0 if index else 1
                left_out = self.lines[index + skipped :]
                offset = self.after.offset - sum(len(other) + 1 for other in left_out)
                after = replace(self.after, offset=offset, next_sequence=self.after.next_sequence - len(left_out))
                return Portion(self.first, self.lines[:index], after, skipped, more=True)
        return self


def _holds_a_row(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except ValueError:
        return False
