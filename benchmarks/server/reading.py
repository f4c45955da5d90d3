"""A million points of one metric: what they take on the disk, and how fast they come back, whole and as a chart."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.server import peers
from benchmarks.server.inside import Inside
from benchmarks.server.rows import Row
from benchmarks.server.wire import BATCH_POINTS, batches
from zenml_comet_tracker.local.pages import outlines
from zenml_comet_tracker.local.pages.charts import Look
from zenml_comet_tracker.local.store import experiments, metrics, series
from zenml_comet_tracker.local.store.store import Store

POINTS = 1_000_000
BUCKETS = 2_000
_BESIDE = "one row a point"


def reading(folder: Path, rounds: int) -> Iterator[Row]:
    """Space, a full read and a chart."""
    key = uuid.uuid4().hex
    bodies = batches(key, POINTS // BATCH_POINTS)
    plain = peers.RowAPoint(folder / "rows.db")
    for body in bodies:
        plain.ingest(body)
    theirs_bytes = plain.close()
    ours_bytes = _fill(folder / "ours", key, bodies)
    figure = "disk for 1,000,000 points"
    yield Row(figure, "MB", ours_bytes / 1e6, "most", 0.3, _BESIDE, theirs_bytes / 1e6)
    plain = peers.RowAPoint(folder / "rows.db")
    store = Store(folder / "ours")
    with closing(store), store.read() as connection:
        experiment = experiments.require(connection, key)
        row = metrics.summaries(connection, experiment.id)[0]
        check(connection, row.id, plain)
        whole = _seconds(rounds, lambda: series.read(connection, row.id), plain.read)
        chart = _seconds(
            rounds,
            lambda: outlines.chart(connection, row.id, POINTS, experiment.start_millis, Look(buckets=BUCKETS)),
            lambda: plain.chart(BUCKETS, POINTS),
        )
    plain.close()
    yield Row(
        "read 1,000,000 points, full and exact", "points/s", POINTS / whole[0], "least", 5, _BESIDE, POINTS / whole[1]
    )
    yield Row("chart of them in 2,000 buckets", "per second", 1 / chart[0], "least", 40, "GROUP BY", 1 / chart[1])


def _fill(folder: Path, key: str, bodies: list[bytes]) -> int:
    """Stores the batches, a commit each; gives the size of the closed database."""
    with closing(Inside(folder, key)) as stored:
        for body in bodies:
            stored.ingest(body)
    return (folder / "comet.db").stat().st_size


def check(connection: Connection, metric_id: int, plain: peers.RowAPoint) -> None:
    """Raises AssertionError unless both hold the same points."""
    points = series.read(connection, metric_id)
    columns = (points.steps, points.values, points.epochs, points.millis)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == plain.read()


def _seconds(rounds: int, *asked: Callable[[], object]) -> list[float]:
    """Median seconds of each, taking turns."""
    took: list[list[float]] = [[] for _ in asked]
    for _ in range(rounds + 1):
        for ask, seconds in zip(asked, took, strict=True):
            start = time.perf_counter()
            ask()
            seconds.append(time.perf_counter() - start)
    # The first of each found everything cold.
    return [statistics.median(seconds[1:]) for seconds in took]
