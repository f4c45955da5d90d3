"""The points of an experiment's metrics: from a server at full resolution, from an export, and back to a server."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.portable.files import read_lines
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import assets, full_metrics, metrics

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Point(NamedTuple):
    """One value: `millis` since the epoch."""

    value: float
    step: int | None
    epoch: float | None
    millis: int


class Series(NamedTuple):
    """A metric under the name it is shown by, which begins with its context if it has one; its points in order."""

    name: str
    context: str | None
    points: Iterator[Point]

    @property
    def plain_name(self) -> str:
        """The name as it was logged, without the context that a server puts in front."""
        prefix = f"{self.context}_"
        return self.name[len(prefix) :] if self.context and self.name.startswith(prefix) else self.name

    @property
    def sent_context(self) -> str | None:
        """The context to log it with, so that it is shown by the same name."""
        return self.context if self.plain_name != self.name else None


def from_server(server: Patient, experiment_key: str) -> Iterator[Series]:
    """Every metric, in the server's order. The points of each have to be taken before the next is asked for."""
    full = server.ask(full_metrics.of_experiment, experiment_key)
    for row in server.ask(metrics.summary, experiment_key):
        name = str(row["name"])
        yield of_server(server, experiment_key, name, full)


def of_server(server: Patient, experiment_key: str, name: str, full: dict[str, list[dict[str, Any]]]) -> Series:
    """One metric. Its table is read piece by piece where the server offers one, else its points come in one answer."""
    files = full.get(full_metrics.spelled(name), [])
    if files:
        points = (point for file in files for point in _table(server, experiment_key, str(file["assetId"])))
        return Series(name, files[0].get("runContext"), points)
    rows = server.ask(metrics.points, experiment_key, name)
    context = rows[0].get("runContext") if rows else None
    return Series(name, context, iter([_point(row) for row in rows]))


def rows_of(series: Iterable[Series]) -> Iterator[dict[str, Any]]:
    """The lines of `metrics.jsonl`: values that JSON cannot say are the texts NaN, Infinity and -Infinity."""
    for metric in series:
        for point in metric.points:
            yield {
                "name": metric.name,
                "context": metric.context,
                "value": point.value if math.isfinite(point.value) else _spelled(point.value),
                "step": point.step,
                "epoch": point.epoch,
                "timestamp": point.millis,
            }


def from_file(path: Path) -> Iterator[Series]:
    """The metrics of an export, in its order. The points of each have to be taken before the next is asked for."""
    for (name, context), rows in groupby(read_lines(path), key=lambda row: (row["name"], row["context"])):
        yield Series(name, context, (_exported(row) for row in rows))


def not_there(server: Patient, experiment_key: str, exported: Iterable[Series], notes: list[str]) -> Iterator[Series]:
    """What of the metrics the server has not got yet: all points behind those that it has, if they are the first ones.

    A metric of which it has others is left as it is, with a note.
    """
    there = {str(row["name"]) for row in server.ask(metrics.summary, experiment_key)}
    full = server.ask(full_metrics.of_experiment, experiment_key)
    for metric in exported:
        if metric.name not in there:
            yield metric
            continue
        known = of_server(server, experiment_key, metric.name, full)
        yield metric._replace(points=_behind(metric, known.points, experiment_key, notes))


def _behind(metric: Series, known: Iterator[Point], experiment_key: str, notes: list[str]) -> Iterator[Point]:
    for point in known:
        ours = next(metric.points, None)
        if ours is None or not _same(ours, point):
            what = "has more points" if ours is None else "has other points"
            notes.append(f"Metric {metric.name} of {experiment_key} {what} on the server, and is left as it is there.")
            return
    yield from metric.points


def _same(one: Point, other: Point) -> bool:
    # NaN differs from itself.
    values = one.value == other.value or (one.value != one.value and other.value != other.value)
    return values and one[1:] == other[1:]


def write(server: Patient, experiment_key: str, series: Iterable[Series]) -> int:
    """How many points were sent, in batches that hold several metrics."""
    count = 0
    batch: list[bytes] = []
    for metric in series:
        for point in metric.points:
            batch.append(_line(metric, point))
            count += 1
            if len(batch) == metrics.MAX_BATCH:
                server.ask(metrics.write_batch, experiment_key, b",".join(batch))
                batch.clear()
    if batch:
        server.ask(metrics.write_batch, experiment_key, b",".join(batch))
    return count


def _table(server: Patient, experiment_key: str, asset_id: str) -> Iterator[Point]:
    with tempfile.TemporaryFile() as file:
        server.fetch(file, assets.content, experiment_key, asset_id)
        try:
            for row in full_metrics.rows(file):
                yield _tabled(row)
        except ValueError as error:
            raise BrokenAnswerError(f"The table {asset_id} of a metric cannot be read: {error}") from error


def _tabled(row: dict[str, str]) -> Point:
    step, epoch = row["step"], row["epoch"]
    return Point(
        float(row["value"]),
        _whole(step) if step else None,
        float(epoch) if epoch else None,
        # In seconds, and of no time when nobody said it.
        round(float(row["timestamp"] or 0) * 1000),
    )


def _whole(text: str) -> int:
    """Doubles are exact for small numbers only, and some tables write steps as such."""
    return int(text) if text.lstrip("-").isdigit() else int(float(text))


def _point(row: dict[str, Any]) -> Point:
    epoch = row.get("epoch")
    return Point(
        float(row["metricValue"]),
        row.get("step"),
        None if epoch is None else float(epoch),
        int(row.get("timestamp") or 0),
    )


def _exported(row: dict[str, Any]) -> Point:
    value = row["value"]
    return Point(
        _SPECIAL.get(value, math.nan) if isinstance(value, str) else value, row["step"], row["epoch"], row["timestamp"]
    )


def _spelled(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _line(metric: Series, point: Point) -> bytes:
    value = point.value if math.isfinite(point.value) else _spelled(point.value)
    return orjson.dumps(
        metrics.row(metric.plain_name, value, point.millis, point.step, point.epoch, metric.sent_context)
    )
