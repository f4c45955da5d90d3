"""Which experiments a search finds, in which order, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from zenml_comet_tracker.local.store import standing, symlinks
from zenml_comet_tracker.local.store.schema import experiment
from zenml_comet_tracker.local.store.search.conditions import condition
from zenml_comet_tracker.local.store.search.fields import METADATA, NAMED
from zenml_comet_tracker.local.store.search.rules import Group, Order, Source

ALL = Group()
NEWEST_FIRST = (Order("metadata", "start_server_timestamp", descending=True),)

# SQLite binds some 32,000 values at most.
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Part:
    """A part of what is found: `size` of it (None = all that is left) behind the first `offset`."""

    offset: int = 0
    size: int | None = None


WHOLE = Part()


@dataclass(frozen=True)
class Found:
    """Rows of `standing.rows`, and how many there are in all parts together."""

    rows: Sequence[Row[Any]]
    total: int


def find(
    connection: Connection,
    now_millis: int,
    project_id: str,
    wanted: Group = ALL,
    *,
    archived: bool = False,
    orders: Sequence[Order] = NEWEST_FIRST,
    part: Part = WHOLE,
) -> Found:
    """A part of the project's experiments that are wanted, in order."""
    query = _ids(now_millis, project_id, wanted, archived, orders)
    ids, total = numbered(connection, query, part)
    return Found(described(connection, standing.rows(now_millis), ids), total)


def keys(connection: Connection, now_millis: int, project_id: str, wanted: Group, *, archived: bool) -> list[str]:
    """The keys of all experiments of the project that are wanted, the newest first."""
    query = _ids(now_millis, project_id, wanted, archived, NEWEST_FIRST)
    return list(connection.scalars(query.with_only_columns(experiment.c.key)))


def numbered(
    connection: Connection, query: Select[Any], part: Part, *, total: int | None = None
) -> tuple[list[int], int]:
    """The ids in a part of the query for ids, and how many it gives in all, unless that is known as `total`."""
    portion = query.offset(part.offset).limit(part.size)
    if total is not None:
        return list(connection.scalars(portion)), total
    # The count comes along for little; asked for by itself it costs as much as the search.
    rows = connection.execute(portion.add_columns(func.count().over().label("total"))).all()
    if rows or not part.offset:
        return [row.id for row in rows], rows[0].total if rows else 0
    return [], connection.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


def described(connection: Connection, query: Select[Any], ids: Sequence[int]) -> list[Row[Any]]:
    """The rows of the query that have these ids, in their order. Sorted with all they hold, rows would be slow."""
    rows: dict[int, Row[Any]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = query.where(experiment.c.id.in_(ids[start : start + _AT_ONCE]))
        rows.update((row.id, row) for row in connection.execute(some))
    return [rows[number] for number in ids]


def in_order(query: Select[Any], value: ColumnElement[Any], descending: bool) -> Select[Any]:
    """The query by this value as well, absent ones last in both directions."""
    return query.order_by((value.desc() if descending else value.asc()).nulls_last())


def newest_first(query: Select[Any]) -> Select[Any]:
    """The query with equal ones in an order of their own, so that parts never overlap."""
    return query.order_by(experiment.c.start_millis.desc(), experiment.c.id.desc())


def joined(query: Select[Any], source: Source, name: str) -> tuple[Select[Any], ColumnElement[Any]]:
    """The query with each experiment's value of this name, and that value: numbers by size, then texts by letter."""
    fields = NAMED[source]
    columns = [column for column in (fields.number, fields.text) if column is not None]
    value = func.coalesce(*columns) if len(columns) > 1 else columns[0]
    # Grouped, though there is one of a name, so that SQLite reads the values through the index and keeps them: asked
    # for experiment by experiment they take twice as long.
    values = (
        select(fields.experiment_id, func.max(value).label("value"))
        .where(fields.name == name)
        .group_by(fields.experiment_id)
        .subquery()
    )
    return query.outerjoin(values, values.c.experiment_id == experiment.c.id), values.c.value


def _ids(
    now_millis: int, project_id: str, wanted: Group, archived: bool, orders: Sequence[Order]
) -> Select[tuple[int]]:
    query = select(experiment.c.id).where(
        symlinks.listed_in(project_id), experiment.c.archived.is_(archived), condition(wanted, now_millis)
    )
    for order in orders:
        if order.source == "metadata":
            value = METADATA[order.field].value(now_millis)
        else:
            query, value = joined(query, order.source, order.field)
        query = in_order(query, value, order.descending)
    return newest_first(query)
