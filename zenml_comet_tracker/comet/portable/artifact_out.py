"""The artifact versions that experiments made, with their files, and those that they read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.errors import NotFoundError
from zenml_comet_tracker.comet.portable.fetching import asset_place, fetch_asset, is_remote
from zenml_comet_tracker.comet.portable.files import read_lines, safe_name, write_lines
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import artifacts

VERSIONS, LINEAGE = "artifacts.jsonl", "lineage.jsonl"


def write(server: Patient, workspace: str, keys: set[str], folder: Path, notes: list[str]) -> list[dict[str, Any]]:
    """What the server says of the versions beside what is exported of them."""
    facts: list[dict[str, Any]] = []
    made = list(versions(server, workspace, keys))
    write_lines(folder / VERSIONS, (_row(server, version, folder, notes, facts) for version in made))
    write_lines(folder / LINEAGE, _lineage(server, keys, notes))
    return facts


def asset_ids(folder: Path) -> dict[str, set[str]]:
    """The ids of the files of exported versions, by the experiment that made the version."""
    found: dict[str, set[str]] = defaultdict(set)
    for version in read_lines(folder / VERSIONS):
        found[str(version["experimentKey"])].update(str(file["assetId"]) for file in version["files"])
    return found


def versions(server: Patient, workspace: str, keys: set[str]) -> Iterator[dict[str, Any]]:
    """The versions of the workspace that one of the experiments made, artifact by artifact, the oldest first."""
    listed = server.ask(artifacts.of_workspace, workspace).get("artifacts") or ()
    for artifact in sorted(listed, key=lambda one: str(one.get("name"))):
        details = server.ask(artifacts.details, artifact_id=str(artifact["artifactId"]))
        for version in sorted(details.get("versions") or (), key=lambda one: one.get("added") or 0):
            known = _complete(server, version)
            if known["experimentKey"] in keys:
                yield {**known, "artifact": details}


def files_of(server: Patient, artifact_id: str, version: str, version_id: str) -> list[dict[str, Any]]:
    """The files of a version, asked for by artifact and number as documented, and by the id, by which some servers tell
    of versions that are still open."""
    asked = {"artifact_id": artifact_id, "version": version, "versionId": version_id}
    return list(server.ask(artifacts.raw_files, asked).get("files") or ())


def _complete(server: Patient, version: dict[str, Any]) -> dict[str, Any]:
    """A version with who made it, and its labels, which not every server tells in the list of versions."""
    if {"experimentKey", "alias", "tags"} <= version.keys():
        return version
    found = server.ask(artifacts.version, version_id=str(version["artifactVersionId"]))
    labels = {"experimentKey": found.experiment_key, "alias": list(found.aliases), "tags": list(found.tags)}
    return {**version, **labels}


def _row(
    server: Patient, version: dict[str, Any], folder: Path, notes: list[str], facts: list[dict[str, Any]]
) -> dict[str, Any]:
    artifact, version_id = version["artifact"], str(version["artifactVersionId"])
    files = files_of(server, str(artifact["artifactId"]), str(version["version"]), version_id)
    place = folder / "artifacts" / safe_name(str(artifact["name"])) / safe_name(str(version["version"]))
    facts.append(
        {
            "artifact": {name: artifact.get(name) for name in ("artifactId", "name", "project", "isPublic")},
            "version": {name: version.get(name) for name in ("artifactVersionId", "version", "owner", "added")},
        }
    )
    return {
        "name": artifact["name"],
        "type": artifact.get("type"),
        "artifactTags": artifact.get("tags") or [],
        "version": version["version"],
        "aliases": sorted(version["alias"] or ()),
        "tags": version["tags"] or [],
        "metadata": version.get("metadata"),
        "state": version.get("state"),
        "experimentKey": version["experimentKey"],
        "files": [_file(server, version, file, folder, place, notes) for file in files],
    }


def _file(
    server: Patient, version: dict[str, Any], file: dict[str, Any], folder: Path, place: Path, notes: list[str]
) -> dict[str, Any]:
    remote, path = is_remote(file), asset_place(place, file)
    there = not remote and fetch_asset(
        server,
        path,
        str(version["experimentKey"]),
        file,
        notes,
        str(version["artifactVersionId"]),
        of_any_size=True,
    )
    return {
        "assetId": file["assetId"],
        "fileName": file.get("fileName"),
        "type": file.get("type"),
        "metadata": file.get("metadata"),
        "link": file.get("link") if remote else None,
        "path": path.relative_to(folder).as_posix() if there else None,
    }


def _lineage(server: Patient, keys: set[str], notes: list[str]) -> list[dict[str, Any]]:
    """Which experiment read which version, where the server tells."""
    rows: list[dict[str, Any]] = []
    for key in sorted(keys):
        found = of_experiment(server, key, "input")
        if found is None:
            notes.append("The server does not tell which artifact versions an experiment read.")
            break
        rows += (
            {
                "experimentKey": key,
                "workspaceName": version["artifact"].get("workspaceName"),
                "name": version["artifact"]["artifactName"],
                "version": version["artifactVersion"],
            }
            for version in found
        )
    return sorted(rows, key=lambda row: (row["experimentKey"], str(row["name"]), str(row["version"])))


def of_experiment(server: Patient, experiment_key: str, direction: str) -> list[dict[str, Any]] | None:
    """The versions that an experiment read (`input`) or made (`output`), each with `artifact`, `artifactVersion` and
    `artifactVersionId`; None where the server answers in another shape, since Comet documents none."""
    try:
        found = server.ask(artifacts.of_experiment, experiment_key, direction).get("artifacts") or []
    except NotFoundError:
        return None
    known = {"artifact", "artifactVersion", "artifactVersionId"}
    named = all(isinstance(one, dict) and known <= one.keys() and "artifactName" in one["artifact"] for one in found)
    return found if isinstance(found, list) and named else None
