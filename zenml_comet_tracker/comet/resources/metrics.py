"""Metric values, written in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import CLIENTLIB, Transport
from zenml_comet_tracker.comet.values import WireNumber

MAX_BATCH = 1_000


@dataclass(frozen=True)
class MetricValue:
    """One point: `millis` since the epoch, the plain name, the context beside it."""

    name: str
    value: WireNumber
    millis: int
    step: int | None = None
    epoch: float | None = None
    context: str | None = None


def write_batch(
    transport: Transport, experiment_key: str, values: Sequence[MetricValue], headers: Headers = None
) -> None:
    """Writes up to 1,000 values in order. POST clientlib `batch/logger/experiment/metric`."""
    rows = [
        {
            "metricName": value.name,
            "metricValue": value.value,
            "step": value.step,
            "epoch": value.epoch,
            "context": value.context,
            "timestamp": value.millis,
        }
        for value in values
    ]
    body = {"experimentKey": experiment_key, "values": rows}
    transport.post_json(f"{CLIENTLIB}batch/logger/experiment/metric", body, headers=headers)
