"""The model registry: versions, statuses, tags, notes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from zenml_comet_tracker.comet.transport import REST, Transport
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import LeftOutError
from zenml_comet_tracker.comet.verify.scratch import Scratch, same

group = Group("model registry")


def made(scratch: Scratch) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What was registered, and how it is taken away."""
    if scratch.memory.get("registered"):
        transport = scratch.connection.transport
        yield f"registered model {scratch.model}", functools.partial(_delete, transport, scratch)


@group.check("a model is registered", "POST write/registry-model/item/create", "batch")
def _register(scratch: Scratch) -> None:
    body = {
        "experimentKey": scratch.batch,
        "experimentModelName": "net",
        "registryModelName": scratch.model,
        "registryModelDescription": "made by verify",
        "version": "1.0.0",
        "versionComment": "no. 1",
        "tags": ["t"],
        "status": None,
        "publicModel": False,
    }
    scratch.memory["registered"] = True
    answer = scratch.ask(Transport.post_json, f"{REST}write/registry-model/item/create", body)
    scratch.memory["item"] = str(answer["registryModelItemId"])
    _expect(scratch, {"version": "1.0.0", "comment": "no. 1", "experiment": scratch.batch})


@group.check("the model is among those of the workspace", "GET registry-model")
def _listed(scratch: Scratch) -> None:
    _item(scratch)

    def names() -> list[str]:
        answer = scratch.ask(Transport.get_json, f"{REST}registry-model", {"workspaceName": scratch.workspace})
        return [str(model["modelName"]) for model in answer["registryModels"]]

    scratch.eventually(names, lambda found: scratch.model in found, f"{scratch.model} among them")


@group.check("the version has the model's files", "GET registry-model/item/download-instructions")
def _files(scratch: Scratch) -> None:
    _item(scratch)
    params = {**_named(scratch), "version": "1.0.0"}
    answer = scratch.ask(Transport.get_json, f"{REST}registry-model/item/download-instructions", params)
    names = {str(asset["fileName"]) for asset in answer["versions"][0]["assets"]}
    same({"weights.bin", "config.json"}, names)


@group.check("a status is set", "POST write/registry-model/item/status")
def _status(scratch: Scratch) -> None:
    body = {"modelItemId": _item(scratch), "status": "Production"}
    scratch.ask(Transport.post_json, f"{REST}write/registry-model/item/status", body)
    _expect(scratch, {"status": "Production"})


@group.check("a tag is added", "GET write/registry-model/item/stage")
def _tag(scratch: Scratch) -> None:
    params = {"modelItemId": _item(scratch), "stage": "second"}
    scratch.ask(Transport.get_json, f"{REST}write/registry-model/item/stage", params)
    _expect(scratch, {"tags": {"t", "second"}})


@group.check("notes are kept", "POST write/registry-model/notes")
def _notes(scratch: Scratch) -> None:
    _item(scratch)
    body = {"workspaceName": scratch.workspace, "registryModelName": scratch.model, "notes": "line\nline ✓"}
    scratch.ask(Transport.post_json, f"{REST}write/registry-model/notes", body)
    scratch.eventually(
        lambda: scratch.ask(Transport.get_json, f"{REST}registry-model/notes", _named(scratch))["notes"],
        lambda got: got == "line\nline ✓",
        "line\nline ✓",
    )


@group.check("a deleted model is gone", "GET write/registry-model/delete")
def _deleted(scratch: Scratch) -> None:
    _item(scratch)
    scratch.ask(_delete, scratch)
    scratch.memory["registered"] = False

    def names() -> list[str]:
        answer = scratch.ask(Transport.get_json, f"{REST}registry-model", {"workspaceName": scratch.workspace})
        return [str(model["modelName"]) for model in answer["registryModels"]]

    scratch.eventually(names, lambda found: scratch.model not in found, f"{scratch.model} not among them")


def _delete(transport: Transport, scratch: Scratch) -> None:
    transport.get_json(f"{REST}write/registry-model/delete", _named(scratch))


def _item(scratch: Scratch) -> str:
    if "item" not in scratch.memory:
        raise LeftOutError("no model could be registered")
    return str(scratch.memory["item"])


def _named(scratch: Scratch) -> dict[str, str]:
    return {"workspaceName": scratch.workspace, "modelName": scratch.model}


def _expect(scratch: Scratch, expected: dict[str, Any]) -> None:
    def read() -> dict[str, Any]:
        params = {**_named(scratch), "version": "1.0.0"}
        item = scratch.ask(Transport.get_json, f"{REST}registry-model/item/details", params)
        found = {
            **item,
            "tags": set(item.get("tags") or item.get("stages") or ()),
            "experiment": item["experimentModel"]["experimentKey"],
        }
        return {name: found.get(name) for name in expected}

    scratch.eventually(read, lambda got: got == expected, expected)
