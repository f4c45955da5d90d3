"""The source code of an experiment."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import Headers, optional_text
from zenml_comet_tracker.comet.transport import REST, Transport


def read(transport: Transport, experiment_key: str) -> str | None:
    """The source, None when none was logged. GET `experiment/code`."""
    return optional_text(transport.get_json(f"{REST}experiment/code", {"experimentKey": experiment_key}), "code")


def write(transport: Transport, experiment_key: str, code: str, headers: Headers = None) -> dict[str, Any]:
    """Sets the source in place of what is there. POST `write/experiment/code`."""
    body = {"experimentKey": experiment_key, "code": code}
    return transport.post_json(f"{REST}write/experiment/code", body, headers=headers)
