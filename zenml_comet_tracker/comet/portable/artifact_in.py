"""Artifact versions and lineage from an export to a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable.artifact_out import LINEAGE, VERSIONS
from zenml_comet_tracker.comet.portable.asset_in import AssetSender
from zenml_comet_tracker.comet.portable.files import read_lines
from zenml_comet_tracker.comet.portable.target import Target, is_absent
from zenml_comet_tracker.comet.resources import artifacts
from zenml_comet_tracker.comet.resources.artifacts import CLOSED, ERROR, NewVersion, RemoteFile


def take(target: Target, folder: Path) -> None:
    """Imports the versions that are not there. One that is there from another experiment stays as it is."""
    for row in read_lines(folder / VERSIONS):
        _take_version(target, row, folder)


def take_lineage(target: Target, folder: Path, workspace: str) -> None:
    """Says which experiment read which version; `workspace` is the exported one, whose place the target's takes."""
    for row in read_lines(folder / LINEAGE):
        key = target.keys.get(row["experimentKey"])
        there = target.workspace if row["workspaceName"] == workspace else row["workspaceName"]
        if key is None:
            continue
        try:
            target.server.ask(
                artifacts.version, workspace=there, name=row["name"], version=row["version"], consumer=key
            )
        except errors.StatusError as error:
            if not is_absent(error):
                raise
            target.notes.append(
                f"Experiment {key} read artifact {there}/{row['name']}:{row['version']}, which the server has not got."
            )


def _take_version(target: Target, row: dict[str, Any], folder: Path) -> None:
    ask, key = target.server.ask, target.keys[row["experimentKey"]]
    found = _find(target, row)
    files = [] if found is None else _files(target, found["artifactVersionId"])
    if found is not None and not _ours(found, files, row, key):
        _note_other(target, row, files)
        return
    if found is None:
        new = NewVersion(row["name"], row["type"], row["version"], row["aliases"], row["tags"], row["metadata"])
        made = ask(artifacts.upsert, key, new)
        version_id, artifact_id = made.version_id, made.artifact_id
    else:
        version_id, artifact_id = found["artifactVersionId"], found["artifactId"]
    handshake = target.handshakes[key]
    there = {str(file["assetId"]) for file in files}
    sender = AssetSender(target, key, handshake, folder)
    # In their order, in which servers list them.
    for file in row["files"]:
        if file["link"] is None:
            sender.send([file], there, version_id)
        elif file["assetId"] not in there:
            remote = RemoteFile(file["assetId"], file["fileName"], file["link"], file["type"], file["metadata"])
            ask(artifacts.add_remote, handshake, version_id, [remote])
    if row["state"] in (CLOSED, ERROR) and (found is None or found.get("state") != row["state"]):
        ask(artifacts.set_state, key, version_id, row["state"])
    if found is not None:
        ask(artifacts.label, version_id, aliases=row["aliases"], tags=row["tags"], metadata=row["metadata"])
    if row["artifactTags"]:
        ask(artifacts.change, artifact_id, row["artifactTags"])


def _find(target: Target, row: dict[str, Any]) -> dict[str, Any] | None:
    """The version as the server has it, with `artifactId`; None when it has none of this number."""
    try:
        details = target.server.ask(artifacts.details, workspace=target.workspace, name=row["name"])
    except errors.StatusError as error:
        if is_absent(error):
            return None
        raise
    for version in details.get("versions") or ():
        if version["version"] == row["version"]:
            return {**version, "artifactId": details["artifactId"]}
    return None


def _files(target: Target, version_id: str) -> list[dict[str, Any]]:
    return list(target.server.ask(artifacts.raw_files, {"versionId": version_id}).get("files") or ())


def _ours(found: dict[str, Any], files: list[dict[str, Any]], row: dict[str, Any], key: str) -> bool:
    """Whether it is this version: made by this experiment, of no other files."""
    return found.get("experimentKey") == key and {str(f["assetId"]) for f in files} <= {
        f["assetId"] for f in row["files"]
    }


def _note_other(target: Target, row: dict[str, Any], files: list[dict[str, Any]]) -> None:
    same = sorted(str(f["fileName"]) for f in files) == sorted(str(f["fileName"]) for f in row["files"])
    what = "with files of the same names" if same else "with other files"
    target.notes.append(
        f"Artifact {row['name']}:{row['version']} is in workspace {target.workspace} already, {what}, from another "
        "experiment; it is left as it is."
    )
