"""Tags of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport


def add(transport: Transport, api_key: str, experiment_key: str, tags: Sequence[str], headers: Headers = None) -> None:
    """Adds tags to those the experiment has. POST clientlib `tags/add-tags-to-experiment`."""
    body = {"apiKey": api_key, "experimentKey": experiment_key, "addedTags": list(tags)}
    transport.post_json(f"{CLIENTLIB}tags/add-tags-to-experiment", body, headers=headers)


def write(transport: Transport, experiment_key: str, tags: Sequence[str], headers: Headers = None) -> None:
    """As `add`, in documented REST. POST `write/experiment/tags`."""
    body = {"experimentKey": experiment_key, "addedTags": list(tags)}
    transport.post_json(f"{REST}write/experiment/tags", body, headers=headers)
