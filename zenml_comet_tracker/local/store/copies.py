"""Copies of experiments up to a step: how a new experiment goes on from where another one was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, insert, literal, or_, select

from zenml_comet_tracker.local.store import metrics, schema
from zenml_comet_tracker.local.store.points import NO_STEP

# As wholes: nothing in them says at which step it was logged.
_WHOLE = (schema.parameter, schema.other, schema.tag)
_TEXTS = ("html", "graph", "code")


def copy(connection: Connection, source: Row[Any], target: Row[Any], up_to_step: int | None) -> None:
    """Copies what was logged to `source` into the new experiment `target`; None = all steps.

    Metrics come with the points whose step is known and not later. What tells of the other's own process stays
    behind: points without a step (those of its machine among them), its output, its system and its git.
    """
    for table in _WHOLE:
        _copy_rows(connection, table, source.id, target.id)
    _copy_rows(connection, schema.document, source.id, target.id, schema.document.c.kind.in_(_TEXTS))
    asset = schema.asset.c
    in_time = and_(asset.artifact_version_id.is_(None), _until(asset.step, up_to_step))
    _copy_rows(connection, schema.asset, source.id, target.id, in_time)
    _copy_metrics(connection, source.id, target.id, up_to_step)


def _until(step: Any, up_to_step: int | None) -> Any:
    return literal(True) if up_to_step is None else or_(step.is_(None), step <= up_to_step)


def _copy_rows(connection: Connection, table: Table, source_id: int, target_id: int, *conditions: Any) -> None:
    columns: Sequence[str] = [column.name for column in table.c if column.name not in ("id", "experiment_id")]
    rows = select(literal(target_id), *(table.c[name] for name in columns))
    rows = rows.where(table.c.experiment_id == source_id, *conditions)
    if "id" in table.c:
        rows = rows.order_by(table.c.id)
    connection.execute(insert(table).from_select(["experiment_id", *columns], rows))


def _copy_metrics(connection: Connection, source_id: int, target_id: int, up_to_step: int | None) -> None:
    for row, points in metrics.points(connection, source_id):
        kept = points.steps != NO_STEP
        if up_to_step is not None:
            kept &= points.steps <= up_to_step
        if kept.any():
            metrics.add_points(connection, target_id, "", {row.name: points.take(kept)}, {row.name: row.context})
