"""A project from a folder to a server."""

from __future__ import annotations

import contextlib
import fcntl
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.portable import artifact_in, experiment_in, manifest, registry_in
from zenml_comet_tracker.comet.portable.files import read_json, read_lines
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.portable.target import Target, is_absent
from zenml_comet_tracker.comet.resources import projects, symlinks

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


@dataclass
class ImportReport:
    """What came of an import: `keys` are those that had to change, by the exported one; `notes` name what the server
    has otherwise, or did not take."""

    workspace: str
    project: str
    experiments: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def import_project(
    connection: Connection,
    folder: Path,
    *,
    workspace: str | None = None,
    project_name: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Writes the export in `folder` to the server, into the workspace and project of those names or the exported ones.

    All files are checked first: `ExportError` names the one that is missing or differs, and nothing is sent. What the
    server has already is not sent again, so that it can be repeated, and goes on where it was interrupted. Experiments
    keep their keys, unless the server has them in another project.
    """
    paths = {entry.path for entry in manifest.check(folder)}
    with _alone(folder), _understood(folder):
        return _import(connection, folder, paths, workspace, project_name, progress)


@contextlib.contextmanager
def _understood(folder: Path) -> Iterator[None]:
    """A folder that is whole can still hold what no export does: somebody changed it, and its manifest too."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise errors.ExportError(
            f"{folder} holds something other than an export does ({type(error).__name__}: {error}); was a file of it "
            "changed by hand? What was imported until here stays. Export anew, and import that."
        ) from error


def _import(
    connection: Connection,
    folder: Path,
    paths: set[str],
    workspace: str | None,
    project_name: str | None,
    progress: Progress | None,
) -> ImportReport:
    project = read_json(folder / "project.json")
    exported = (str(project["workspaceName"]), str(project["projectName"]))
    server = Patient(connection.transport)
    target = Target(server, connection.settings.api_key, workspace or exported[0], project_name or exported[1])
    _take_project(target, project)
    folders = _experiments(folder, paths)
    for number, one in enumerate(folders):
        if progress:
            progress(one.name, number, len(folders))
        experiment_in.take(target, one)
    artifact_in.take(target, folder)
    artifact_in.take_lineage(target, folder, exported[0])
    registry_in.take(target, folder)
    for one in folders:
        experiment_in.finish(target, one)
    _take_symlinks(target, folder, exported[1])
    if progress:
        progress("", len(folders), len(folders))
    changed = {old: new for old, new in target.keys.items() if old != new}
    return ImportReport(target.workspace, target.project_name, len(folders), changed, list(dict.fromkeys(target.notes)))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Within, no other process imports from the folder: two would both send what neither has found on the server."""
    with (folder / manifest.MANIFEST).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.ExportError(f"Another process is importing from {folder}; wait until it is done.") from None
        except OSError as error:
            logger.debug("%s cannot be locked: %s", file.name, error)
        yield


def _take_project(target: Target, project: dict[str, Any]) -> None:
    ask, place = target.server.ask, projects.named(target.workspace, target.project_name)
    try:
        found = ask(projects.find, place)
    except errors.StatusError as error:
        if not is_absent(error):
            raise
        description, public = project["projectDescription"], project["public"]
        ask(projects.create, target.workspace, target.project_name, description, public=public)
        found = ask(projects.find, place)
    # What is empty is filled: a symlink makes projects that have nothing but a name.
    there = {
        "projectDescription": found.get("projectDescription") or "",
        "notes": ask(projects.notes, str(found["projectId"])) or "",
    }
    if project["projectDescription"] and not there["projectDescription"]:
        ask(projects.update, place, description=project["projectDescription"])
    if project["notes"] and not there["notes"]:
        ask(projects.set_notes, str(found["projectId"]), project["notes"])
    differing = [name for name, text in there.items() if text and text != project[name]]
    # Nobody's project is shown to the world, or hidden, because something was imported into it.
    if bool(found.get("public")) != project["public"]:
        differing.append("visibility")
    if differing:
        target.notes.append(
            f"Project {target.workspace}/{target.project_name} was there, and keeps its own: {', '.join(differing)}."
        )


def _experiments(folder: Path, paths: set[str]) -> list[Path]:
    """The folders of the experiments, the oldest first, so that servers list them in their order."""
    found = []
    for path in paths:
        parts = path.split("/")
        if len(parts) == 3 and parts[0] == "experiments" and parts[2] == "experiment.json":
            metadata = read_json(folder / path)
            found.append(((metadata.get("startTimeMillis") or 0, parts[1]), (folder / path).parent))
    return [one for _, one in sorted(found)]


def _take_symlinks(target: Target, folder: Path, project_name: str) -> None:
    for row in read_lines(folder / "symlinks.jsonl"):
        key = target.keys.get(row["experimentKey"], row["experimentKey"])
        listed_in = target.project_name if row["listedIn"] == project_name else row["listedIn"]
        try:
            target.server.ask(symlinks.create, key, listed_in)
        except errors.StatusError as error:
            if not is_absent(error):
                raise
            target.notes.append(f"Experiment {key} is not listed in project {listed_in}: {error.server_message}")
