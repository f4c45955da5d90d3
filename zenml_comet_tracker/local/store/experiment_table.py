"""The table of a project's experiments: which rows, in which order, with which columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from zenml_comet_tracker.local.store import standing, symlinks, views
from zenml_comet_tracker.local.store.schema import experiment, metric, other, parameter, tag
from zenml_comet_tracker.local.store.search import results
from zenml_comet_tracker.local.store.search.results import Part
from zenml_comet_tracker.local.store.search.rules import Source

COMMON_METRICS = 5
SHOWN_PARAMETERS = 6
# Columns are chosen by the newest experiments: enough to tell, and the price of a page does not grow with a project.
LOOKED_AT = 200
_NAMED: dict[str, Source] = {"metric": "metrics", "parameter": "params"}
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
    """The experiments of a project whose name, key or a tag holds every word of `search`, in order, a page of them.

    A word `name=value` is also found where an other of that name has that value.
    """
    total = connection.scalar(select(func.count()).select_from(experiment).where(*_listed(project_id))) or 0
    query = select(experiment.c.id).where(*_listed(project_id), *_search(search))
    part = Part(offset, limit)
    ids, found = results.numbered(connection, _in_order(query, sort, now_millis), part, total=None if search else total)
    rows = results.described(connection, views.experiments(now_millis), ids)
    newest = _newest(connection, project_id)
    metrics = _common_metrics(connection, newest)
    parameters = _telling_parameters(connection, newest)
    tags = views.tags(connection, ids)
    values = _values(connection, select(metric.c.experiment_id, metric.c.name, metric.c.last_value), ids, metrics)
    settings = _values(
        connection, select(parameter.c.experiment_id, parameter.c.name, parameter.c.value), ids, parameters
    )
    shown = [TableRow(views.read_experiment(row, tags[row.id]), values[row.id], settings[row.id]) for row in rows]
    return Table(shown, metrics, parameters, total, found)


def _newest(connection: Connection, project_id: str) -> Sequence[int]:
    query = select(experiment.c.id).where(*_listed(project_id))
    return connection.scalars(results.newest_first(query).limit(LOOKED_AT)).all()


def _common_metrics(connection: Connection, newest: Sequence[int]) -> list[str]:
    """The metrics that most of these experiments have, those of the system left out."""
    query = (
        select(metric.c.name)
        .where(metric.c.experiment_id.in_(newest), metric.c.name.not_like("sys.%"))
        .group_by(metric.c.name)
        .order_by(func.count().desc(), metric.c.name)
        .limit(COMMON_METRICS)
    )
    return list(connection.scalars(query))


def _telling_parameters(connection: Connection, newest: Sequence[int]) -> list[str]:
    """The parameters that tell these experiments apart; of a lone one the first."""
    present, value = func.count(), parameter.c.value
    query = (
        select(parameter.c.name)
        .where(parameter.c.experiment_id.in_(newest))
        .group_by(parameter.c.name)
        .order_by(present.desc(), parameter.c.name)
        .limit(SHOWN_PARAMETERS)
    )
    if len(newest) > 1:
        query = query.having(or_(func.min(value) != func.max(value), present < len(newest)))
    return list(connection.scalars(query))


def _listed(project_id: str) -> tuple[ColumnElement[bool], ...]:
    return symlinks.listed_in(project_id), experiment.c.archived.is_(False)


def _values(
    connection: Connection, query: Select[Any], ids: Sequence[int], names: Sequence[str]
) -> defaultdict[int, dict[str, Any]]:
    experiment_id, name, _ = query.selected_columns
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    # Not the plain name, else SQLite reads the values of all experiments through the index by name.
    wanted = query.where(experiment_id.in_(ids), name.concat("").in_(names))
    for owner, label, value in connection.execute(wanted):
        found[owner][label] = value
    return found


def _search(text: str) -> list[ColumnElement[bool]]:
    return [_holds(word) for word in dict.fromkeys(text.casefold().split())]


def _holds(word: str) -> ColumnElement[bool]:
    def held(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.instr(func.casefold(column), word) > 0

    tagged = exists().where(tag.c.experiment_id == experiment.c.id, held(tag.c.name))
    return or_(held(experiment.c.name), held(experiment.c.key), tagged, *_has_other(word))


def _has_other(word: str) -> list[ColumnElement[bool]]:
    """What `name=value` asks for besides: an other of this name and value."""
    name, equals, value = word.partition("=")
    if not (name and equals):
        return []
    same = (func.casefold(other.c.name) == name, func.casefold(other.c.value) == value)
    return [exists().where(other.c.experiment_id == experiment.c.id, *same)]


def _in_order(query: Select[Any], sort: Sort, now_millis: int) -> Select[Any]:
    kind, _, name = sort.column.partition(":")
    if kind in _NAMED:
        query, column = results.joined(query, _NAMED[kind], name)
    else:
        column = _own_column(sort.column, now_millis)
    return results.newest_first(results.in_order(query, column, sort.descending))


def _own_column(column: str, now_millis: int) -> ColumnElement[Any]:
    return {
        "name": func.casefold(func.coalesce(experiment.c.name, experiment.c.key)),
        "status": standing.status(now_millis),
        "start": experiment.c.start_millis,
        "duration": standing.lasted_millis(now_millis),
    }[column]
