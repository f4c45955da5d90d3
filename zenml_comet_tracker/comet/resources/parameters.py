"""Parameters: written in batches or one by one, read and deleted; the last value of a name wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zenml_comet_tracker.comet.resources import Headers, entries
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport
from zenml_comet_tracker.comet.values import WireScalar

MAX_BATCH = 1_000
# Where a parameter comes from.
MANUAL = "manual"
AUTO_LOGGED = "auto-logged"
COMMAND_LINE = "cli"


def row(
    name: str,
    value: WireScalar,
    millis: int,
    step: int | None = None,
    context: str | None = None,
    source: str = MANUAL,
) -> dict[str, Any]:
    """One parameter as a batch holds it; `millis` since the epoch says which of two values is the later."""
    parameter: dict[str, Any] = {
        "parameterName": name,
        "parameterValue": value,
        "timestamp": millis,
        "source": source,
    }
    if step is not None:
        parameter["step"] = step
    if context is not None:
        parameter["context"] = context
    return parameter


def write_batch(transport: Transport, experiment_key: str, rows: bytes, headers: Headers = None) -> None:
    """Writes up to 1,000 rows, given as JSON joined by commas. POST clientlib `batch/logger/experiment/parameter`."""
    body = b'{"experimentKey":"%b","values":[%b]}' % (experiment_key.encode(), rows)
    transport.post_bytes(f"{CLIENTLIB}batch/logger/experiment/parameter", body, headers=headers)


def write(transport: Transport, experiment_key: str, value: dict[str, Any], headers: Headers = None) -> dict[str, Any]:
    """Writes one row, in documented REST, which has no `source`. POST `write/experiment/parameter`."""
    body = {"experimentKey": experiment_key, **{name: said for name, said in value.items() if name != "source"}}
    return transport.post_json(f"{REST}write/experiment/parameter", body, headers=headers)


def summary(transport: Transport, experiment_key: str) -> list[dict[str, Any]]:
    """Every parameter in the shape of a metric's summary, its value a text. GET `experiment/parameters`."""
    return entries(transport.get_json(f"{REST}experiment/parameters", {"experimentKey": experiment_key}), "values")


def delete(transport: Transport, experiment_key: str, name: str) -> dict[str, Any]:
    """Takes one parameter away. POST `write/experiment/parameter/delete`."""
    body = {"experimentKey": experiment_key, "parameterName": name}
    return transport.post_json(f"{REST}write/experiment/parameter/delete", body)


def delete_many(transport: Transport, experiment_key: str, names: Sequence[str]) -> dict[str, Any]:
    """Takes several parameters away, all or none. POST `write/experiments/parameters/delete`."""
    body = [{"experimentKey": experiment_key, "parameterName": name} for name in names]
    return transport.post_json(f"{REST}write/experiments/parameters/delete", body)
