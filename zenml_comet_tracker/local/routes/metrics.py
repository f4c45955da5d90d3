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
        if apart := _apart(target, call.attempt):
            contexts = {f"{apart}_{name}": f"{apart}_{c}" if c else apart for name, c in contexts.items()}
            arrived = {f"{apart}_{name}": points for name, points in arrived.items()}
        metrics.add_points(target.connection, target.experiment.id, target.writer, arrived, contexts)

    return call.write_values("points", len(batch), store)


@rest.post("/write/experiment/metric")
def add(call: JsonCall) -> Response:
    """Stores one value."""
    value = metric_value(call.fields, call.store.clock())

    def store(target: Target) -> None:
        apart = _apart(target, call.attempt)
        context = "_".join(part for part in (apart, value.context) if part)
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


def _apart(target: Target, attempt: int | None) -> str:
    """The context for values of an attempt that is over; empty for the newest one's, which may begin with them."""
    newest = target.experiment.status_attempt
    if attempt is None or attempt == newest or (newest == 0 and attempt == 1):
        return ""
    if attempt < newest:
        return metrics.context_of_attempt(attempt)
    status.apply(target.transaction, target.experiment, Report(alive=True, attempt=attempt))
    return ""


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
