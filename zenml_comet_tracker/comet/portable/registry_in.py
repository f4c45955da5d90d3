"""Registered models and their versions from an export to a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable.files import read_lines
from zenml_comet_tracker.comet.portable.registry_out import REGISTRY, details, notes
from zenml_comet_tracker.comet.portable.target import Target, is_absent
from zenml_comet_tracker.comet.transport import REST, Transport


def take(target: Target, folder: Path) -> None:
    """Imports the models and versions that are not there."""
    model: dict[str, Any] = {}
    for row in read_lines(folder / REGISTRY):
        if row["kind"] == "model":
            model = row
        else:
            _take_version(target, model, row)
            _describe(target, model)


def _take_version(target: Target, model: dict[str, Any], row: dict[str, Any]) -> None:
    key = target.keys[row["experimentKey"]]
    found = _find(target, row)
    if found is not None and found["experimentModel"]["experimentKey"] != key:
        target.notes.append(
            f"Registered model {row['name']} has a version {row['version']} already in workspace {target.workspace}, "
            "from another experiment; it is left as it is."
        )
        return
    ask = target.server.ask
    item_id = ask(_create, model, row, key) if found is None else str(found["registryModelItemId"])
    if row["metadata"]:
        ask(_write_to_item, item_id, "metadata", {"metadata": row["metadata"]})
    if row["statusConfiguration"]:
        ask(_write_to_item, item_id, "status-configuration", row["statusConfiguration"])
    if found is not None and row["status"] and found.get("status") != row["status"]:
        ask(_set_status, item_id, row["status"])


def _find(target: Target, row: dict[str, Any]) -> dict[str, Any] | None:
    try:
        model = target.server.ask(details, target.workspace, row["name"])
    except errors.StatusError as error:
        if is_absent(error):
            return None
        raise
    versions: list[dict[str, Any]] = model.get("versions") or []
    return next((item for item in versions if item["version"] == row["version"]), None)


def _describe(target: Target, model: dict[str, Any]) -> None:
    """Gives the model its notes, unless it has others."""
    there = target.server.ask(notes, target.workspace, model["name"])
    if model["notes"] and not there:
        target.server.ask(_write_notes, target.workspace, model)
    elif there != model["notes"]:
        target.notes.append(f"Registered model {model['name']} has other notes on the server, which are left.")


def _create(transport: Transport, model: dict[str, Any], row: dict[str, Any], key: str) -> str:
    """The id of a new version. POST `write/registry-model/item/create`."""
    body = {
        "experimentKey": key,
        "experimentModelName": row["experimentModelName"],
        "registryModelName": row["name"],
        "registryModelDescription": model["description"],
        "version": row["version"],
        "versionComment": row["comment"],
        "tags": row["tags"],
        "status": row["status"],
        "publicModel": model["isPublic"],
    }
    answer = transport.post_json(f"{REST}write/registry-model/item/create", body)
    return str(answer["registryModelItemId"])


def _write_to_item(transport: Transport, item_id: str, what: str, body: dict[str, Any]) -> None:
    transport.post_json(f"{REST}write/registry-model/item/{item_id}/{what}", body)


def _set_status(transport: Transport, item_id: str, status: str) -> None:
    body = {"modelItemId": item_id, "status": status}
    transport.post_json(f"{REST}write/registry-model/item/status", body)


def _write_notes(transport: Transport, workspace: str, model: dict[str, Any]) -> None:
    body = {"workspaceName": workspace, "registryModelName": model["name"], "notes": model["notes"]}
    transport.post_json(f"{REST}write/registry-model/notes", body)
