"""How experiments stand at a moment: running, retrying, lost, failed, stopped or finished, since when, until when.

Said here for all, in SQL: for the API, for the pages, and for search.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select

from zenml_comet_tracker.local.store.faults import UnknownExperimentError
from zenml_comet_tracker.local.store.schema import experiment, project

# The beat that the server asks for, and how many may be missed: one late beat on a busy machine is no death.
BEAT_MILLIS = 10_000
BEATS_MISSED = 3
# Between two attempts nobody sends signs of life; whoever repeats a step has a while for it.
RETRY_MILLIS = 3_600_000


def rows(now_millis: int) -> Select[Any]:
    """Experiments with `workspace`, `project_name`, `file_name`, and how they stand: `status`, `ended_millis`."""
    return select(
        experiment,
        project.c.workspace,
        project.c.name.label("project_name"),
        file_name().label("file_name"),
        status(now_millis).label("status"),
        ended_millis(now_millis).label("ended_millis"),
    ).join_from(experiment, project)


def require(connection: Connection, key: str, now_millis: int) -> Row[Any]:
    """The experiment's row among `rows`. Raises `UnknownExperimentError`."""
    row = connection.execute(rows(now_millis).where(experiment.c.key == key)).one_or_none()
    if row is None:
        raise UnknownExperimentError(key)
    return row


def status(now_millis: int) -> ColumnElement[str]:
    """running, retrying, lost, failed, stopped or finished, by what was reported and when it was last heard of."""
    silent = experiment.c.last_beat_millis < now_millis - BEATS_MISSED * BEAT_MILLIS
    retrying = and_(experiment.c.running, experiment.c.ended_as == "retrying")
    return case(
        (and_(retrying, experiment.c.last_beat_millis >= now_millis - RETRY_MILLIS), "retrying"),
        (and_(experiment.c.running, silent), "lost"),
        (experiment.c.running, "running"),
        (experiment.c.crashed, "failed"),
        (experiment.c.ended_as == "stopped", "stopped"),
        else_="finished",
    )


def ended_millis(now_millis: int) -> ColumnElement[int]:
    """When it ended: for a running one now, for a lost one its last sign of life; its start for one that never ran."""
    heard, start = experiment.c.last_beat_millis, experiment.c.start_millis
    return case(
        (status(now_millis).in_(("running", "retrying")), now_millis),
        (status(now_millis) == "lost", case((heard > start, heard), else_=start)),
        else_=func.coalesce(experiment.c.end_millis, start),
    )


def lasted_millis(now_millis: int) -> ColumnElement[int]:
    """How long it has run so far, never less than nothing."""
    lasted = ended_millis(now_millis) - experiment.c.start_millis
    return case((lasted > 0, lasted), else_=0)


def heard_millis() -> ColumnElement[int]:
    """When anything last came from it: a value or a sign of life."""
    heard, updated = experiment.c.last_beat_millis, experiment.c.updated_millis
    return case((heard > updated, heard), else_=updated)


def file_name() -> ColumnElement[str]:
    """What follows the last slash of its program's path."""
    path = experiment.c.file_path
    # All but slashes taken away from the right leaves the folder.
    folder = func.rtrim(path, func.replace(path, "/", ""))
    return func.substr(path, func.length(folder) + 1)
