"""The packages that an experiment stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import REST, Transport


def write(
    transport: Transport, experiment_key: str, versions: Mapping[str, str | None], millis: int, headers: Headers = None
) -> dict[str, Any]:
    """Adds packages by name, with their versions. PUT `write/experiment/dependencies`."""
    packages = [{"name": name, "version": version} for name, version in versions.items()]
    body = {"experimentKey": experiment_key, "timestamp": millis, "logDependencies": packages}
    return transport.put_json(f"{REST}write/experiment/dependencies", body, headers=headers)
