"""A model that an experiment logged -> a version in the model registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import InvalidArgumentError, StatusError
from zenml_comet_tracker.comet.registry.status import ModelStatusConfiguration
from zenml_comet_tracker.comet.resources import Headers, registry_items
from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.transport import Transport

BAD_VERSION = 42001

Registration = dict[str, Any]


def registration(
    model_name: str,
    version: str | None,
    registry_name: str | None,
    public: bool | None,
    description: str | None,
    comment: str | None,
    tags: list[str] | None,
    status: str | None,
    metadata: Mapping[str, Any] | None,
    status_configuration: ModelStatusConfiguration | Mapping[str, Any] | None,
) -> Registration:
    """What is to be sent, as JSON can hold it. Raises `InvalidArgumentError` before anything is."""
    if isinstance(tags, str) or not isinstance(tags, Iterable | None):
        raise InvalidArgumentError(f"tags={tags!r} is no list; expected one, as in tags=['{tags}']")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidArgumentError(f"metadata={metadata!r} is no dictionary; expected one, as in {{'accuracy': 0.9}}")
    configured = None if status_configuration is None else ModelStatusConfiguration.of(status_configuration).written()
    item = {
        "experimentModelName": model_name,
        "registryModelName": registry_name or model_name,
        "registryModelDescription": description,
        "version": version,
        "versionComment": comment,
        "tags": None if tags is None else list(tags),
        "status": status,
        "publicModel": public,
    }
    return {"item": item, "metadata": as_json(metadata or {}), "status_configuration": as_json(configured)}


def as_json(given: Any) -> Any:
    """What JSON can hold of it, in the form in which values are logged: NaN as "NaN", what is unknown as its text."""
    return orjson.loads(json_text(given))


def register(
    transport: Transport, experiment_key: str, wanted: Registration, headers: Headers = None
) -> dict[str, str]:
    """`registryModelId` and `registryModelItemId` of the new version.

    Raises `InvalidArgumentError` for a version that is none, and what the server answers. POST
    `write/registry-model/item/create`, `write/registry-model/item/{id}/metadata` and `/status-configuration`.
    """
    try:
        made = registry_items.create(transport, experiment_key, wanted["item"], headers)
    except StatusError as error:
        if error.sdk_error_code != BAD_VERSION:
            raise
        version = wanted["item"]["version"]
        raise InvalidArgumentError(f"version={version!r} is no semantic version; expected one like '1.0.0'") from None
    item_id = made["registryModelItemId"]
    if wanted["metadata"]:
        registry_items.set_metadata(transport, item_id, wanted["metadata"])
    if wanted["status_configuration"]:
        registry_items.configure_status(transport, item_id, wanted["status_configuration"])
    return made
