"""Whether what is kept beside the points of a metric (ranges, rollups, its summary) still tells of these points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from zenml_comet_tracker.local.store import rollups, schema
from zenml_comet_tracker.local.store.points import NO_STEP, Points, unpack_integers, unpack_numbers

# Rows held in memory at a time; a chunk is at most some tens of kilobytes.
_FETCHED = 200
# How a sum is rounded may differ from one numpy to the next.
_ROUNDING = 1e-9


def faults(connection: Connection, experiment_id: int) -> Iterator[tuple[str, int, str]]:
    """For each metric of the experiment its name, the number of its points, and what is wrong with it, "" when nothing
    is."""
    metric = schema.metric
    rows = connection.execute(select(metric).where(metric.c.experiment_id == experiment_id).order_by(metric.c.id)).all()
    chunks = groupby(_chunks(connection, experiment_id), key=lambda row: row.metric_id)
    current = next(chunks, None)
    for row in rows:
        own: Sequence[Row[Any]] = ()
        if current is not None and current[0] == row.id:
            own, current = list(current[1]), next(chunks, None)
        try:
            count, wrong = _of_metric(row, own)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            # What such columns raise when they are not what was packed.
            count, wrong = row._mapping["count"], [f"its points cannot be read: {error}"]
        yield row.name, count, "; ".join(wrong)


def _chunks(connection: Connection, experiment_id: int) -> Iterator[Row[Any]]:
    chunk, metric, rollup = schema.chunk, schema.metric, schema.rollup
    joined = chunk.join(metric, metric.c.id == chunk.c.metric_id).outerjoin(rollup, rollup.c.chunk_id == chunk.c.id)
    statement = (
        select(chunk, rollup.c.groups)
        .select_from(joined)
        .where(metric.c.experiment_id == experiment_id)
        .order_by(chunk.c.metric_id, chunk.c.writer, chunk.c.start)
    )
    return iter(connection.execute(statement).yield_per(_FETCHED))


def _of_metric(metric: Row[Any], chunks: Sequence[Row[Any]]) -> tuple[int, list[str]]:
    """How many points there are, and what is wrong."""
    wrong: list[str] = []
    parts: list[Points] = []
    # Of each point: the newest time of its writer so far, and the writer's place among them.
    order: list[tuple[int, str, Points]] = []
    for writer, rows in groupby(chunks, key=lambda row: row.writer):
        end, peak = 0, np.iinfo(np.int64).min
        for row in rows:
            points = _points(row)
            if row.start != end:
                wrong.append(f"a chunk of writer {writer!r} starts at {row.start}, the one before ends at {end}")
            end = row.start + len(points)
            peak = max(peak, int(points.millis.max()))
            wrong += _of_chunk(row, points, peak)
            parts.append(points)
        order.append((peak, writer, points))
    if not parts:
        return 0, ["it has no points"]
    every = Points.join(parts)
    last = max(order, key=lambda each: each[:2])
    return len(every), wrong + _of_summary(metric, every, last)


def _points(row: Row[Any]) -> Points:
    packed = row._mapping
    count = packed["count"]
    points = Points(
        unpack_numbers(packed["values"], count),
        unpack_integers(packed["steps"], count),
        unpack_numbers(packed["epochs"], count),
        unpack_integers(packed["millis"], count),
    )
    if {len(points.values), len(points.steps), len(points.epochs), len(points.millis)} != {count} or count < 1:
        raise ValueError(f"chunk {row.id} does not hold the {count} points that it says")
    return points


def _of_chunk(row: Row[Any], points: Points, peak: int) -> list[str]:
    said = row._mapping
    expected = {**_ranges(points), "value_first": _value(points.values[0]), "value_last": _value(points.values[-1])}
    wrong = [f"chunk {row.id} says {name} {said[name]}, it is {expected[name]}" for name in _differing(said, expected)]
    if row.peak_millis < peak:
        wrong.append(f"chunk {row.id} says peak_millis {row.peak_millis}, it is {peak}")
    if row.groups is not None and not _same_groups(row.groups, points):
        wrong.append(f"the rollup of chunk {row.id} is not that of its points")
    return wrong


def _of_summary(metric: Row[Any], every: Points, last: tuple[int, str, Points]) -> list[str]:
    said = metric._mapping
    ranges = _ranges(every)
    peak, writer, points = last
    expected = {
        "count": len(every),
        "last_value": _value(points.values[-1]),
        "last_step": None if points.steps[-1] == NO_STEP else int(points.steps[-1]),
        "last_millis": int(points.millis[-1]),
        "last_peak_millis": peak,
        "last_writer": writer,
        "min_value": ranges.pop("value_min"),
        "max_value": ranges.pop("value_max"),
        **ranges,
    }
    wrong = [f"its summary says {name} {said[name]}, it is {expected[name]}" for name in _differing(said, expected)]
    for which in ("min", "max"):
        value, step, millis = (said[f"{which}_{what}"] for what in ("value", "step", "millis"))
        if value is None:
            continue
        there = (
            (every.values == value) & (every.steps == (NO_STEP if step is None else step)) & (every.millis == millis)
        )
        if not there.any():
            wrong.append(f"no point has the {which} {value} at step {step} that its summary names")
    return wrong


def _ranges(points: Points) -> dict[str, Any]:
    values = points.values[~np.isnan(points.values)]
    steps = points.steps[points.steps != NO_STEP]
    return {
        "value_min": float(values.min()) if len(values) else None,
        "value_max": float(values.max()) if len(values) else None,
        "step_min": int(steps.min()) if len(steps) else None,
        "step_max": int(steps.max()) if len(steps) else None,
        "millis_min": int(points.millis.min()),
        "millis_max": int(points.millis.max()),
    }


def _value(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _differing(said: Any, expected: dict[str, Any]) -> list[str]:
    return [name for name, value in expected.items() if said[name] != value]


def _same_groups(packed: bytes, points: Points) -> bool:
    kept, made = rollups.unpack(packed), rollups.groups(points)
    if len(kept) != len(made):
        return False
    exact = [name for name in rollups.GROUP.names or () if name != "mean"]
    floats = [name for name in exact if rollups.GROUP[name].kind == "f"]
    return all(np.array_equal(kept[name], made[name], equal_nan=name in floats) for name in exact) and bool(
        np.allclose(kept["mean"], made["mean"], rtol=_ROUNDING, equal_nan=True)
    )
