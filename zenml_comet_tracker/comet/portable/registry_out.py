"""The registered models that have a version from one of the experiments, and those versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.portable.files import write_lines
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.transport import REST, Transport

REGISTRY = "registry.jsonl"


def write(server: Patient, workspace: str, keys: set[str], folder: Path) -> list[dict[str, Any]]:
    """What the server says of the models and versions beside what is exported of them."""
    rows: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    for name in server.ask(_names, workspace):
        model = server.ask(details, workspace, name)
        versions = [item for item in model.get("versions") or () if _maker(item) in keys]
        if versions:
            rows.append(_model(server, workspace, model))
            facts.append({"model": {each: model.get(each) for each in ("modelName", "registryModelId", "createdAt")}})
        # The newest comes first, and is made last.
        for item in reversed(versions):
            rows.append(_version(server, name, item))
            facts.append({"modelVersion": _server_facts(server, name, item)})
    write_lines(folder / REGISTRY, rows)
    return facts


def _model(server: Patient, workspace: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "model",
        "name": model["modelName"],
        "description": model.get("description") or "",
        "isPublic": bool(model.get("isPublic")),
        "notes": server.ask(notes, workspace, str(model["modelName"])),
    }


def _version(server: Patient, name: str, item: dict[str, Any]) -> dict[str, Any]:
    configuration = server.ask(_of_item, item, "status-configuration")
    return {
        "kind": "version",
        "name": name,
        "version": item["version"],
        "experimentKey": _maker(item),
        "experimentModelName": item["experimentModel"]["experimentModelName"],
        "comment": item.get("comment") or "",
        "tags": item.get("tags") or item.get("stages") or [],
        "status": item.get("status"),
        "metadata": server.ask(_of_item, item, "metadata").get("metadata") or [],
        "statusConfiguration": {name: value for name, value in configuration.items() if name != "modelItemId"},
    }


def _server_facts(server: Patient, name: str, item: dict[str, Any]) -> dict[str, Any]:
    told = ("version", "registryModelItemId", "userName", "createdAt", "lastUpdated")
    return {"modelName": name, **{each: item.get(each) for each in told}, "history": server.ask(_history, item)}


def _maker(item: dict[str, Any]) -> str:
    """The key of the experiment that the version comes from."""
    return str((item.get("experimentModel") or {}).get("experimentKey"))


def _names(transport: Transport, workspace: str) -> list[str]:
    answer = transport.get_json(f"{REST}registry-model", {"workspaceName": workspace})
    return sorted(str(model["modelName"]) for model in answer.get("registryModels") or ())


def details(transport: Transport, workspace: str, name: str) -> dict[str, Any]:
    return transport.get_json(f"{REST}registry-model/details", {"workspaceName": workspace, "modelName": name})


def notes(transport: Transport, workspace: str, name: str) -> str:
    answer = transport.get_json(f"{REST}registry-model/notes", {"workspaceName": workspace, "modelName": name})
    return str(answer.get("notes") or "")


def _of_item(transport: Transport, item: dict[str, Any], what: str) -> dict[str, Any]:
    return transport.get_json(f"{REST}registry-model/item/{item['registryModelItemId']}/{what}")


def _history(transport: Transport, item: dict[str, Any]) -> dict[str, Any]:
    body = {"registryModelItemId": item["registryModelItemId"], "groupedBy": "DAY"}
    return transport.post_json(f"{REST}registry-model/history/item", body)
