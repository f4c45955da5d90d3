"""The points of a metric: packed columns in chunks, written in order of arrival, read in the order of time.

A writer's points keep their order of arrival. Points of several writers are put in order by time, where a point's time
is the newest of its writer so far (a clock that jumps back must not tear a writer's points apart), then by writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, LargeBinary, Row, Select, bindparam, delete, func, insert, select

from zenml_comet_tracker.local.store import rollups, schema
from zenml_comet_tracker.local.store.points import (
    Points,
    number_or_none,
    pack_integers,
    pack_numbers,
    unpack_integers,
    unpack_numbers,
)

# Small enough to rewrite in a moment, large enough that a million points are a thousand rows or fewer.
CHUNK_POINTS = 2048
# A chunk that has grown to this is not written anew for what follows it.
SETTLED_POINTS = CHUNK_POINTS // 4
_FOLDED_CHUNKS = 3
# More than there are powers of two below `SETTLED_POINTS`, which is what carrying leaves.
_LOOSE_CHUNKS = 16

# SQLite took 999 once, and takes at least that many everywhere.
_VARIABLES = 900
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Outline:
    """A series by its rollup: its groups, writer by writer, and the id of the chunk each is of."""

    groups: rollups.Groups
    chunks: NDArray[np.int64]
    writers: int


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
    _insert(connection, rows)
    return peaks


def batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in lists short enough for the variables of one SQL statement."""
    left = list(items)
    for at in range(0, len(left), _VARIABLES):
        yield left[at : at + _VARIABLES]


def read(connection: Connection, metric_id: int) -> Points:
    """All points of a metric in the order described above."""
    writers: dict[str, list[Points]] = {}
    for row in connection.execute(_ALL_OF_METRIC, {"metric": metric_id}):
        writers.setdefault(row.writer, []).append(_unpack(row))
    parts = [Points.join(pieces) for pieces in writers.values()]
    points = Points.join(parts)
    if len(parts) < 2:
        return points
    peaks = np.concatenate([np.maximum.accumulate(part.millis) for part in parts])
    ranks = np.concatenate([np.full(len(part), rank) for rank, part in enumerate(parts)])
    # Stable, so that within a writer the order of arrival stays.
    return points.take(np.lexsort((ranks, peaks)))


def read_last(connection: Connection, metric_id: int, count: int) -> Points:
    """The last `count` points of a metric, or all when it has fewer, in the order described above."""
    sizes: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_SIZES_OF_METRIC, {"metric": metric_id}):
        sizes.setdefault(row.writer, []).append(row)
    if len(sizes) != 1:
        # Anybody's points may be among the last.
        return read(connection, metric_id).take(slice(-count, None))
    wanted: list[int] = []
    left = count
    for row in reversed(next(iter(sizes.values()))):
        if left <= 0:
            break
        wanted.insert(0, row.id)
        left -= row.points
    return read_chunks(connection, wanted).take(slice(-count, None))


def read_chunks(connection: Connection, ids: Sequence[int]) -> Points:
    """The points of these chunks, chunk after chunk."""
    found = _contents(connection, ids)
    return Points.join([found[chunk_id] for chunk_id in ids])


