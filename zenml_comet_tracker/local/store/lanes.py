"""Exactly-once writes: how far each lane of each client-side writer is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import schema

LANES = ("metrics", "parameters", "rest", "files")
_MARK = re.compile(rf"(?P<writer>[0-9a-f]{{32}})/(?P<lane>{'|'.join(LANES)})/(?P<first>[1-9][0-9]{{0,17}})")


@dataclass(frozen=True)
class LaneMark:
    """Whose values these are, and the sequence number of the first; numbers count values, from 1."""

    writer: str
    lane: str
    first: int

    @classmethod
    def parse(cls, text: str) -> LaneMark:
        """The mark that a request carries as `<writer>/<lane>/<first>`. Raises ValueError."""
        match = _MARK.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text[:100]!r} is no lane mark; expected <32 hex digits>/<one of {', '.join(LANES)}>/<number from 1>"
            )
        return cls(match["writer"], match["lane"], int(match["first"]))


def advance(connection: Connection, experiment_id: int, mark: LaneMark, count: int) -> int:
    """How many of `count` values from `mark.first` on are stored already; the others count as stored from now on.

    Belongs in the transaction that stores the values.
    """
    lane = schema.lane.c
    of_lane = (lane.experiment_id == experiment_id, lane.writer == mark.writer, lane.lane == mark.lane)
    high = connection.scalar(select(lane.high).where(*of_lane)) or 0
    last = mark.first + count - 1
    if last > high:
        row = {"experiment_id": experiment_id, "writer": mark.writer, "lane": mark.lane, "high": last}
        statement = insert(schema.lane).values(row)
        connection.execute(statement.on_conflict_do_update(set_={"high": statement.excluded.high}))
    return max(0, min(count, high - mark.first + 1))
