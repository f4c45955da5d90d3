"""The machine, the program and the packages of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import REST, Transport


def read(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """Every detail; None, or [] for a list, where nothing was logged. GET `experiment/system-details`."""
    return transport.get_json(f"{REST}experiment/system-details", {"experimentKey": experiment_key})


def write(
    transport: Transport, experiment_key: str, details: Mapping[str, Any], headers: Headers = None
) -> dict[str, Any]:
    """Sets the details given and leaves the others; additional system info is added to what is there.

    POST `write/experiment/system-details`.
    """
    body = {"experimentKey": experiment_key, **details}
    return transport.post_json(f"{REST}write/experiment/system-details", body, headers=headers)
