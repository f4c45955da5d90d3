"""Metric values: written in batches or one by one, read as points and as summaries."""

from __future__ import annotations

import re
from typing import Any

import orjson

from zenml_comet_tracker.comet.resources import Headers, entries
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport
from zenml_comet_tracker.comet.values import WireNumber

MAX_BATCH = 1_000
# Behind the name of its rank, if that is not zero.
_OF_MACHINE = re.compile(r"(?:rank_[0-9_]+\.)?sys\.")


def row(
    name: str,
    value: WireNumber,
    millis: int,
    step: int | None = None,
    epoch: float | None = None,
    context: str | None = None,
) -> dict[str, Any]:
    """One point as a batch holds it: `millis` since the epoch, the plain name, the context beside it."""
    point: dict[str, Any] = {"metricName": name, "metricValue": value, "timestamp": millis}
    if step is not None:
        point["step"] = step
    if epoch is not None:
        point["epoch"] = epoch
    if context is not None:
        point["context"] = context
    return point


def of_attempt(rows: list[dict[str, Any]], attempt: int) -> list[dict[str, Any]]:
    """The rows in a context that names the attempt, for a server that would mix them with those of the first one.

    Those of the machine stay as they are: a server knows them by their names.
    """
    apart = f"attempt_{attempt}"
    return [
        row
        if _OF_MACHINE.match(row["metricName"])
        else {**row, "context": f"{apart}_{row['context']}" if row.get("context") else apart}
        for row in rows
    ]


def line_start(name: str) -> bytes:
    """How the line of a row with this name begins, up to its value. Names recur, so it is worth keeping."""
    return b'{"metricName":%b,"metricValue":' % orjson.dumps(name)


def line_end(millis: int, step: int | None, epoch: float | None, context: str | None = None) -> bytes:
    """How the line of a row goes on behind its value, newline included: the same for all values of one call."""
    if epoch is None and context is None:
        if step is None:
            return b',"timestamp":%d}\n' % millis
        return b',"timestamp":%d,"step":%d}\n' % (millis, step)
    more = b"" if step is None else b',"step":%d' % step
    if epoch is not None:
        more += b',"epoch":%b' % orjson.dumps(epoch)
    if context is not None:
        more += b',"context":%b' % orjson.dumps(context)
    return b',"timestamp":%d%b}\n' % (millis, more)


def write_batch(transport: Transport, experiment_key: str, rows: bytes, headers: Headers = None) -> None:
    """Writes up to 1,000 rows, JSON joined by commas, in order. POST clientlib `batch/logger/experiment/metric`."""
    body = b'{"experimentKey":"%b","values":[%b]}' % (experiment_key.encode(), rows)
    transport.post_bytes(f"{CLIENTLIB}batch/logger/experiment/metric", body, headers=headers)


def write(transport: Transport, experiment_key: str, value: dict[str, Any], headers: Headers = None) -> dict[str, Any]:
    """Writes one row, in documented REST. POST `write/experiment/metric`."""
    body = {"experimentKey": experiment_key, **value}
    return transport.post_json(f"{REST}write/experiment/metric", body, headers=headers)


def points(transport: Transport, experiment_key: str, name: str | None = None) -> list[dict[str, Any]]:
    """Every point of one metric, or of all, in order: `metricName`, `metricValue` (a text), `timestamp` (milliseconds),
    `step`, `epoch`, `runContext`.

    GET `experiment/metrics/get-metric`, or `experiment/metrics/get-all`.
    """
    params = {"experimentKey": experiment_key, "metricName": name}
    path = "experiment/metrics/get-all" if name is None else "experiment/metrics/get-metric"
    return entries(transport.get_json(f"{REST}{path}", params), "metrics")


def summary(transport: Transport, experiment_key: str) -> list[dict[str, Any]]:
    """Of every metric the last, least and greatest value (texts), each with time and step.

    `name`, `valueCurrent`, `valueMin`, `valueMax`, `timestampCurrent` ..., `stepCurrent` ... GET
    `experiment/metrics/summary`.
    """
    return entries(transport.get_json(f"{REST}experiment/metrics/summary", {"experimentKey": experiment_key}), "values")
