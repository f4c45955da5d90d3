"""Experiments: made, found, listed, and what stands in their own row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from zenml_comet_tracker.local.store import schema, symlinks
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import TakenError, UnknownExperimentError


@dataclass(frozen=True)
class NewExperiment:
    """What an experiment starts with; `start_millis` None = now."""

    key: str
    project_id: str
    running: bool
    name: str | None = None
    start_millis: int | None = None
    user_name: str = ""


def create(transaction: Transaction, new: NewExperiment) -> Row[Any]:
    """The new experiment's row. Raises `TakenError` when its key is in use."""
    if find(transaction.connection, new.key) is not None:
        raise TakenError(f"There is an experiment with key {new.key!r} already.")
    now = transaction.now_millis
    start = now if new.start_millis is None else new.start_millis
    transaction.connection.execute(
        insert(schema.experiment).values(
            key=new.key,
            project_id=new.project_id,
            name=new.name,
            user_name=new.user_name,
            running=new.running,
            created_millis=now,
            start_millis=start,
            # A client's clock that runs ahead must not outrank what the client reports next.
            status_millis=min(start, now),
            last_beat_millis=now,
            updated_millis=now,
        )
    )
    row = require(transaction.connection, new.key)
    transaction.touch(row.id)
    return row


def find(connection: Connection, key: str) -> Row[Any] | None:
    """The experiment's row, with `workspace` and `project_name`; None when there is none."""
    return connection.execute(_BY_KEY, {"key": key}).one_or_none()


def require(connection: Connection, key: str) -> Row[Any]:
    """As `find`, but raises `UnknownExperimentError`."""
    row = find(connection, key)
    if row is None:
        raise UnknownExperimentError(key)
    return row


def change(transaction: Transaction, experiment_id: int, **columns: Any) -> None:
    """Sets columns of the experiment's row."""
    change_quietly(transaction, experiment_id, **columns)
    transaction.touch(experiment_id)


def change_quietly(transaction: Transaction, experiment_id: int, **columns: Any) -> None:
    """Sets columns of the experiment's row that no page shows: whoever watches it is not told."""
    transaction.connection.execute(
        update(schema.experiment).where(schema.experiment.c.id == experiment_id).values(**columns)
    )


def move(transaction: Transaction, experiment: Row[Any], project_id: str) -> None:
    """Makes the project the experiment's own."""
    symlinks.remove(transaction, experiment.id, project_id)
    transaction.touch_project(experiment.project_id)
    change(transaction, experiment.id, project_id=project_id)


def set_times(transaction: Transaction, experiment: Row[Any], start: int | None, end: int | None) -> None:
    """Sets start and end in milliseconds; an end that is missing or before the start follows it by a second, and
    likewise a start given an earlier end."""
    second = 1000
    if start is not None and end is None and (experiment.end_millis is None or experiment.end_millis < start):
        end = None if experiment.running else start + second
    if end is not None and start is None and experiment.start_millis > end:
        start = end - second
    times = {"start_millis": start, "end_millis": end}
    given = {column: value for column, value in times.items() if value is not None}
    if given:
        change(transaction, experiment.id, **given)


def _select() -> Select[Any]:
    project = schema.project.c
    return select(schema.experiment, project.workspace, project.name.label("project_name")).join(
        schema.project, project.id == schema.experiment.c.project_id
    )


# Built once: every request for an experiment begins with it.
_BY_KEY = _select().where(schema.experiment.c.key == bindparam("key"))
