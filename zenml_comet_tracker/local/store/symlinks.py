"""Symlinks: experiments listed in projects besides their own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Row, delete, or_, select
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction


def add(transaction: Transaction, experiment: Row[Any], project_id: str) -> None:
    """Lists the experiment in the project too; where it is listed already nothing changes."""
    if project_id == experiment.project_id:
        return
    row = {"experiment_id": experiment.id, "project_id": project_id, "created_millis": transaction.now_millis}
    transaction.connection.execute(insert(schema.symlink).values(row).on_conflict_do_nothing())
    transaction.touch_project(project_id)


def remove(transaction: Transaction, experiment_id: int, project_id: str) -> None:
    """Lists the experiment in the project no more, if it only was by symlink."""
    symlink = schema.symlink.c
    transaction.connection.execute(
        delete(schema.symlink).where(symlink.experiment_id == experiment_id, symlink.project_id == project_id)
    )
    transaction.touch_project(project_id)


def listings() -> CompoundSelect[tuple[int, str]]:
    """`experiment_id` and `project_id` of every experiment in each project that lists it."""
    experiment, symlink = schema.experiment.c, schema.symlink.c
    own = select(experiment.id.label("experiment_id"), experiment.project_id)
    return own.union_all(select(symlink.experiment_id, symlink.project_id))


def listed_in(project_id: Any) -> ColumnElement[bool]:
    """The condition on `schema.experiment` that it is listed in this project: its own, or linked into it."""
    symlink = schema.symlink.c
    linked = select(symlink.experiment_id).where(symlink.project_id == project_id).correlate_except(schema.symlink)
    return or_(schema.experiment.c.project_id == project_id, schema.experiment.c.id.in_(linked))
