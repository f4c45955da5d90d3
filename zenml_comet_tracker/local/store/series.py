"""The points of a metric: packed columns in chunks, written in order of arrival, read in the order of time.

A writer's points keep their order of arrival. Points of several writers are put in order by time, where a point's time
is the newest of its writer so far (a clock that jumps back must not tear a writer's points apart), then by writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, func, insert, select

from zenml_comet_tracker.local.store import schema

NO_STEP = int(np.iinfo(np.int64).min)
# Small enough to rewrite in a moment, large enough that a million points are five hundred rows.
CHUNK_POINTS = 2048

# SQLite took 999 once, and takes at least that many everywhere.
_VARIABLES = 900
_Item = TypeVar("_Item")

_FLOAT = np.dtype("<f8")
_INT = np.dtype("<i8")


@dataclass(frozen=True)
class Points:
    """Columns of equal length: value, step (`NO_STEP` = none), epoch (NaN = none), time in milliseconds."""

    values: NDArray[np.float64]
    steps: NDArray[np.int64]
    epochs: NDArray[np.float64]
    millis: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(
        cls,
        values: Sequence[float],
        steps: Sequence[int | None],
        epochs: Sequence[float | None],
        millis: Sequence[int],
    ) -> Points:
        """Points from lists, None where a point has no step or epoch."""
        return cls(
            np.array(values, _FLOAT),
            np.array([NO_STEP if step is None else step for step in steps], _INT),
            np.array([np.nan if epoch is None else epoch for epoch in epochs], _FLOAT),
            np.array(millis, _INT),
        )

    @classmethod
    def join(cls, parts: Sequence[Points]) -> Points:
        """The points of all parts, one after the other."""
        if not parts:
            return cls.of([], [], [], [])
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.epochs for part in parts]),
            np.concatenate([part.millis for part in parts]),
        )

    def take(self, selection: slice | NDArray[Any]) -> Points:
        """The selected points: a slice, indices or a mask."""
        return Points(self.values[selection], self.steps[selection], self.epochs[selection], self.millis[selection])


def append(connection: Connection, metric_id: int, writer: str, points: Points) -> int:
    """Stores points after the writer's others. Gives the writer's newest time so far, in milliseconds."""
    return append_all(connection, writer, {metric_id: points})[metric_id]


def append_all(connection: Connection, writer: str, arrived: Mapping[int, Points]) -> dict[int, int]:
    """Stores points, by metric, after the writer's others of that metric. Gives the writer's newest time so far in
    milliseconds, by metric.

    Small chunks at the end are folded together like carries of a counter, so that a point is rewritten a handful of
    times at most, however small the writes are.
    """
    tails = _tails(connection, arrived, writer)
    folded = {metric_id: _foldable(tails.get(metric_id, []), len(points)) for metric_id, points in arrived.items()}
    contents = _take_out(connection, [row.id for rows in folded.values() for row in rows])
    peaks: dict[int, int] = {}
    rows: list[dict[str, Any]] = []
    for metric_id, points in arrived.items():
        tail, old = tails.get(metric_id, []), folded[metric_id]
        peaks[metric_id] = max([int(points.millis.max()), *(row.peak_millis for row in tail[:1])])
        end = tail[0].start + tail[0].points if tail else 0
        joined = Points.join([*(contents[row.id] for row in reversed(old)), points])
        rows += _rows(metric_id, writer, old[-1].start if old else end, joined, peaks[metric_id])
    connection.execute(insert(schema.chunk), rows)
    return peaks


def batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in lists short enough for the variables of one SQL statement."""
    left = list(items)
    for at in range(0, len(left), _VARIABLES):
        yield left[at : at + _VARIABLES]


def read(connection: Connection, metric_id: int) -> Points:
    """All points of a metric in the order described above."""
    chunk = schema.chunk.c
    rows = connection.execute(
        select(schema.chunk).where(chunk.metric_id == metric_id).order_by(chunk.writer, chunk.start)
    )
    writers: dict[str, list[Points]] = {}
    for row in rows:
        writers.setdefault(row.writer, []).append(_unpack(row))
    parts = [Points.join(pieces) for pieces in writers.values()]
    points = Points.join(parts)
    if len(parts) < 2:
        return points
    peaks = np.concatenate([np.maximum.accumulate(part.millis) for part in parts])
    ranks = np.concatenate([np.full(len(part), rank) for rank, part in enumerate(parts)])
    # Stable, so that within a writer the order of arrival stays.
    return points.take(np.lexsort((ranks, peaks)))


