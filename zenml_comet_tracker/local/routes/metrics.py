"""Metric values in, by one or by the batch; points and summaries out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.metric_batches import MetricBatch, metric_value
from zenml_comet_tracker.local.routes.values import double_text, epoch_json
from zenml_comet_tracker.local.store import experiments, metrics, status
from zenml_comet_tracker.local.store.points import NO_STEP, Points
from zenml_comet_tracker.local.store.status import Report
from zenml_comet_tracker.local.store.store import Target

rest = APIRouter()
clientlib = APIRouter()


@clientlib.post("/batch/logger/experiment/metric")
def add_batch(call: JsonCall) -> Response:
    """Stores `values`, in their order; all of them or, when one is refused, none."""
    batch = MetricBatch.read(call.fields, call.store.clock())

    def store(target: Target) -> None:
        arrived, contexts = batch.by_metric(target.first_new)
        over = _over(target, call.attempt)
        if over is not None:
            moved = {name: metrics.apart(name, context, over) for name, context in contexts.items()}
            arrived = {moved[name][0]: points for name, points in arrived.items()}
            contexts = dict(moved.values())
        metrics.add_points(target.connection, target.experiment.id, target.writer, arrived, contexts)

    return call.write_values("points", len(batch), store)


@rest.post("/write/experiment/metric")
def add(call: JsonCall) -> Response:
    """Stores one value."""
    value = metric_value(call.fields, call.store.clock())

    def store(target: Target) -> None:
        over = _over(target, call.attempt)
        shown = metrics.shown_name(value.name, value.context)
        context = value.context if over is None else metrics.apart(shown, value.context, over)[1]
        metrics.add(target.connection, target.experiment.id, target.writer, [replace(value, context=context)])

    return call.write(store, stores={"points": 1})


@rest.get("/experiment/metrics/get-metric")
def points_of_one(call: QueryCall) -> Response:
    """Every point of `metricName`, in order."""
    return _points(call, call.fields.text("metricName"))


@rest.get("/experiment/metrics/get-all")
def points_of_all(call: QueryCall) -> Response:
    """Every point of every metric, metric by metric."""
    return _points(call, None)


@rest.get("/experiment/metrics/summary")
def summary(call: QueryCall) -> Response:
    """Last, least and greatest value of every metric, as texts, with step and time of each."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        rows = metrics.summaries(connection, experiment.id)
    return answer({"values": [_summary(row) for row in rows]})


def _over(target: Target, attempt: int | None) -> int | None:
    """The attempt that values are of when it is over; None for the newest one, which may begin with them."""
    newest = target.experiment.status_attempt
    if attempt is None or attempt == newest or (newest == 0 and attempt == 1):
        return None
    if attempt < newest:
        return attempt
    status.apply(target.transaction, target.experiment, Report(alive=True, attempt=attempt))
    return None


def _points(call: QueryCall, name: str | None) -> Response:
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        found = [
            entry
            for row, points in metrics.points(connection, experiment.id, name)
            for entry in _entries(row.name, row.context, points)
        ]
    return answer({"metrics": found})


def _entries(name: str, context: str, points: Points) -> list[dict[str, Any]]:
    columns = (points.values.tolist(), points.steps.tolist(), points.epochs.tolist(), points.millis.tolist())
    return [
        {
            "metricName": name,
            "metricValue": double_text(value),
            "timestamp": millis,
            "step": None if step == NO_STEP else step,
            "epoch": epoch_json(epoch),
            "runContext": context or None,
        }
        for value, step, epoch, millis in zip(*columns, strict=True)
    ]


def _summary(row: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": row.name}
    for wire, column in (("Max", "max"), ("Min", "min"), ("Current", "last")):
        columns = row._mapping
        entry[f"value{wire}"] = double_text(columns[f"{column}_value"])
        millis = columns[f"{column}_millis"]
        # Of NaNs alone none is the least, but clients expect a time.
        entry[f"timestamp{wire}"] = row.last_millis if millis is None else millis
        entry[f"step{wire}"] = columns[f"{column}_step"]
    return entry
