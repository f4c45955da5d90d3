"""The model registry of a workspace: its models, and what is said of a model as a whole.

A model is named by its `Place`: workspace and model name.
"""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import complete, entries, optional_integer, optional_text, texts
from zenml_comet_tracker.comet.transport import REST, Transport

Place = dict[str, str]


def named(workspace: str, name: str) -> Place:
    """The model of this name."""
    return {"workspaceName": workspace, "modelName": name}


def of_workspace(transport: Transport, workspace: str) -> list[dict[str, Any]]:
    """The models of a workspace, `modelName` among what is said of each. GET `registry-model`."""
    answer = transport.get_json(f"{REST}registry-model", {"workspaceName": workspace})
    return entries(answer, "registryModels", "modelName")


def count(transport: Transport, workspace: str) -> int:
    """How many models a workspace has. GET `registry-model/count`."""
    answer = transport.get_json(f"{REST}registry-model/count", {"workspaceName": workspace})
    return optional_integer(complete(answer, "registryModelCount"), "registryModelCount") or 0


def details(transport: Transport, place: Place) -> dict[str, Any]:
    """What a model is, with its `versions`, the newest first. GET `registry-model/details`.

    `registryModelId`, `modelName`, `description`, `isPublic`, `createdAt` and `lastUpdated` (milliseconds since the
    epoch), `userName`. `NotFoundError` when there is none.
    """
    found = transport.get_json(f"{REST}registry-model/details", place)
    return {**found, "versions": entries(found, "versions", "version")}


def model_id(transport: Transport, place: Place) -> str:
    """The id of a model; `NotFoundError` when there is none. GET `registry-model/compact-details`."""
    found = transport.get_json(f"{REST}registry-model/compact-details", place)
    return str(complete(found, "registryModelId")["registryModelId"])


def latest_version(
    transport: Transport, place: Place, *, stage: str | None, major: int | None, minor: int | None
) -> dict[str, Any]:
    """The details of the highest version, of a stage or a number where given. GET `registry-model/latest_version`."""
    params = {**place, "stage": stage, "versionMajor": major, "versionMinor": minor}
    return transport.get_json(f"{REST}registry-model/latest_version", params)


def notes(transport: Transport, place: Place) -> str | None:
    """The notes on a model. GET `registry-model/notes`."""
    return optional_text(transport.get_json(f"{REST}registry-model/notes", place), "notes")


def set_notes(transport: Transport, workspace: str, name: str, text: str) -> dict[str, Any]:
    """Sets the notes in place of those that are there. POST `write/registry-model/notes`."""
    body = {"workspaceName": workspace, "registryModelName": name, "notes": text}
    return transport.post_json(f"{REST}write/registry-model/notes", body)


def allowed_statuses(transport: Transport, workspace: str) -> list[str]:
    """The statuses that a version may have. GET `registry-model/allowed_status_values`."""
    answer = transport.get_json(f"{REST}registry-model/allowed_status_values", {"workspaceName": workspace})
    return texts(answer, "allowedStatus")


def update(
    transport: Transport, model: str, *, name: str | None, description: str | None, public: bool | None
) -> dict[str, Any]:
    """Sets what is given of the model with this id, and leaves the rest. POST `write/registry-model/update`."""
    changes = {"registryModelName": name, "description": description, "isPublic": public}
    given = {member: value for member, value in changes.items() if value is not None}
    return transport.post_json(f"{REST}write/registry-model/update", {"registryModelId": model, **given})


def delete(transport: Transport, place: Place) -> dict[str, Any]:
    """Takes a model away with all of its versions. GET `write/registry-model/delete`."""
    return transport.get_json(f"{REST}write/registry-model/delete", place)
