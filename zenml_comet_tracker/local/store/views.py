"""What the web page reads: one function per panel, each a few statements over summaries, never over points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Select, and_, case, func, select

from zenml_comet_tracker.local.store import standing, symlinks
from zenml_comet_tracker.local.store.schema import (
    asset,
    change,
    document,
    experiment,
    metric,
    other,
    parameter,
    project,
    tag,
    workspace,
)

# What the functions below read from: callers hold it without knowing SQL.
Reader: TypeAlias = Connection


@dataclass(frozen=True)
class Project:
    """One project with what goes on in it."""

    id: str
    workspace: str
    name: str
    experiments: int
    running: int
    updated_millis: int
    change_number: int


@dataclass(frozen=True)
class Experiment:
    """One experiment's head. `status` is one of `standing`; `seconds` is how long it lasted so far."""

    id: int
    key: str
    name: str | None
    workspace: str
    project: str
    status: str
    error: str | None
    start_millis: int
    end_millis: int | None
    seconds: float
    archived: bool
    change_number: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """The summary of one series; NULL values stand for NaN, steps are None where none was logged."""

    id: int
    name: str
    count: int
    last: float | None
    last_step: int | None
    low: float | None
    low_step: int | None
    high: float | None
    high_step: int | None


@dataclass(frozen=True)
class Asset:
    """One file of an experiment."""

    asset_id: str
    name: str
    type: str
    step: int | None
    size: int
    sha256: str | None
    link: str | None
    group: str | None
    created_millis: int


def change_number(connection: Connection) -> int:
    """The number of the last commit to this database."""
    return connection.scalar(select(change.c.number)) or 0


def workspaces(connection: Connection) -> list[str]:
    """The names of all workspaces."""
    return list(connection.scalars(select(workspace.c.name).order_by(workspace.c.name)))


def projects(connection: Connection, now_millis: int) -> list[Project]:
    """All projects, the last touched first."""
    query = _projects(now_millis).order_by(project.c.updated_millis.desc(), project.c.workspace, project.c.name)
    return [Project(*row) for row in connection.execute(query)]


def find_project(connection: Connection, now_millis: int, workspace_name: str, name: str) -> Project | None:
    """The project of this name, if there is one."""
    query = _projects(now_millis).where(project.c.workspace == workspace_name, project.c.name == name)
    row = connection.execute(query).first()
    return Project(*row) if row else None


def project_of_id(connection: Connection, now_millis: int, project_id: str) -> Project | None:
    """The project of this id, if there is one."""
    row = connection.execute(_projects(now_millis).where(project.c.id == project_id)).first()
    return Project(*row) if row else None


def find_experiment(connection: Connection, now_millis: int, key: str) -> Experiment | None:
    """The experiment of this key with its tags, if there is one."""
    row = connection.execute(experiments(now_millis).where(experiment.c.key == key)).first()
    if row is None:
        return None
    return read_experiment(row, tags(connection, [row.id])[row.id])


def experiment_names(connection: Connection, project_id: str, limit: int = 1_000) -> list[tuple[str, str | None]]:
    """Key and name of a project's newest experiments: where to look for a name that was mistyped."""
    query = (
        select(experiment.c.key, experiment.c.name)
        .where(symlinks.listed_in(project_id))
        .order_by(experiment.c.start_millis.desc())
        .limit(limit)
    )
    return [(row.key, row.name) for row in connection.execute(query)]


def counts(connection: Connection, experiment_id: int) -> dict[str, int]:
    """How many metrics, parameters, others and assets an experiment has, and whether it has HTML (0 or 1)."""
    numbers = {
        name: select(func.count()).select_from(kind).where(kind.c.experiment_id == experiment_id).scalar_subquery()
        for name, kind in (("metrics", metric), ("parameters", parameter), ("others", other), ("assets", asset))
    }
    html = select(func.count()).where(document.c.experiment_id == experiment_id, document.c.kind == "html")
    texts = select(func.count()).where(asset.c.experiment_id == experiment_id, asset.c.type == "text-sample")
    query = select(*numbers.values(), html.scalar_subquery(), texts.scalar_subquery())
    return dict(zip((*numbers, "html", "texts"), connection.execute(query).one(), strict=True))


