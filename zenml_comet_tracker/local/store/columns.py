"""Which names occur in a project: what a table of its experiments can show."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select

from zenml_comet_tracker.local.store import schema


def names(connection: Connection, project_id: str, *, archived: bool) -> dict[str, list[str]]:
    """Distinct names by source: metrics, params, log_other, tag; each in alphabetical order."""
    sources = {"metrics": schema.metric, "params": schema.parameter, "log_other": schema.other, "tag": schema.tag}
    return {source: _distinct(connection, table, project_id, archived) for source, table in sources.items()}


def _distinct(connection: Connection, table: Table, project_id: str, archived: bool) -> list[str]:
    experiment = schema.experiment.c
    statement = (
        select(table.c.name)
        .join(schema.experiment, experiment.id == table.c.experiment_id)
        .where(experiment.project_id == project_id, experiment.archived.is_(archived))
        .distinct()
        .order_by(table.c.name)
    )
    return list(connection.scalars(statement))
