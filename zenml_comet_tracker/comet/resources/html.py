"""The HTML page of an experiment."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import Headers, optional_text
from zenml_comet_tracker.comet.transport import REST, Transport


def write(
    transport: Transport, experiment_key: str, html: str, *, clear: bool, millis: int, headers: Headers = None
) -> dict[str, Any]:
    """Appends to the page, or replaces it when `clear`. POST `write/experiment/html`."""
    body = {"experimentKey": experiment_key, "html": html, "override": clear, "timestamp": millis}
    return transport.post_json(f"{REST}write/experiment/html", body, headers=headers)


def read(transport: Transport, experiment_key: str) -> str | None:
    """The page, "" when nothing was logged. GET `experiment/html`."""
    return optional_text(transport.get_json(f"{REST}experiment/html", {"experimentKey": experiment_key}), "html")
