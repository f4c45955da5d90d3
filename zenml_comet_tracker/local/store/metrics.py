"""Metrics: points in, one summary row each kept up to date, points and summaries out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, insert, select, update

from zenml_comet_tracker.local.store import schema, series
from zenml_comet_tracker.local.store.series import NO_STEP, Points, number_or_none


@dataclass(frozen=True)
class MetricValue:
    """One value as it was logged: plain name, and the context beside it."""

    name: str
    value: float
    step: int | None
    epoch: float | None
    context: str
    millis: int


def shown_name(name: str, context: str) -> str:
    """The name under which a value is kept and shown: the context is put in front, here and nowhere else."""
    return f"{context}_{name}" if context else name


def add(connection: Connection, experiment_id: int, writer: str, values: Sequence[MetricValue]) -> None:
    """Stores values in the order given; their writer's earlier values come before them."""
    groups: dict[tuple[str, str], list[MetricValue]] = {}
    for value in values:
        groups.setdefault((shown_name(value.name, value.context), value.context), []).append(value)
    known = _known(connection, experiment_id, {name for name, _ in groups})
    for key, group in groups.items():
        points = Points.of(
            [value.value for value in group],
            [value.step for value in group],
            [value.epoch for value in group],
            [value.millis for value in group],
        )
        _add_points(connection, experiment_id, key, writer, points, known.get(key))


def summaries(connection: Connection, experiment_id: int) -> Sequence[Row[Any]]:
    """The summary rows of an experiment's metrics, in the order in which they first came."""
    metric = schema.metric.c
    return connection.execute(
        select(schema.metric).where(metric.experiment_id == experiment_id).order_by(metric.id)
    ).all()


def points(connection: Connection, experiment_id: int, name: str | None = None) -> Iterator[tuple[Row[Any], Points]]:
    """Summary row and points of each metric of that shown name, or of all metrics."""
    for row in summaries(connection, experiment_id):
        if name is None or row.name == name:
            yield row, series.read(connection, row.id)


def _known(connection: Connection, experiment_id: int, names: set[str]) -> dict[tuple[str, str], Row[Any]]:
    metric = schema.metric.c
    rows = connection.execute(
        select(schema.metric).where(metric.experiment_id == experiment_id, metric.name.in_(names))
    )
    return {(row.name, row.context): row for row in rows}


def _add_points(
    connection: Connection,
    experiment_id: int,
    key: tuple[str, str],
    writer: str,
    points: Points,
    known: Row[Any] | None,
) -> None:
    summary = _summary_of(points)
    if known is None:
        row = {"experiment_id": experiment_id, "name": key[0], "context": key[1], "last_writer": writer, **summary}
        result = connection.execute(insert(schema.metric).values(row))
        assert result.inserted_primary_key is not None  # noqa: S101
        series.append(connection, result.inserted_primary_key[0], writer, points)
        return
    peak = series.append(connection, known.id, writer, points)
    merged = _merge(known, {**summary, "last_peak_millis": peak, "last_writer": writer})
    connection.execute(update(schema.metric).where(schema.metric.c.id == known.id).values(merged))


def _summary_of(points: Points) -> dict[str, Any]:
    steps = points.steps[points.steps != NO_STEP]
    summary: dict[str, Any] = {
        "count": len(points),
        "last_value": number_or_none(points.values[-1]),
        "last_step": _step(points, -1),
        "last_millis": int(points.millis[-1]),
        "last_peak_millis": int(points.millis.max()),
        "step_min": int(steps.min()) if len(steps) else None,
        "step_max": int(steps.max()) if len(steps) else None,
        "millis_min": int(points.millis.min()),
        "millis_max": int(points.millis.max()),
    }
    all_nan = bool(np.isnan(points.values).all())
    for which, find in (("min", np.nanargmin), ("max", np.nanargmax)):
        at = None if all_nan else int(find(points.values))
        summary[f"{which}_value"] = None if at is None else float(points.values[at])
        summary[f"{which}_step"] = None if at is None else _step(points, at)
        summary[f"{which}_millis"] = None if at is None else int(points.millis[at])
    return summary


def _merge(old: Row[Any], new: dict[str, Any]) -> dict[str, Any]:
    """What of the summary row changes when newer points come in; an extreme stays with the point that had it first."""
    merged: dict[str, Any] = {"count": old._mapping["count"] + new["count"]}
    if (new["last_peak_millis"], new["last_writer"]) >= (old.last_peak_millis, old.last_writer):
        merged.update({name: value for name, value in new.items() if name.startswith("last_")})
    if _beats(old.min_value, new["min_value"], smaller=True):
        merged.update({name: new[name] for name in ("min_value", "min_step", "min_millis")})
    if _beats(old.max_value, new["max_value"], smaller=False):
        merged.update({name: new[name] for name in ("max_value", "max_step", "max_millis")})
    for column, choose in (("step_min", min), ("step_max", max), ("millis_min", min), ("millis_max", max)):
        present = [value for value in (old._mapping[column], new[column]) if value is not None]
        merged[column] = choose(present) if present else None
    return merged


def _beats(old: float | None, new: float | None, *, smaller: bool) -> bool:
    if new is None:
        return False
    if old is None:
        return True
    return new < old if smaller else new > old


def _step(points: Points, at: int) -> int | None:
    step = int(points.steps[at])
    return None if step == NO_STEP else step