def metrics(connection: Connection, experiment_id: int) -> list[Metric]:
    """Summaries of all series of an experiment by name, those of the system last."""
    columns = metric.c
    query = (
        select(
            columns.id,
            columns.name,
            columns.count,
            columns.last_value,
            columns.last_step,
            columns.min_value,
            columns.min_step,
            columns.max_value,
            columns.max_step,
        )
        .where(columns.experiment_id == experiment_id)
        .order_by(columns.name.like("sys.%"), columns.name, columns.context)
    )
    return [Metric(*row) for row in connection.execute(query)]


def own_metrics(connection: Connection, experiment_id: int, metric_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Those of `metric_ids` that are metrics of this experiment, each with its number of points."""
    own = metric.c.experiment_id == experiment_id, metric.c.id.in_(metric_ids)
    rows = connection.execute(select(metric.c.id, metric.c.count.label("points")).where(*own))
    return [(row.id, row.points) for row in rows]


def parameters(connection: Connection, experiment_id: int) -> list[tuple[str, str]]:
    """Names and values, by name."""
    query = select(parameter.c.name, parameter.c.value).where(parameter.c.experiment_id == experiment_id)
    return [(row.name, row.value) for row in connection.execute(query.order_by(parameter.c.name, parameter.c.context))]


def others(connection: Connection, experiment_id: int) -> list[tuple[str, str]]:
    """Names and values, by name."""
    query = select(other.c.name, other.c.value).where(other.c.experiment_id == experiment_id)
    return [(row.name, row.value) for row in connection.execute(query.order_by(other.c.name))]


def assets(connection: Connection, experiment_id: int, kind: str | None = None) -> list[Asset]:
    """Files in the order in which they came; of one type when `kind` names it."""
    query = _assets().where(asset.c.experiment_id == experiment_id).order_by(asset.c.created_millis, asset.c.file_name)
    if kind is not None:
        query = query.where(asset.c.type == kind)
    return [Asset(*row) for row in connection.execute(query)]


def find_asset(connection: Connection, experiment_id: int, asset_id: str) -> Asset | None:
    """The file of this id in this experiment, if there is one."""
    query = _assets().where(asset.c.experiment_id == experiment_id, asset.c.asset_id == asset_id)
    row = connection.execute(query).first()
    return Asset(*row) if row else None


def html(connection: Connection, experiment_id: int) -> str | None:
    """The HTML that was logged, if any."""
    query = select(document.c.text).where(document.c.experiment_id == experiment_id, document.c.kind == "html")
    return connection.scalar(query)


def _projects(now_millis: int) -> Select[Any]:
    listing = symlinks.listings().subquery()
    seen = and_(experiment.c.id == listing.c.experiment_id, experiment.c.archived.is_(False))
    running = func.coalesce(func.sum(case((standing.status(now_millis).in_(("running", "retrying")), 1), else_=0)), 0)
    return (
        select(
            project.c.id,
            project.c.workspace,
            project.c.name,
            func.count(experiment.c.id),
            running,
            project.c.updated_millis,
            project.c.change_number,
        )
        .outerjoin_from(project, listing, listing.c.project_id == project.c.id)
        .outerjoin(experiment, seen)
        .group_by(project.c.id)
    )


def experiments(now_millis: int) -> Select[Any]:
    return select(
        experiment.c.id,
        experiment.c.key,
        experiment.c.name,
        project.c.workspace,
        project.c.name.label("project"),
        standing.status(now_millis).label("status"),
        experiment.c.error,
        experiment.c.start_millis,
        experiment.c.end_millis,
        standing.lasted_millis(now_millis).label("millis"),
        experiment.c.archived,
        experiment.c.change_number,
    ).join_from(experiment, project)


def read_experiment(row: Row[Any], tags: Sequence[str]) -> Experiment:
    return Experiment(
        id=row.id,
        key=row.key,
        name=row.name,
        workspace=row.workspace,
        project=row.project,
        status=row.status,
        error=row.error,
        start_millis=row.start_millis,
        end_millis=row.end_millis,
        seconds=row.millis / 1_000,
        archived=row.archived,
        change_number=row.change_number,
        tags=tuple(tags),
    )


def _assets() -> Select[Any]:
    return select(
        asset.c.asset_id,
        asset.c.file_name,
        asset.c.type,
        asset.c.step,
        asset.c.size,
        asset.c.sha256,
        asset.c.link,
        asset.c.grouping_name,
        asset.c.created_millis,
    )


def tags(connection: Connection, ids: Iterable[int]) -> defaultdict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    query = select(tag.c.experiment_id, tag.c.name).where(tag.c.experiment_id.in_(list(ids))).order_by(tag.c.id)
    for row in connection.execute(query):
        found[row.experiment_id].append(row.name)
    return found
