"""Tags of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zenml_comet_tracker.comet.resources import Headers, texts
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport


def add(transport: Transport, api_key: str, experiment_key: str, tags: Sequence[str], headers: Headers = None) -> None:
    """Adds tags to those the experiment has. POST clientlib `tags/add-tags-to-experiment`."""
    body = {"apiKey": api_key, "experimentKey": experiment_key, "addedTags": list(tags)}
    transport.post_json(f"{CLIENTLIB}tags/add-tags-to-experiment", body, headers=headers)


def write(transport: Transport, experiment_key: str, tags: Sequence[str], headers: Headers = None) -> dict[str, Any]:
    """As `add`, in documented REST. POST `write/experiment/tags`."""
    body = {"experimentKey": experiment_key, "addedTags": list(tags)}
    return transport.post_json(f"{REST}write/experiment/tags", body, headers=headers)


def of_experiment(transport: Transport, experiment_key: str) -> list[str]:
    """The experiment's tags. GET `experiment/tags`."""
    return texts(transport.get_json(f"{REST}experiment/tags", {"experimentKey": experiment_key}), "tags")


def delete(transport: Transport, experiment_key: str, tags: Sequence[str]) -> dict[str, Any]:
    """Takes tags away; those that are not there are gone already. POST `write/experiment/tags/delete`."""
    body = {"experimentKey": experiment_key, "tags": list(tags)}
    return transport.post_json(f"{REST}write/experiment/tags/delete", body)
