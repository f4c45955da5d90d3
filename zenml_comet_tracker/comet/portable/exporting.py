"""A project from a server into a folder."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import ExportError
from zenml_comet_tracker.comet.portable import artifact_out, manifest, registry_out
from zenml_comet_tracker.comet.portable.experiment_out import ExperimentWriter
from zenml_comet_tracker.comet.portable.files import read_json, write_json, write_lines
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import experiments, projects

# What is exported into an unfinished folder, so that a repetition goes on with the same and with nothing else.
_BEGUN = ".export.json"
_PAGE = 100

Progress = Callable[[str, int, int], None]


@dataclass
class ExportReport:
    """What came of an export: `reused` of its experiments were written before an interruption already; `notes` name
    what the server lists and could not give."""

    folder: Path
    experiments: int = 0
    reused: int = 0
    files: int = 0
    notes: list[str] = field(default_factory=list)


def export_project(
    connection: Connection, workspace: str, project_name: str, folder: Path, *, progress: Progress | None = None
) -> ExportReport:
    """Writes the project with all it holds into `folder`, which is new, empty or holds the half of this export.

    An experiment that runs is exported as it stands. Interrupted, it is finished by the same call: experiments that
    were whole already, and ended, are not read again. `progress` gets a name, how many experiments are done and how
    many there are. `ExportError` when the folder holds anything else; `NotFoundError` without such a project.
    """
    server = Patient(connection.transport)
    project = server.ask(projects.find, projects.named(workspace, project_name))
    what = {"root": connection.root, "workspace": workspace, "project": project_name}
    with _begun(folder, what):
        report = _export(server, connection.root, workspace, project, folder, progress)
        (folder / _BEGUN).unlink()
    return report


def _export(
    server: Patient, root: str, workspace: str, project: dict[str, Any], folder: Path, progress: Progress | None
) -> ExportReport:
    report = ExportReport(folder)
    listed = _listed(server, workspace, str(project["projectName"]))
    own = [one for one in listed if one.get("projectId", project["projectId"]) == project["projectId"]]
    keys = {str(one["experimentKey"]) for one in own}
    _write_project(server, folder, project)
    write_lines(folder / "symlinks.jsonl", _symlinks(server, workspace, project, listed))
    facts = [_head(root, project), *artifact_out.write(server, workspace, keys, folder, report.notes)]
    facts += registry_out.write(server, workspace, keys, folder)
    write_lines(folder / manifest.SERVER, facts)
    _write_experiments(server, folder, own, report, progress)
    report.files = manifest.write(folder)
    return report


@contextlib.contextmanager
def _begun(folder: Path, what: dict[str, Any]) -> Iterator[None]:
    """Within, the folder is this export's alone."""
    if manifest.is_whole(folder):
        raise ExportError(f"{folder} holds an export already; give another folder, or move that one away.")
    if folder.is_dir() and any(folder.iterdir()) and read_json(folder / _BEGUN) != what:
        raise ExportError(f"{folder} is not empty and holds no half of this export; give one that is new or empty.")
    if not (folder / _BEGUN).exists():
        write_json(folder / _BEGUN, what)
    with (folder / _BEGUN).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportError(f"Another process is exporting into {folder}.") from None
        yield


def _listed(server: Patient, workspace: str, project_name: str) -> list[dict[str, Any]]:
    """The metadata of all experiments that the project lists, archived ones too, the oldest first."""
    found = [one for archived in (False, True) for one in _pages(server, workspace, project_name, archived)]
    return sorted(found, key=lambda one: (one.get("startTimeMillis") or 0, str(one["experimentKey"])))


def _pages(server: Patient, workspace: str, project_name: str, archived: bool) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    place = projects.named(workspace, project_name)
    page = 1
    while True:
        found = server.ask(experiments.of_project, place, archived=archived, page=page, size=_PAGE)
        new = [one for one in found if one["experimentKey"] not in seen]
        yield from new
        seen.update(one["experimentKey"] for one in new)
        # Some servers answer every page with all there are.
        if len(found) != _PAGE or not new:
            return
        page += 1


def _symlinks(
    server: Patient, workspace: str, project: dict[str, Any], listed: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Of others here, and of ours elsewhere in the workspace: who would list one is asked, since no call tells."""
    name, here = project["projectName"], project["projectId"]
    rows = [
        {"experimentKey": one["experimentKey"], "ownProject": one["projectName"], "listedIn": name}
        for one in listed
        if one.get("projectId", here) != here
    ]
    for other in server.ask(projects.of_workspace, workspace):
        if other["projectId"] != here:
            for one in _listed(server, workspace, str(other["projectName"])):
                if one.get("projectId") == here:
                    rows.append(
                        {"experimentKey": one["experimentKey"], "ownProject": name, "listedIn": other["projectName"]}
                    )
    return sorted(rows, key=lambda row: (row["experimentKey"], row["listedIn"]))


def _write_project(server: Patient, folder: Path, project: dict[str, Any]) -> None:
    write_json(
        folder / "project.json",
        {
            "workspaceName": project["workspaceName"],
            "projectName": project["projectName"],
            "projectDescription": project.get("projectDescription") or "",
            "public": bool(project.get("public")),
            "notes": server.ask(projects.notes, str(project["projectId"])) or "",
        },
    )


def _head(root: str, project: dict[str, Any]) -> dict[str, Any]:
    facts = ("projectId", "ownerUserName", "lastUpdated", "numberOfExperiments")
    return {
        "export": {"root": root, "exportedMillis": time.time_ns() // 1_000_000, "version": __version__},
        "project": {name: project.get(name) for name in facts},
    }


def _write_experiments(
    server: Patient, folder: Path, own: list[dict[str, Any]], report: ExportReport, progress: Progress | None
) -> None:
    foreign = artifact_out.asset_ids(folder)
    writer = ExperimentWriter(server, folder / "experiments", report.notes)
    for number, metadata in enumerate(own):
        key = str(metadata["experimentKey"])
        if progress:
            progress(str(metadata.get("experimentName") or key), number, len(own))
        fresh = writer.write(metadata, foreign.get(key, frozenset()))
        report.experiments += 1
        report.reused += not fresh
    if progress:
        progress("", len(own), len(own))
