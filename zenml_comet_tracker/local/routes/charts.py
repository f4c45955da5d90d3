"""Several metrics of several experiments in one answer: `experiments/multi-metric-chart`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from zenml_comet_tracker.local.routes import samples
from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.values import double_json, epoch_json
from zenml_comet_tracker.local.store import experiments, facts, metrics
from zenml_comet_tracker.local.store.points import NO_STEP, Points

rest = APIRouter()

FULL_POINTS = 15_000
SAMPLED_POINTS = 500


@dataclass(frozen=True)
class _Series:
    """What is sent of a series, and how many points there are."""

    points: Points
    count: int


@rest.post("/experiments/multi-metric-chart")
def multi_metric_chart(request: Request, call: JsonCall) -> Response:
    """Columns of values, steps, epochs, times and durations (both in milliseconds) of each asked metric that has
    points, and the asked parameters; experiments with neither are left out. Above 15,000 points (500 without
    `fetchFull`) the ends and extremes of a series stand for it, which `sampled` says. Not of Comet's: `maxPoints` in
    the query, 2 at least, asks for fewer."""
    fields = call.fields
    limit = FULL_POINTS if fields.flag("fetchFull", True) else SAMPLED_POINTS
    limit = min(limit, max(2, Fields(request.query_params).count("maxPoints") or limit))
    names = _names(fields, "metrics")
    parameters = _names(fields, "params")
    charts: dict[str, Any] = {}
    with call.store.read() as connection:
        for key in fields.texts("targetedExperiments"):
            row = experiments.find(connection, key)
            if row is None:
                continue
            series = _series(connection, row, names, fields, limit)
            values = {p.name: p.value for p in facts.parameters(connection, row.id) if p.name in parameters}
            if series or values:
                charts[key] = _chart(row, series, values if parameters else None)
    return answer({"experiments": charts, "empty": not charts})


def _names(fields: Fields, member: str) -> list[str]:
    return fields.texts(member) if fields.raw(member) is not None else []


def _series(connection: Any, row: Any, names: list[str], fields: Fields, limit: int) -> dict[str, _Series]:
    asked = {name: points for name in names for _, points in metrics.points(connection, row.id, name)}
    independent = fields.flag("independentMetrics", True)
    if not independent:
        # A metric without a single value leaves no step at which all have one.
        asked = samples.on_common_steps(asked) if asked.keys() >= set(names) and asked else {}
    kept = {name: samples.sample(points, limit) for name, points in asked.items()}
    if asked and not independent:
        kept = samples.sample_steps(asked, limit)
    return {name: _Series(points, len(asked[name])) for name, points in kept.items()}


def _chart(row: Any, series: dict[str, _Series], parameters: dict[str, str] | None) -> dict[str, Any]:
    return {
        "experimentKey": row.key,
        "experiment_key": row.key,
        "experimentName": row.name,
        "steps": None,
        "epochs": None,
        "metrics": [_columns(name, each, row.start_millis) for name, each in series.items()],
        "params": parameters,
    }


def _columns(name: str, series: _Series, start_millis: int) -> dict[str, Any]:
    points = series.points
    millis = points.millis.tolist()
    return {
        "metricName": name,
        "values": [double_json(value) for value in points.values.tolist()],
        "steps": [None if step == NO_STEP else step for step in points.steps.tolist()],
        "epochs": [epoch_json(epoch) for epoch in points.epochs.tolist()],
        "timestamps": millis,
        "durations": [moment - start_millis for moment in millis],
        # Not of Comet's: whether these are all points, and how many there are.
        "sampled": len(points) < series.count,
        "count": series.count,
    }
