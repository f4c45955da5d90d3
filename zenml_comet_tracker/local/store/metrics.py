"""Metrics: points in, one summary row each kept up to date, points and summaries out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from zenml_comet_tracker.local.store import schema, series
from zenml_comet_tracker.local.store.points import NO_STEP, Points, number_or_none
from zenml_comet_tracker.local.store.series import batched

# A context that `apart` made, and of which attempt.
_ATTEMPT = re.compile(r"attempt_([0-9]{1,9})(?:_|$)")
# What a machine does, in the names that Comet's client and ours give it; another rank's stand behind its name.
_OF_MACHINE = re.compile(r"(?:rank_[0-9_]+\.)?sys\.")
_UPDATED = [column.name for column in schema.metric.c if column.name not in ("id", "experiment_id", "name", "context")]


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
    groups: dict[str, list[MetricValue]] = {}
    for value in values:
        groups.setdefault(shown_name(value.name, value.context), []).append(value)
    arrived = {name: _points(group) for name, group in groups.items()}
    add_points(connection, experiment_id, writer, arrived, {name: group[0].context for name, group in groups.items()})


def add_points(
    connection: Connection, experiment_id: int, writer: str, arrived: Mapping[str, Points], contexts: Mapping[str, str]
) -> None:
    """Stores points by the shown name of their metric, after their writer's earlier ones; none of them empty."""
    before = _known(connection, experiment_id, arrived)
    new = [
        {
            "experiment_id": experiment_id,
            "name": name,
            "context": contexts[name],
            "last_writer": writer,
            **_summary_of(points),
        }
        for name, points in arrived.items()
        if name not in before
    ]
    if new:
        connection.execute(insert(schema.metric), new)
    made = _known(connection, experiment_id, [row["name"] for row in new]) if new else {}
    ids = {name: row.id for name, row in {**before, **made}.items()}
    peaks = series.append_all(connection, writer, {ids[name]: points for name, points in arrived.items()})
    _update(connection, writer, [(row, arrived[name], peaks[row.id]) for name, row in before.items()])


def apart(name: str, context: str, attempt: int) -> tuple[str, str]:
    """Shown name and context of a metric of an attempt that is over.

    Those of the machine stay as they are: it is the same experiment, and time tells them apart.
    """
    if _OF_MACHINE.match(name):
        return name, context
    own = f"attempt_{attempt}"
    return shown_name(name, own), shown_name(context, own) if context else own


def set_apart(connection: Connection, experiment_id: int, attempt: int) -> None:
    """Moves the values of an attempt that is over into a context of its own, so that the next one has their names."""
    moved = []
    # The longest first, since one metric may be called what another one becomes.
    for row in sorted(summaries(connection, experiment_id), key=lambda row: -len(row.name)):
        before = _ATTEMPT.match(row.context)
        if before is None or int(before[1]) >= attempt:
            name, context = apart(row.name, row.context, attempt)
            moved.append({"metric_id": row.id, "name": name, "context": context})
    if moved:
        connection.execute(_RENAME, moved)


def summaries(connection: Connection, experiment_id: int) -> Sequence[Row[Any]]:
    """The summary rows of an experiment's metrics, in the order in which they first came."""
    return connection.execute(_SUMMARIES, {"experiment": experiment_id}).all()


def summary(connection: Connection, experiment_id: int, name: str) -> Row[Any] | None:
    """The summary row of the metric of that shown name; None when there is none."""
    return _known(connection, experiment_id, [name]).get(name)


def points(connection: Connection, experiment_id: int, name: str | None = None) -> Iterator[tuple[Row[Any], Points]]:
    """Summary row and points of each metric of that shown name, or of all metrics."""
    rows = summaries(connection, experiment_id) if name is None else [summary(connection, experiment_id, name)]
    for row in rows:
        if row is not None:
            yield row, series.read(connection, row.id)


def _points(values: Sequence[MetricValue]) -> Points:
    return Points.of(
        [value.value for value in values],
        [value.step for value in values],
        [value.epoch for value in values],
        [value.millis for value in values],
    )


def _known(connection: Connection, experiment_id: int, names: Iterable[str]) -> dict[str, Row[Any]]:
    """The summary rows of the metrics that are there already, by name."""
    found: dict[str, Row[Any]] = {}
    for some in batched(names):
        rows = connection.execute(_KNOWN, {"experiment": experiment_id, "names": some})
        found.update((row.name, row) for row in rows)
    return found


def _update(connection: Connection, writer: str, arrived: Sequence[tuple[Row[Any], Points, int]]) -> None:
    """Brings summary rows up to date with points that came after those they sum up."""
    rows = [
        {
            **{column: row._mapping[column] for column in _UPDATED},
            **_merge(row, {**_summary_of(points), "last_peak_millis": peak, "last_writer": writer}),
            "metric_id": row.id,
        }
        for row, points, peak in arrived
    ]
    if rows:
        connection.execute(_UPDATE, rows)


def _summary_of(points: Points) -> dict[str, Any]:
    step_min, step_max = points.step_range()
    summary: dict[str, Any] = {
        "count": len(points),
        "last_value": number_or_none(points.values[-1]),
        "last_step": _step(points, -1),
        "last_millis": int(points.millis[-1]),
        "last_peak_millis": int(points.millis.max()),
        "step_min": step_min,
        "step_max": step_max,
        "millis_min": int(points.millis.min()),
        "millis_max": int(points.millis.max()),
    }
    for which, at in zip(("min", "max"), points.extremes(), strict=True):
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


# Built once: putting a statement together takes SQLAlchemy longer than SQLite takes to run it.
_SUMMARIES = (
    select(schema.metric).where(schema.metric.c.experiment_id == bindparam("experiment")).order_by(schema.metric.c.id)
)
_KNOWN = _SUMMARIES.where(schema.metric.c.name.in_(bindparam("names", expanding=True)))
_RENAME = (
    update(schema.metric)
    .prefix_with("OR IGNORE")
    .where(schema.metric.c.id == bindparam("metric_id"))
    .values(name=bindparam("name"), context=bindparam("context"))
)
_UPDATE = (
    update(schema.metric)
    .where(schema.metric.c.id == bindparam("metric_id"))
    .values({column: bindparam(column) for column in _UPDATED})
)