def outline(connection: Connection, metric_id: int) -> Outline:
    """The series by its rollup, without reading its points but for those of the smallest chunks."""
    rows = connection.execute(_OUTLINE, {"metric": metric_id}).all()
    bare = _contents(connection, [row.id for row in rows if row.groups is None])
    packed = [row.groups or rollups.pack(rollups.groups(bare[row.id])) for row in rows]
    lengths = [len(part) // rollups.GROUP.itemsize for part in packed]
    return Outline(
        groups=rollups.unpack(b"".join(packed)),
        chunks=np.repeat(np.array([row.id for row in rows], np.int64), lengths),
        writers=len({row.writer for row in rows}),
    )


def compact(connection: Connection, most: int = 1_000) -> int:
    """Writes chunks that are small on average anew as few large ones, of at most `most` series. Gives how many chunks
    there are fewer."""
    before = after = 0
    for metric_id, writer in connection.execute(_FRAGMENTED, {"most": most}).all():
        rows = connection.execute(_SIZES_OF_WRITER, {"metric": metric_id, "writer": writer}).all()
        for run in _runs(rows):
            contents = _take_out(connection, [row.id for row in run])
            joined = Points.join([contents[row.id] for row in run])
            made = _rows(metric_id, writer, run[0].start, joined, run[-1].peak_millis)
            _insert(connection, made)
            before, after = before + len(run), after + len(made)
    return before - after


def _runs(rows: Sequence[Row[Any]]) -> Iterator[list[Row[Any]]]:
    """Chunks that follow one another and are one together."""
    run: list[Row[Any]] = []
    for row in rows:
        if sum(each.points for each in run) + row.points > CHUNK_POINTS:
            if len(run) > 1:
                yield run
            run = []
        run.append(row)
    if len(run) > 1:
        yield run


def _tails(connection: Connection, metric_ids: Iterable[int], writer: str) -> dict[int, list[Row[Any]]]:
    """The writer's last chunks of each metric, newest first: as many as one append can fold."""
    found: dict[int, list[Row[Any]]] = {}
    for some in batched(metric_ids):
        for row in connection.execute(_TAILS, {"metrics": some, "writer": writer}):
            found.setdefault(row.metric_id, []).append(row)
    return found


def _foldable(tail: Sequence[Row[Any]], arrived: int) -> list[Row[Any]]:
    """Those of a writer's last chunks that are to be written anew together with `arrived` points, newest first.

    Like a carry of a counter, but only once a few have come together, since each time costs three statements. Writes
    that shrink a little each time never carry: those are folded when they have become many.
    """
    loose = list(takewhile(lambda row: row.points < SETTLED_POINTS, tail))
    totals = accumulate((row.points for row in loose), initial=arrived)
    carried = [row for row, _ in takewhile(lambda pair: pair[0].points <= pair[1], zip(loose, totals, strict=False))]
    if len(carried) >= _FOLDED_CHUNKS:
        return carried
    return loose if len(loose) >= _LOOSE_CHUNKS else []


def _take_out(connection: Connection, ids: Sequence[int]) -> dict[int, Points]:
    """The points of the chunks, by id; the chunks are gone."""
    taken = _contents(connection, ids)
    for some in batched(ids):
        connection.execute(_REMOVE, {"ids": some})
    return taken


def _contents(connection: Connection, ids: Sequence[int]) -> dict[int, Points]:
    found: dict[int, Points] = {}
    for some in batched(ids):
        found.update((row.id, _unpack(row)) for row in connection.execute(_CHUNKS, {"ids": some}))
    return found


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Stores chunks; those that are long enough with their rollup."""
    connection.execute(insert(schema.chunk), [{name: row[name] for name in row if name != "points"} for row in rows])
    outlined = [
        {
            "metric": row["metric_id"],
            "of_writer": row["writer"],
            "at": row["start"],
            "packed": rollups.pack(rollups.groups(row["points"])),
        }
        for row in rows
        if row["count"] >= rollups.LEAST_POINTS
    ]
    if outlined:
        connection.execute(_ADD_ROLLUP, outlined)


def _rows(metric_id: int, writer: str, start: int, points: Points, peak: int) -> list[dict[str, Any]]:
    pieces = [points.take(slice(at, at + CHUNK_POINTS)) for at in range(0, len(points), CHUNK_POINTS)]
    return [
        {
            "metric_id": metric_id,
            "writer": writer,
            "start": start + index * CHUNK_POINTS,
            "peak_millis": peak,
            "points": piece,
            **_pack(piece),
        }
        for index, piece in enumerate(pieces)
    ]


def _pack(points: Points) -> dict[str, Any]:
    least, greatest = points.extremes()
    step_min, step_max = points.step_range()
    return {
        "count": len(points),
        "values": pack_numbers(points.values),
        "steps": pack_integers(points.steps),
        "epochs": pack_numbers(points.epochs),
        "millis": pack_integers(points.millis),
        "value_min": None if least is None else float(points.values[least]),
        "value_max": None if greatest is None else float(points.values[greatest]),
        "value_first": number_or_none(points.values[0]),
        "value_last": number_or_none(points.values[-1]),
        "step_min": step_min,
        "step_max": step_max,
        "millis_min": int(points.millis.min()),
        "millis_max": int(points.millis.max()),
    }


def _unpack(row: Row[Any]) -> Points:
    count = row.points
    return Points(
        unpack_numbers(row.packed_values, count),
        unpack_integers(row.packed_steps, count),
        unpack_numbers(row.packed_epochs, count),
        unpack_integers(row.packed_millis, count),
    )


# Statements are built once: putting one together takes SQLAlchemy longer than SQLite takes to run it.


def _tails_statement() -> Select[Any]:
    chunk, newer = schema.chunk.c, schema.chunk.alias()
    # The start of the oldest chunk that can matter, found in the index without reading those before.
    first = (
        select(newer.c.start)
        .where(newer.c.metric_id == schema.metric.c.id, newer.c.writer == bindparam("writer"))
        .order_by(newer.c.start.desc())
        .offset(_LOOSE_CHUNKS)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(chunk.metric_id, chunk.id, chunk.start, chunk.count.label("points"), chunk.peak_millis)
        .join_from(schema.metric, schema.chunk, chunk.metric_id == schema.metric.c.id)
        .where(schema.metric.c.id.in_(bindparam("metrics", expanding=True)))
        .where(chunk.writer == bindparam("writer"), chunk.start >= func.coalesce(first, 0))
        .order_by(chunk.start.desc())
    )


def _contents_statement() -> Select[Any]:
    chunk = schema.chunk.c
    # Labels of their own: `values` and `count` are methods of a row.
    return select(
        chunk.id,
        chunk.writer,
        chunk.count.label("points"),
        chunk["values"].label("packed_values"),
        chunk.steps.label("packed_steps"),
        chunk.epochs.label("packed_epochs"),
        chunk.millis.label("packed_millis"),
    )


def _sizes_statement() -> Select[Any]:
    chunk = schema.chunk.c
    sizes = select(chunk.id, chunk.writer, chunk.start, chunk.count.label("points"), chunk.peak_millis)
    return sizes.where(chunk.metric_id == bindparam("metric")).order_by(chunk.writer, chunk.start)


def _fragmented_statement() -> Select[Any]:
    chunk = schema.chunk.c
    return (
        select(chunk.metric_id, chunk.writer)
        .group_by(chunk.metric_id, chunk.writer)
        .having(func.count() > 1, func.sum(chunk.count) < func.count() * SETTLED_POINTS)
        .limit(bindparam("most"))
    )


def _of_metric(statement: Select[Any]) -> Select[Any]:
    chunk = schema.chunk.c
    return statement.where(chunk.metric_id == bindparam("metric")).order_by(chunk.writer, chunk.start)


def _outline_statement() -> Select[Any]:
    chunk, rollup = schema.chunk.c, schema.rollup.c
    joined = schema.chunk.outerjoin(schema.rollup, rollup.chunk_id == chunk.id)
    return select(chunk.id, chunk.writer, rollup.groups).select_from(joined)


_TAILS = _tails_statement()
_CHUNKS = _contents_statement().where(schema.chunk.c.id.in_(bindparam("ids", expanding=True)))
_ALL_OF_METRIC = _of_metric(_contents_statement())
_SIZES_OF_METRIC = _sizes_statement()
_SIZES_OF_WRITER = _sizes_statement().where(schema.chunk.c.writer == bindparam("writer"))
_OUTLINE = _of_metric(_outline_statement())
_FRAGMENTED = _fragmented_statement()
_REMOVE = delete(schema.chunk).where(schema.chunk.c.id.in_(bindparam("ids", expanding=True)))
_ADD_ROLLUP = insert(schema.rollup).from_select(
    ["chunk_id", "groups"],
    select(schema.chunk.c.id, bindparam("packed", type_=LargeBinary)).where(
        schema.chunk.c.metric_id == bindparam("metric"),
        schema.chunk.c.writer == bindparam("of_writer"),
        schema.chunk.c.start == bindparam("at"),
    ),
)
