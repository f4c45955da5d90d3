"""One experiment from a server into a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.portable import points
from zenml_comet_tracker.comet.portable.fetching import asset_place, fetch_asset, is_remote
from zenml_comet_tracker.comet.portable.files import (
    read_json,
    safe_name,
    unfinished,
    write_json,
    write_lines,
    write_text,
    written,
)
from zenml_comet_tracker.comet.portable.manifest import SERVER
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import (
    assets,
    code,
    git,
    graph,
    html,
    others,
    output,
    parameters,
    system_details,
    tags,
)

GIT_PATCH = "git-patch"
# What an import gives back; the rest of an experiment's metadata is the server's own.
_KEPT = (
    *("experimentKey", "experimentName", "filePath", "startTimeMillis", "endTimeMillis"),
    *("running", "hasCrashed", "error", "archived", "status"),
)
# Not logged as such, but made of metrics by the server.
DERIVED = ("experimentKey", "systemMetricNames", "maxTotalMemory", "totalRam")


class ExperimentWriter:
    """Writes experiments of one server into the folder `experiments` of an export, each whole or not at all."""

    def __init__(self, server: Patient, folder: Path, notes: list[str]) -> None:
        self._server = server
        self._folder = folder
        self._notes = notes

    def write(self, metadata: dict[str, Any], foreign_assets: Collection[str]) -> bool:
        """Whether it was written; False when it was already, before an interruption, and did not change since.

        `foreign_assets` are the ids of files that belong to artifacts, and are written there.
        """
        key = str(metadata["experimentKey"])
        kept = {name: metadata.get(name) for name in _KEPT}
        final = self._folder / safe_name(key)
        if read_json(final / "experiment.json") == kept and not kept["running"]:
            return False
        shutil.rmtree(final, ignore_errors=True)
        folder = unfinished(final)
        if read_json(folder / "experiment.json") != kept:
            shutil.rmtree(folder, ignore_errors=True)
        write_json(folder / "experiment.json", kept)
        facts = [{"experiment": {name: value for name, value in metadata.items() if name not in _KEPT}}]
        self._write_values(key, folder)
        self._write_texts(key, folder)
        facts += self._write_assets(key, folder, foreign_assets)
        write_lines(folder / SERVER, facts)
        os.replace(folder, final)
        return True

    def _write_values(self, key: str, folder: Path) -> None:
        ask = self._server.ask
        write_lines(folder / "metrics.jsonl", points.rows_of(points.from_server(self._server, key)))
        write_lines(folder / "parameters.jsonl", map(_fact, ask(parameters.summary, key)))
        write_lines(folder / "others.jsonl", map(_fact, ask(others.summary, key)))
        names = ask(tags.of_experiment, key)
        if names:
            write_json(folder / "tags.json", names)

    def _write_texts(self, key: str, folder: Path) -> None:
        ask = self._server.ask
        write_text(folder / "page.html", ask(html.read, key))
        write_text(folder / "output.txt", ask(output.read, key))
        write_text(folder / "code.txt", ask(code.read, key))
        write_text(folder / "graph.txt", ask(graph.read, key))
        details = {name: value for name, value in ask(system_details.read, key).items() if name not in DERIVED}
        if any(value not in (None, []) for value in details.values()):
            write_json(folder / "system.json", {name: value for name, value in details.items() if value is not None})
        source = {name: value for name, value in ask(git.read_metadata, key).items() if value is not None}
        if source:
            write_json(folder / "git.json", source)

    def _write_assets(self, key: str, folder: Path, foreign: Collection[str]) -> list[dict[str, Any]]:
        """What the server says of the assets beside what is exported of them."""
        listed = [
            asset for asset in self._server.ask(assets.of_experiment, key) if str(asset["assetId"]) not in foreign
        ]
        write_lines(folder / "assets.jsonl", self._asset_rows(key, folder, listed))
        if not any(asset.get("type") == GIT_PATCH for asset in listed):
            patch = self._server.ask(git.read_patch, key)
            if patch is not None:
                with written(folder / "git.patch") as file:
                    file.write(patch)
        return [{"assetId": asset["assetId"], "createdAt": asset.get("createdAt")} for asset in listed]

    def _asset_rows(self, key: str, folder: Path, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for asset in listed:
            asset_id, remote = str(asset["assetId"]), is_remote(asset)
            yield {
                "assetId": asset_id,
                "fileName": asset.get("fileName"),
                "type": asset.get("type"),
                "dir": asset.get("dir"),
                "step": asset.get("step"),
                "context": asset.get("runContext"),
                "metadata": asset.get("metadata"),
                "link": asset.get("link") if remote else None,
                "path": None if remote else self._download(key, folder, asset),
            }

    def _download(self, key: str, folder: Path, asset: dict[str, Any]) -> str | None:
        """Where the bytes are, below the experiment's folder; None when the server has none."""
        path = asset_place(folder / "assets", asset)
        found = fetch_asset(self._server, path, key, asset, self._notes, of_any_size=True)
        return path.relative_to(folder).as_posix() if found else None


def _fact(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": row["name"], "value": row["valueCurrent"], "timestamp": row.get("timestampCurrent")}
