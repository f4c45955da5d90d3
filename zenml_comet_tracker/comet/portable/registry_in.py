"""Registered models and their versions from an export to a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable.files import read_lines
from zenml_comet_tracker.comet.portable.registry_out import REGISTRY
from zenml_comet_tracker.comet.portable.target import Target, is_absent
from zenml_comet_tracker.comet.resources import registry, registry_items


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
    ask, key = target.server.ask, target.keys[row["experimentKey"]]
    found = _find(target, row)
    if found is not None and found["experimentModel"]["experimentKey"] != key:
        target.notes.append(
            f"Registered model {row['name']} has a version {row['version']} already in workspace {target.workspace}, "
            "from another experiment; it is left as it is."
        )
        return
    if found is None:
        item_id = ask(registry_items.create, key, _registration(model, row))["registryModelItemId"]
    else:
        item_id = str(found["registryModelItemId"])
    if row["metadata"]:
        ask(registry_items.set_metadata, item_id, row["metadata"])
    if row["statusConfiguration"]:
        ask(registry_items.configure_status, item_id, row["statusConfiguration"])
    if found is not None and row["status"] and found.get("status") != row["status"]:
        ask(registry_items.set_status, item_id, row["status"])


def _find(target: Target, row: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return target.server.ask(registry_items.details, registry.named(target.workspace, row["name"]), row["version"])
    except errors.StatusError as error:
        if is_absent(error):
            return None
        raise


def _describe(target: Target, model: dict[str, Any]) -> None:
    """Gives the model its notes, unless it has others."""
    there = target.server.ask(registry.notes, registry.named(target.workspace, model["name"])) or ""
    if model["notes"] and not there:
        target.server.ask(registry.set_notes, target.workspace, model["name"], model["notes"])
    elif there != model["notes"]:
        target.notes.append(f"Registered model {model['name']} has other notes on the server, which are left.")


def _registration(model: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    return {
        "experimentModelName": row["experimentModelName"],
        "registryModelName": row["name"],
        "registryModelDescription": model["description"],
        "version": row["version"],
        "versionComment": row["comment"],
        "tags": row["tags"],
        "status": row["status"],
        "publicModel": model["isPublic"],
    }
