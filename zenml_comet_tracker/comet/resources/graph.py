"""The model graph of an experiment: a text, kept as it is."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import Headers, optional_text
from zenml_comet_tracker.comet.transport import REST, Transport


def read(transport: Transport, experiment_key: str) -> str | None:
    """The graph, None when none was logged. GET `experiment/graph`."""
    return optional_text(transport.get_json(f"{REST}experiment/graph", {"experimentKey": experiment_key}), "graph")


def write(transport: Transport, experiment_key: str, graph: str, headers: Headers = None) -> dict[str, Any]:
    """Sets the graph in place of what is there. POST `write/experiment/graph`."""
    body = {"experimentKey": experiment_key, "graph": graph}
    return transport.post_json(f"{REST}write/experiment/graph", body, headers=headers)
