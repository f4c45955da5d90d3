"""The model registry: versions, statuses, tags, notes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from zenml_comet_tracker.comet.resources import registry, registry_items
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import DifferenceError, LeftOutError
from zenml_comet_tracker.comet.verify.scratch import Scratch, same

group = Group("model registry")


def made(scratch: Scratch) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What was registered, and how it is taken away."""
    if scratch.memory.get("registered"):
        transport = scratch.connection.transport
        yield f"registered model {scratch.model}", functools.partial(registry.delete, transport, _place(scratch))


@group.check("a model is registered", "POST write/registry-model/item/create", "batch")
def _register(scratch: Scratch) -> None:
    registration = {
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
    answer = scratch.ask(registry_items.create, scratch.batch, registration)
    scratch.memory["item"] = answer["registryModelItemId"]
    _expect(scratch, {"version": "1.0.0", "comment": "no. 1", "experiment": scratch.batch})


@group.check("the model is among those of the workspace", "GET registry-model")
def _listed(scratch: Scratch) -> None:
    _item(scratch)
    scratch.eventually(lambda: _names(scratch), lambda found: scratch.model in found, f"{scratch.model} among them")


@group.check("the version has the model's files", "GET registry-model/item/download-instructions")
def _files(scratch: Scratch) -> None:
    _item(scratch)
    found = scratch.ask(registry_items.with_files, _place(scratch), "1.0.0")
    same({"weights.bin", "config.json"}, {str(asset["fileName"]) for asset in found["assets"]})


@group.check("the newest version is that one", "GET registry-model/latest_version")
def _latest(scratch: Scratch) -> None:
    _item(scratch)
    found = scratch.ask(registry.latest_version, _place(scratch), stage=None, major=None, minor=None)
    same("1.0.0", found["version"])


@group.check("a status is set", "POST write/registry-model/item/status")
def _status(scratch: Scratch) -> None:
    scratch.ask(registry_items.set_status, _item(scratch), "Production")
    _expect(scratch, {"status": "Production"})


@group.check("a tag is added, and taken away", "GET write/registry-model/item/stage")
def _tag(scratch: Scratch) -> None:
    scratch.ask(registry_items.add_tag, _item(scratch), "second")
    _expect(scratch, {"tags": {"t", "second"}})
    scratch.ask(registry_items.delete_tag, _item(scratch), "t")
    _expect(scratch, {"tags": {"second"}})


@group.check("a comment is changed", "POST write/registry-model/item/update")
def _comment(scratch: Scratch) -> None:
    scratch.ask(registry_items.update, _item(scratch), comment="changed ✓", tags=None)
    _expect(scratch, {"comment": "changed ✓"})


@group.check("metadata are kept", "POST write/registry-model/item/{id}/metadata")
def _metadata(scratch: Scratch) -> None:
    scratch.ask(registry_items.set_metadata, _item(scratch), {"k": "v ✓"})
    scratch.eventually(
        lambda: {entry["key"]: entry["value"] for entry in scratch.ask(registry_items.metadata, _item(scratch))},
        lambda got: got == {"k": "v ✓"},
        {"k": "v ✓"},
    )


@group.check("what was done to a version is remembered", "POST registry-model/history/item")
def _history(scratch: Scratch) -> None:
    days = scratch.ask(registry_items.history, _item(scratch))
    done = [change for changes in days.values() if isinstance(changes, list) for change in changes]
    if not done:
        raise DifferenceError("what was done to the version", days)


@group.check("notes are kept", "POST write/registry-model/notes")
def _notes(scratch: Scratch) -> None:
    _item(scratch)
    scratch.ask(registry.set_notes, scratch.workspace, scratch.model, "line\nline ✓")
    scratch.expect("line\nline ✓", registry.notes, _place(scratch))


@group.check("a deleted model is gone", "GET write/registry-model/delete")
def _deleted(scratch: Scratch) -> None:
    _item(scratch)
    scratch.ask(registry.delete, _place(scratch))
    scratch.memory["registered"] = False
    scratch.eventually(
        lambda: _names(scratch), lambda found: scratch.model not in found, f"{scratch.model} not among them"
    )


def _names(scratch: Scratch) -> list[str]:
    return [str(model["modelName"]) for model in scratch.ask(registry.of_workspace, scratch.workspace)]


def _item(scratch: Scratch) -> str:
    if "item" not in scratch.memory:
        raise LeftOutError("no model could be registered")
    return str(scratch.memory["item"])


def _place(scratch: Scratch) -> registry.Place:
    return registry.named(scratch.workspace, scratch.model)


def _expect(scratch: Scratch, expected: dict[str, Any]) -> None:
    def read() -> dict[str, Any]:
        item = scratch.ask(registry_items.details, _place(scratch), "1.0.0")
        found = {
            **item,
            "tags": set(item.get("tags") or item.get("stages") or ()),
            "experiment": item["experimentModel"]["experimentKey"],
        }
        return {name: found.get(name) for name in expected}

    scratch.eventually(read, lambda got: got == expected, expected)