def _tails(connection: Connection, metric_ids: Iterable[int], writer: str) -> dict[int, list[Row[Any]]]:
    """The writer's last chunks of each metric, newest first: as many as one append can fold."""
    chunk, newer = schema.chunk.c, schema.chunk.alias()
    # The start of the oldest chunk that can matter, found in the index without reading those before.
    first = (
        select(newer.c.start)
        .where(newer.c.metric_id == schema.metric.c.id, newer.c.writer == writer)
        .order_by(newer.c.start.desc())
        .offset(CHUNK_POINTS.bit_length())
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(chunk.metric_id, chunk.id, chunk.start, chunk.count.label("points"), chunk.peak_millis).join_from(
        schema.metric, schema.chunk, chunk.metric_id == schema.metric.c.id
    )
    wanted = wanted.where(chunk.writer == writer, chunk.start >= func.coalesce(first, 0))
    found: dict[int, list[Row[Any]]] = {}
    for some in batched(metric_ids):
        for row in connection.execute(wanted.where(schema.metric.c.id.in_(some)).order_by(chunk.start.desc())):
            found.setdefault(row.metric_id, []).append(row)
    return found


def _foldable(tail: Sequence[Row[Any]], arrived: int) -> list[Row[Any]]:
    """Those of a writer's last chunks that are to be written anew together with `arrived` points, newest first."""
    folded: list[Row[Any]] = []
    total = arrived
    for row in tail:
        if row.points > total or row.points + total > CHUNK_POINTS:
            break
        folded.append(row)
        total += row.points
    return folded


def _take_out(connection: Connection, ids: Sequence[int]) -> dict[int, Points]:
    """The points of the chunks, by id; the chunks are gone."""
    taken: dict[int, Points] = {}
    for some in batched(ids):
        for row in connection.execute(select(schema.chunk).where(schema.chunk.c.id.in_(some))):
            taken[row.id] = _unpack(row)
        connection.execute(delete(schema.chunk).where(schema.chunk.c.id.in_(some)))
    return taken


def _rows(metric_id: int, writer: str, start: int, points: Points, peak: int) -> list[dict[str, Any]]:
    pieces = [points.take(slice(at, at + CHUNK_POINTS)) for at in range(0, len(points), CHUNK_POINTS)]
    return [
        {
            "metric_id": metric_id,
            "writer": writer,
            "start": start + index * CHUNK_POINTS,
            "peak_millis": peak,
            **_pack(piece),
        }
        for index, piece in enumerate(pieces)
    ]


def _pack(points: Points) -> dict[str, Any]:
    values = points.values[~np.isnan(points.values)]
    steps = points.steps[points.steps != NO_STEP]
    return {
        "count": len(points),
        "values": points.values.astype(_FLOAT, copy=False).tobytes(),
        "steps": points.steps.astype(_INT, copy=False).tobytes(),
        "epochs": points.epochs.astype(_FLOAT, copy=False).tobytes(),
        "millis": points.millis.astype(_INT, copy=False).tobytes(),
        "value_min": float(values.min()) if len(values) else None,
        "value_max": float(values.max()) if len(values) else None,
        "value_first": number_or_none(points.values[0]),
        "value_last": number_or_none(points.values[-1]),
        "step_min": int(steps.min()) if len(steps) else None,
        "step_max": int(steps.max()) if len(steps) else None,
        "millis_min": int(points.millis.min()),
        "millis_max": int(points.millis.max()),
    }


def _unpack(row: Row[Any]) -> Points:
    columns = row._mapping
    return Points(
        np.frombuffer(columns["values"], _FLOAT),
        np.frombuffer(columns["steps"], _INT),
        np.frombuffer(columns["epochs"], _FLOAT),
        np.frombuffer(columns["millis"], _INT),
    )


def number_or_none(value: float) -> float | None:
    """The value as SQLite can hold it: NULL for NaN."""
    return None if np.isnan(value) else float(value)
