"""Several metrics of several experiments in one answer: `experiments/multi-metric-chart`."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.values import double_json, epoch_json
from zenml_comet_tracker.local.store import experiments, facts, metrics
from zenml_comet_tracker.local.store.points import NO_STEP, Points

rest = APIRouter()

FULL_POINTS = 15_000
SAMPLED_POINTS = 500


@rest.post("/experiments/multi-metric-chart")
def multi_metric_chart(call: JsonCall) -> Response:
    """Columns of values, steps, epochs, times and durations (both in milliseconds) of each asked metric that has
    points, and the asked parameters; experiments with neither are left out."""
    fields = call.fields
    names = _names(fields, "metrics")
    parameters = _names(fields, "params")
    charts: dict[str, Any] = {}
    with call.store.read() as connection:
        for key in fields.texts("targetedExperiments"):
            row = experiments.find(connection, key)
            if row is None:
                continue
            series = _series(connection, row, names, fields)
            values = {p.name: p.value for p in facts.parameters(connection, row.id) if p.name in parameters}
            if series or values:
                charts[key] = _chart(row, series, values if parameters else None)
    return answer({"experiments": charts, "empty": not charts})


def _names(fields: Fields, member: str) -> list[str]:
    return fields.texts(member) if fields.raw(member) is not None else []


def _series(connection: Any, row: Any, names: list[str], fields: Fields) -> dict[str, Points]:
    found = {name: Points.join([points for _, points in metrics.points(connection, row.id, name)]) for name in names}
    found = {name: points for name, points in found.items() if len(points)}
    if not fields.flag("independentMetrics", True):
        found = _on_common_steps(found, len(names))
    limit = FULL_POINTS if fields.flag("fetchFull", True) else SAMPLED_POINTS
    return {name: _sampled(points, limit) for name, points in found.items()}


def _on_common_steps(series: dict[str, Points], asked: int) -> dict[str, Points]:
    """Only the points at steps where every asked metric has one."""
    if len(series) < asked:
        return {}
    common: set[int] | None = None
    for points in series.values():
        steps = set(points.steps.tolist()) - {NO_STEP}
        common = steps if common is None else common & steps
    wanted = np.array(sorted(common or ()), np.int64)
    kept = {name: points.take(np.isin(points.steps, wanted)) for name, points in series.items()}
    return {name: points for name, points in kept.items() if len(points)}


def _sampled(points: Points, limit: int) -> Points:
    """At most `limit` points, evenly spread, first and last among them."""
    if len(points) <= limit:
        return points
    return points.take(np.linspace(0, len(points) - 1, limit).round().astype(np.int64))


def _chart(row: Any, series: dict[str, Points], parameters: dict[str, str] | None) -> dict[str, Any]:
    return {
        "experimentKey": row.key,
        "experiment_key": row.key,
        "experimentName": row.name,
        "steps": None,
        "epochs": None,
        "metrics": [_columns(name, points, row.start_millis) for name, points in series.items()],
        "params": parameters,
    }


def _columns(name: str, points: Points, start_millis: int) -> dict[str, Any]:
    millis = points.millis.tolist()
    return {
        "metricName": name,
        "values": [double_json(value) for value in points.values.tolist()],
        "steps": [None if step == NO_STEP else step for step in points.steps.tolist()],
        "epochs": [epoch_json(epoch) for epoch in points.epochs.tolist()],
        "timestamps": millis,
        "durations": [moment - start_millis for moment in millis],
    }
