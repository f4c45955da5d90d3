"""Versions of registered models: made, found, changed, downloaded, taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.resources import Headers, complete, entries
from zenml_comet_tracker.comet.resources.registry import Place
from zenml_comet_tracker.comet.transport import REST, Transport


def create(
    transport: Transport, experiment_key: str, registration: Mapping[str, Any], headers: Headers = None
) -> dict[str, str]:
    """`registryModelId` and `registryModelItemId` of a new version. POST `write/registry-model/item/create`.

    `registration` holds the members of the body beside the key: `experimentModelName`, `registryModelName` and those
    that may be null. The model is made with its first version.
    """
    body = {"experimentKey": experiment_key, **registration}
    made = transport.post_json(f"{REST}write/registry-model/item/create", body, headers=headers)
    if not made.get("registryModelItemId"):
        raise BrokenAnswerError("The server registered a model without saying its registryModelItemId")
    return {name: str(made[name]) for name in ("registryModelId", "registryModelItemId") if made.get(name)}


def of_model(
    transport: Transport, place: Place, *, prefix: str = "", status: str | None = None, tag: str | None = None
) -> list[dict[str, Any]]:
    """The versions that begin with `prefix`, of a status and a tag where given, the newest first.

    GET `registry-model/items`.
    """
    params = {**place, "versionPrefix": prefix, "status": status, "tag": tag}
    return entries(transport.get_json(f"{REST}registry-model/items", params), "items", "version")


def details(transport: Transport, place: Place, version: str) -> dict[str, Any]:
    """What a version is: `registryModelItemId`, `version`, `experimentModel`, `comment`, `tags`, `status` and others.

    `NotFoundError` when there is none. GET `registry-model/item/details`.
    """
    found = transport.get_json(f"{REST}registry-model/item/details", {**place, "version": version})
    return complete(found, "registryModelItemId", "version")


def with_files(transport: Transport, place: Place, version: str | None, stage: str | None = None) -> dict[str, Any]:
    """As `details`, with the `assets`: of the version, else of the newest one, of a stage where given.

    GET `registry-model/item/download-instructions`.
    """
    params = {**place, "version": version, "stage": stage}
    answer = transport.get_json(f"{REST}registry-model/item/download-instructions", params)
    versions = entries(answer, "versions", "version")
    if not versions:
        raise BrokenAnswerError("The server gave no version to download")
    return {**versions[0], "assets": entries(versions[0], "assets", "assetId", "fileName")}


def download(transport: Transport, place: Place, version: str | None, stage: str | None = None) -> Iterator[bytes]:
    """The files of a version as a zip, in pieces. GET `registry-model/item/download`."""
    return transport.download(f"{REST}registry-model/item/download", {**place, "version": version, "stage": stage})


def history(transport: Transport, item_id: str) -> dict[str, Any]:
    """What was done to a version, by day ("November 16, 2023"), newest first. POST `registry-model/history/item`."""
    body = {"registryModelItemId": item_id, "groupedBy": "DAY"}
    return transport.post_json(f"{REST}registry-model/history/item", body)


def metadata(transport: Transport, item_id: str) -> list[dict[str, Any]]:
    """The metadata of a version: `key` and `value` of each entry. GET `registry-model/item/{id}/metadata`."""
    return entries(transport.get_json(f"{REST}registry-model/item/{_quoted(item_id)}/metadata"), "metadata")


def set_metadata(transport: Transport, item_id: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Sets entries of a version's metadata, and leaves the others. POST `write/registry-model/item/{id}/metadata`."""
    rows = [{"key": key, "value": value} for key, value in metadata.items()]
    return transport.post_json(f"{REST}write/registry-model/item/{_quoted(item_id)}/metadata", {"metadata": rows})


def status_configuration(transport: Transport, item_id: str) -> dict[str, Any]:
    """What came with a version's status; empty for nothing. GET `registry-model/item/{id}/status-configuration`."""
    return transport.get_json(f"{REST}registry-model/item/{_quoted(item_id)}/status-configuration")


def configure_status(transport: Transport, item_id: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Gives a version a status, and keeps what comes with it.

    POST `write/registry-model/item/{id}/status-configuration`.
    """
    path = f"{REST}write/registry-model/item/{_quoted(item_id)}/status-configuration"
    return transport.post_json(path, dict(configuration))


def set_status(transport: Transport, item_id: str, status: str) -> dict[str, Any]:
    """Gives a version a status. POST `write/registry-model/item/status`."""
    return transport.post_json(f"{REST}write/registry-model/item/status", {"modelItemId": item_id, "status": status})


def add_tag(transport: Transport, item_id: str, tag: str) -> dict[str, Any]:
    """Gives a version one more tag, which was called stage before. GET `write/registry-model/item/stage`."""
    return transport.get_json(f"{REST}write/registry-model/item/stage", {"modelItemId": item_id, "stage": tag})


def delete_tag(transport: Transport, item_id: str, tag: str) -> dict[str, Any]:
    """Takes a tag from a version. GET `write/registry-model/item/stage/delete`."""
    return transport.get_json(f"{REST}write/registry-model/item/stage/delete", {"modelItemId": item_id, "stage": tag})


def update(transport: Transport, item_id: str, *, comment: str | None, tags: Sequence[str] | None) -> dict[str, Any]:
    """Sets comment and tags, which take the place of those before. POST `write/registry-model/item/update`."""
    changes = {"comment": comment, "stages": None if tags is None else list(tags)}
    given = {name: value for name, value in changes.items() if value is not None}
    return transport.post_json(f"{REST}write/registry-model/item/update", {"registryModelItemId": item_id, **given})


def delete(transport: Transport, item_id: str) -> dict[str, Any]:
    """Takes a version away; the experiment keeps its model. GET `write/registry-model/item/delete`."""
    return transport.get_json(f"{REST}write/registry-model/item/delete", {"modelItemId": item_id})


def _quoted(item_id: str) -> str:
    """An id as a part of a path: one with a slash in it must not lead elsewhere."""
    return quote(str(item_id), safe="")
