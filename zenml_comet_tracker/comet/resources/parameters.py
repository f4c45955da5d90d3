"""Parameters, written in batches; the last value of a name wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import CLIENTLIB, Transport
from zenml_comet_tracker.comet.values import WireScalar

MAX_BATCH = 1_000


@dataclass(frozen=True)
class ParameterValue:
    """One parameter; `millis` since the epoch says which of two values is the later."""

    name: str
    value: WireScalar
    millis: int
    step: int | None = None
    context: str | None = None
    source: str = "manual"


def write_batch(
    transport: Transport, experiment_key: str, values: Sequence[ParameterValue], headers: Headers = None
) -> None:
    """Writes up to 1,000 parameters. POST clientlib `batch/logger/experiment/parameter`."""
    rows = [
        {
            "parameterName": value.name,
            "parameterValue": value.value,
            "step": value.step,
            "source": value.source,
            "context": value.context,
            "timestamp": value.millis,
        }
        for value in values
    ]
    body = {"experimentKey": experiment_key, "values": rows}
    transport.post_json(f"{CLIENTLIB}batch/logger/experiment/parameter", body, headers=headers)
