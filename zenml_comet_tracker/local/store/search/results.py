"""Which experiments a search finds, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from zenml_comet_tracker.local.store import standing, symlinks
from zenml_comet_tracker.local.store.schema import experiment
from zenml_comet_tracker.local.store.search import conditions
from zenml_comet_tracker.local.store.search.fields import METADATA, NAMED
from zenml_comet_tracker.local.store.search.rules import Group, Order

NEWEST_FIRST = Order("metadata", "start_server_timestamp", descending=True)


@dataclass(frozen=True)
class Page:
    """Which part of what is found: page `number`, from 1, of `size` rows; None = all."""

    number: int = 1
    size: int | None = None


ALL = Group()
WHOLE = Page()


def keys(connection: Connection, now_millis: int, project_id: str, wanted: Group, *, archived: bool) -> list[str]:
    """The keys of all experiments of the project that are wanted, the newest first."""
    query = select(experiment.c.key).where(*_where(now_millis, project_id, wanted, archived))
    return list(connection.scalars(in_order(query, [NEWEST_FIRST], now_millis)))


def count(connection: Connection, now_millis: int, project_id: str, wanted: Group, *, archived: bool) -> int:
    """How many experiments of the project are wanted."""
    where = _where(now_millis, project_id, wanted, archived)
    return connection.scalar(select(func.count()).select_from(experiment).where(*where)) or 0


def page(
    connection: Connection,
    now_millis: int,
    project_id: str,
    wanted: Group = ALL,
    *,
    archived: bool = False,
    orders: Sequence[Order] = (),
    part: Page = WHOLE,
) -> Sequence[Row[Any]]:
    """The rows (see `standing.rows`) of a part of the project's experiments that are wanted."""
    query = standing.rows(now_millis).where(*_where(now_millis, project_id, wanted, archived))
    query = in_order(query, orders or [NEWEST_FIRST], now_millis)
    if part.size is not None:
        query = query.limit(part.size).offset((part.number - 1) * part.size)
    return connection.execute(query).all()


def in_order(query: Select[Any], orders: Sequence[Order], now_millis: int) -> Select[Any]:
    """The query over experiments in this order; of equal ones the newest first, so that pages never overlap."""
    for order in orders:
        if order.source == "metadata":
            value = METADATA[order.field].value(now_millis)
        else:
            query, value = _joined(query, order)
        query = query.order_by(directed(value, order.descending))
    return query.order_by(experiment.c.start_millis.desc(), experiment.c.id.desc())


def directed(value: ColumnElement[Any], descending: bool) -> ColumnElement[Any]:
    """The value as a term of an order: what is absent stands last in both directions."""
    return (value.desc() if descending else value.asc()).nulls_last()


def _joined(query: Select[Any], order: Order) -> tuple[Select[Any], ColumnElement[Any]]:
    fields = NAMED[order.source]
    # An alias, since two terms may order by values of one table.
    table = fields.table.alias()
    own = (table.c.experiment_id == experiment.c.id, table.c.name == order.field)
    columns = [table.c[column.name] for column in (fields.number, fields.text) if column is not None]
    # Numbers by size, then texts by letter.
    value = func.coalesce(*columns) if len(columns) > 1 else columns[0]
    return query.outerjoin(table, and_(*own)), value


def _where(now_millis: int, project_id: str, wanted: Group, archived: bool) -> tuple[ColumnElement[bool], ...]:
    listed = (symlinks.listed_in(project_id), experiment.c.archived.is_(archived))
    return (*listed, conditions.condition(wanted, now_millis))
