"""Deleting experiments and projects, with all that only they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, select

from zenml_comet_tracker.local.store import assets, experiments, kept_assets, projects, schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import ProjectInUseError
from zenml_comet_tracker.local.store.store import Store

# In one transaction; others write in between.
_AT_ONCE = 50


def delete_experiment(store: Store, key: str) -> None:
    """Deletes an experiment; the disk has its space back. Raises `UnknownExperimentError`.

    The files of artifact versions and registered models that it made stay.
    """
    with store.write() as transaction:
        _delete(transaction, [experiments.require(transaction.connection, key)])


def delete_project(store: Store, project: Row[Any], *, with_experiments: bool) -> None:
    """Deletes a project. Raises `ProjectInUseError` when it has experiments and they are to stay."""
    while with_experiments:
        with store.write() as transaction:
            found = _some(transaction, project.id)
            _delete(transaction, found)
        if len(found) < _AT_ONCE:
            break
    with store.write() as transaction:
        connection = transaction.connection
        projects.require(connection, project.id)
        experiment = schema.experiment.c
        left = connection.scalar(select(func.count()).where(experiment.project_id == project.id))
        if left:
            raise ProjectInUseError(project.workspace, project.name, left)
        connection.execute(delete(schema.project).where(schema.project.c.id == project.id))


def _some(transaction: Transaction, project_id: str) -> Sequence[Row[Any]]:
    of_it = select(schema.experiment).where(schema.experiment.c.project_id == project_id)
    return transaction.connection.execute(of_it.limit(_AT_ONCE)).all()


def _delete(transaction: Transaction, found: Sequence[Row[Any]]) -> None:
    connection = transaction.connection
    symlink = schema.symlink.c
    for experiment in found:
        assets.release_all(transaction, experiment.id)
        kept_assets.keep(connection, experiment)
        transaction.touch_project(experiment.project_id)
        linked = select(symlink.project_id).where(symlink.experiment_id == experiment.id)
        for project_id in connection.scalars(linked):
            transaction.touch_project(project_id)
    ids = [experiment.id for experiment in found]
    connection.execute(delete(schema.experiment).where(schema.experiment.c.id.in_(ids)))
    transaction.shrinks = True
