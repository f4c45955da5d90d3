"""The registered models that have a version from one of the experiments, and those versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from zenml_comet_tracker.comet.errors import NotFoundError
from zenml_comet_tracker.comet.portable.files import write_lines
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import registry, registry_items
from zenml_comet_tracker.comet.transport import Transport

REGISTRY = "registry.jsonl"

T = TypeVar("T")


def write(server: Patient, workspace: str, keys: set[str], folder: Path) -> list[dict[str, Any]]:
    """What the server says of the models and versions beside what is exported of them."""
    rows: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    for name in sorted(str(model["modelName"]) for model in server.ask(registry.of_workspace, workspace)):
        place = registry.named(workspace, name)
        model = server.ask(registry.details, place)
        versions = [item for item in model.get("versions") or () if _maker(item) in keys]
        if versions:
            rows.append(_model(server, place, model))
            facts.append({"model": {each: model.get(each) for each in ("modelName", "registryModelId", "createdAt")}})
        # The newest comes first, and is made last.
        for item in reversed(versions):
            rows.append(_version(server, name, item))
            facts.append({"modelVersion": _server_facts(server, name, item)})
    write_lines(folder / REGISTRY, rows)
    return facts


def _model(server: Patient, place: registry.Place, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "model",
        "name": model["modelName"],
        "description": model.get("description") or "",
        "isPublic": bool(model.get("isPublic")),
        "notes": server.ask(registry.notes, place) or "",
    }


def _version(server: Patient, name: str, item: dict[str, Any]) -> dict[str, Any]:
    item_id = str(item["registryModelItemId"])
    configuration = _if_known(server, registry_items.status_configuration, item_id) or {}
    entries = _if_known(server, registry_items.metadata, item_id) or []
    return {
        "kind": "version",
        "name": name,
        "version": item["version"],
        "experimentKey": _maker(item),
        "experimentModelName": item["experimentModel"]["experimentModelName"],
        "comment": item.get("comment") or "",
        "tags": item.get("tags") or item.get("stages") or [],
        "status": item.get("status"),
        "metadata": {str(entry["key"]): entry["value"] for entry in entries},
        "statusConfiguration": {name: value for name, value in configuration.items() if name != "modelItemId"},
    }


def _server_facts(server: Patient, name: str, item: dict[str, Any]) -> dict[str, Any]:
    told = ("version", "registryModelItemId", "userName", "createdAt", "lastUpdated")
    history = _if_known(server, registry_items.history, str(item["registryModelItemId"]))
    return {"modelName": name, **{each: item.get(each) for each in told}, "history": history}


def _if_known(server: Patient, call: Callable[[Transport, str], T], item_id: str) -> T | None:
    """The answer of a call that older servers do not have; None from those."""
    try:
        return server.ask(call, item_id)
    except NotFoundError:
        return None


def _maker(item: dict[str, Any]) -> str:
    """The key of the experiment that the version comes from."""
    return str((item.get("experimentModel") or {}).get("experimentKey"))
