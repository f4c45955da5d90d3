"""The table of a project's experiments: which rows, in which order, with which columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, exists, func, or_, select

from zenml_comet_tracker.local.store import standing, views
from zenml_comet_tracker.local.store.schema import experiment, metric, parameter, tag

COMMON_METRICS = 5
SHOWN_PARAMETERS = 6
# Columns are chosen by the newest experiments: enough to tell, and the price of a page does not grow with a project.
LOOKED_AT = 500
_SORTS = ("name", "status", "start", "duration")


@dataclass(frozen=True)
class TableRow:
    """An experiment in its project's table: last values and parameters by name, for the table's columns."""

    experiment: views.Experiment
    metrics: dict[str, float | None] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A page of a project's experiments. `total` counts all, `found` those that pass the filter."""

    rows: list[TableRow]
    metrics: list[str]
    parameters: list[str]
    total: int
    found: int


@dataclass(frozen=True)
class Sort:
    """An order of a project's experiments, as the address says it: `start`, `-metric:loss`, `parameter:lr`."""

    column: str = "start"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> Sort:
        """The order named by `text`; the newest first when it names none."""
        column = text.removeprefix("-")
        kind, _, name = column.partition(":")
        if column in _SORTS or (kind in _NAMED and name):
            return cls(column, text.startswith("-"))
        return cls()

    def __str__(self) -> str:
        return f"-{self.column}" if self.descending else self.column


def read(
    connection: Connection, now_millis: int, project_id: str, *, search: str, sort: Sort, offset: int, limit: int
) -> Table:
    """The experiments of a project whose name, key or a tag holds every word of `search`, in order, a page of them."""
    everything = (experiment.c.project_id == project_id, experiment.c.archived.is_(False))
    wanted = (*everything, *_search(search))
    total = connection.scalar(select(func.count()).select_from(experiment).where(*everything)) or 0
    found = connection.scalar(select(func.count()).select_from(experiment).where(*wanted)) or 0
    query = _in_order(views.experiments(now_millis).where(*wanted), sort, now_millis)
    rows = connection.execute(query.offset(offset).limit(limit)).all()
    ids = [row.id for row in rows]
    metrics = common_metrics(connection, project_id)
    parameters = telling_parameters(connection, project_id, total)
    tags = views.tags(connection, ids)
    values = _values(connection, select(metric.c.experiment_id, metric.c.name, metric.c.last_value), ids, metrics)
    settings = _values(
        connection, select(parameter.c.experiment_id, parameter.c.name, parameter.c.value), ids, parameters
    )
    shown = [TableRow(views.read_experiment(row, tags[row.id]), values[row.id], settings[row.id]) for row in rows]
    return Table(shown, metrics, parameters, total, found)


def common_metrics(connection: Connection, project_id: str) -> list[str]:
    """The metrics that most of a project's newest experiments have, those of the system left out."""
    query = (
        select(metric.c.name)
        .where(metric.c.experiment_id.in_(_newest(project_id)), metric.c.name.not_like("sys.%"))
        .group_by(metric.c.name)
        .order_by(func.count().desc(), metric.c.name)
        .limit(COMMON_METRICS)
    )
    return list(connection.scalars(query))


def telling_parameters(connection: Connection, project_id: str, total: int) -> list[str]:
    """The parameters that tell a project's newest experiments apart, of `total` at all; of a lone one the first."""
    present, value = func.count(), parameter.c.value
    query = (
        select(parameter.c.name)
        .where(parameter.c.experiment_id.in_(_newest(project_id)))
        .group_by(parameter.c.name)
        .order_by(present.desc(), parameter.c.name)
        .limit(SHOWN_PARAMETERS)
    )
    if total > 1:
        query = query.having(or_(func.min(value) != func.max(value), present < min(total, LOOKED_AT)))
    return list(connection.scalars(query))


def _newest(project_id: str) -> Select[Any]:
    return (
        select(experiment.c.id)
        .where(experiment.c.project_id == project_id, experiment.c.archived.is_(False))
        .order_by(experiment.c.start_millis.desc(), experiment.c.id.desc())
        .limit(LOOKED_AT)
    )


def _values(
    connection: Connection, query: Select[Any], ids: Sequence[int], names: Sequence[str]
) -> defaultdict[int, dict[str, Any]]:
    experiment_id, name, _ = query.selected_columns
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for owner, label, value in connection.execute(query.where(experiment_id.in_(ids), name.in_(names))):
        found[owner][label] = value
    return found


def _search(text: str) -> list[ColumnElement[bool]]:
    return [_holds(word) for word in dict.fromkeys(text.casefold().split())]


def _holds(word: str) -> ColumnElement[bool]:
    def held(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.instr(func.casefold(column), word) > 0

    tagged = exists().where(tag.c.experiment_id == experiment.c.id, held(tag.c.name))
    return or_(held(experiment.c.name), held(experiment.c.key), tagged)


def _in_order(query: Select[Any], sort: Sort, now_millis: int) -> Select[Any]:
    kind, _, name = sort.column.partition(":")
    column: ColumnElement[Any]
    if kind in _NAMED:
        values = _NAMED[kind](name)
        query = query.outerjoin(values, values.c.experiment_id == experiment.c.id)
        column = values.c.value
    else:
        column = _own_column(sort.column, now_millis)
    ordered = column.desc() if sort.descending else column.asc()
    # Absent values stand last in both directions; equal ones keep the newest first, so that pages never overlap.
    return query.order_by(ordered.nulls_last(), experiment.c.start_millis.desc(), experiment.c.id.desc())


def _own_column(column: str, now_millis: int) -> ColumnElement[Any]:
    return {
        "name": func.casefold(func.coalesce(experiment.c.name, experiment.c.key)),
        "status": standing.status(now_millis),
        "start": experiment.c.start_millis,
        "duration": standing.lasted_millis(now_millis),
    }[column]


def _metric_values(name: str) -> Subquery:
    return _one_each(metric.c.experiment_id, metric.c.last_value, metric.c.name == name)


def _parameter_values(name: str) -> Subquery:
    # Numbers by size, then texts by letter.
    value = func.coalesce(parameter.c.number, parameter.c.value)
    return _one_each(parameter.c.experiment_id, value, parameter.c.name == name)


_NAMED = {"metric": _metric_values, "parameter": _parameter_values}


def _one_each(experiment_id: ColumnElement[int], value: ColumnElement[Any], wanted: ColumnElement[bool]) -> Subquery:
    # Joined as a whole: asked for experiment by experiment, SQLite reads all experiments for each of them.
    values = func.max(value).label("value")
    return select(experiment_id.label("experiment_id"), values).where(wanted).group_by(experiment_id).subquery()
