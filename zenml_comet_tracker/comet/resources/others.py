"""Others: named values that are neither metric nor parameter. The name of the experiment is one of them."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import Headers, entries
from zenml_comet_tracker.comet.transport import REST, Transport
from zenml_comet_tracker.comet.values import WireScalar

NAME_KEY = "Name"
NESTED_PARAMETERS_KEY = "hasNestedParams"
# What Comet itself reads, whichever process of an experiment says it.
OF_THE_WHOLE = frozenset({NAME_KEY, NESTED_PARAMETERS_KEY})


def write(
    transport: Transport, experiment_key: str, key: str, value: WireScalar, millis: int, headers: Headers = None
) -> dict[str, Any]:
    """Writes one value; the last one of a key wins. POST `write/experiment/log-other`."""
    body = {"experimentKey": experiment_key, "key": key, "value": value, "timestamp": millis}
    return transport.post_json(f"{REST}write/experiment/log-other", body, headers=headers)


def summary(transport: Transport, experiment_key: str) -> list[dict[str, Any]]:
    """Every other in the shape of a metric's summary, its value a text. GET `experiment/log-other`."""
    return entries(transport.get_json(f"{REST}experiment/log-other", {"experimentKey": experiment_key}), "values")
