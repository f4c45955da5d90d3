"""What the scripts of the page ask for: has anything changed, and the data of charts. JSON without NaN literals."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from zenml_comet_tracker.local.pages import charts, outlines
from zenml_comet_tracker.local.store import views
from zenml_comet_tracker.local.store.store import Store

router = APIRouter(prefix="/page-data", include_in_schema=False)

# As far as SQLite's integers go.
_MetricId = Annotated[int, Field(ge=0, lt=2**63)]
_Place = Annotated[float | None, Query(allow_inf_nan=False)]


def store_of(request: Request) -> Store:
    """The store that this application serves."""
    store: Store = request.app.state.store
    return store


def everything_cursor(projects: list[views.Project], change: int) -> tuple[str, bool]:
    """The state of the list of projects as one word, and whether something runs."""
    running = sum(project.running for project in projects)
    return f"{change}.{running}", running > 0


def project_cursor(project: views.Project) -> tuple[str, bool]:
    """The state of a project as one word, and whether something runs in it."""
    return f"{project.change_number}.{project.running}", project.running > 0


def experiment_cursor(experiment: views.Experiment) -> tuple[str, bool]:
    """The state of an experiment as one word, and whether it runs. The status counts: it may change without a write."""
    return f"{experiment.change_number}.{experiment.status}", experiment.status in ("running", "retrying")


@router.get("/changes")
def changes(request: Request, since: str = "") -> Response:
    """204 when no project changed since the cursor `since`, else the new cursor."""
    store = store_of(request)
    with store.read() as connection:
        cursor = everything_cursor(views.projects(connection, store.clock()), views.change_number(connection))
    return _news(cursor, since)


@router.get("/projects/{project_id}/changes")
def project_changes(request: Request, project_id: str, since: str = "") -> Response:
    """204 when nothing in the project changed since the cursor `since`, else the new cursor."""
    store = store_of(request)
    with store.read() as connection:
        project = views.project_of_id(connection, store.clock(), project_id)
    return _news(project_cursor(project), since) if project else _absent("project")


@router.get("/experiments/{key}/changes")
def experiment_changes(request: Request, key: str, since: str = "") -> Response:
    """204 when the experiment has not changed since the cursor `since`, else the new cursor."""
    store = store_of(request)
    with store.read() as connection:
        experiment = views.find_experiment(connection, store.clock(), key)
    return _news(experiment_cursor(experiment), since) if experiment else _absent("experiment")


@router.get("/experiments/{key}/series")
def experiment_series(
    request: Request,
    key: str,
    chart: Annotated[list[_MetricId], Query(max_length=64)],
    x: charts.Axis = "step",
    smoothing: Annotated[float, Query(ge=0, le=0.99)] = 0.0,
    buckets: Annotated[int, Query(ge=10, le=4_000)] = 400,
    low: _Place = None,
    high: _Place = None,
) -> Response:
    """The data of the charts (metric ids) that belong to this experiment, by id."""
    store = store_of(request)
    look = charts.Look(x, smoothing, buckets, low, high)
    drawn: dict[str, Any] = {}
    with store.read() as connection:
        experiment = views.find_experiment(connection, store.clock(), key)
        if experiment is None:
            return _absent("experiment")
        for metric_id, count in views.own_metrics(connection, experiment.id, chart):
            drawn[str(metric_id)] = outlines.chart(connection, metric_id, count, experiment.start_millis, look)
    return json_response({"charts": drawn})


def json_response(content: Any, status: int = 200) -> Response:
    """Strict JSON; arrays of numbers as they are, with null for what is not finite."""
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json")


def _news(cursor: tuple[str, bool], since: str) -> Response:
    if cursor[0] == since:
        return Response(status_code=204)
    return json_response({"cursor": cursor[0], "busy": cursor[1]})


def _absent(what: str) -> Response:
    return json_response({"msg": f"There is no such {what} here.", "code": 404}, 404)
