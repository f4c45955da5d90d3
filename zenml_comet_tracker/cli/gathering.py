"""The files of an experiment, each to a place of its own below a folder."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli import elsewhere
from zenml_comet_tracker.comet.artifacts.places import check_inside
from zenml_comet_tracker.comet.errors import DownloadError
from zenml_comet_tracker.comet.portable import artifact_out
from zenml_comet_tracker.comet.portable.fetching import fetch_asset, is_remote, is_there
from zenml_comet_tracker.comet.portable.files import safe_name, safe_path
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import assets, models

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.connection import Connection

Told = Callable[[str, int, int], None]
_MODEL_ELEMENT = "model-element"


@dataclass(frozen=True)
class Choice:
    """Which files to fetch, and what to do with those that are in the way."""

    kinds: Sequence[str]
    pattern: str | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Wanted:
    """A file to fetch: where it goes, below the folder."""

    kind: str
    path: Path
    asset: dict[str, Any]
    artifact_version_id: str | None = None


@dataclass(frozen=True)
class _Version:
    """A version of an artifact, and its files as the server lists them."""

    artifact: str
    number: str
    id: str
    files: list[dict[str, Any]]


@dataclass
class Gathered:
    """What came: `kept` of the files were there before; `missing` says what could not be fetched, and why."""

    folder: Path
    files: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    kept: int = 0

    @property
    def bytes(self) -> int:
        """How large all files are together."""
        return sum(int(file["bytes"]) for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """As programs get it."""
        return {"folder": str(self.folder), "files": self.files, "links": self.links, "missing": self.missing}


def gather(
    connection: Connection, metadata: dict[str, Any], folder: Path, choice: Choice, told: Told | None = None
) -> Gathered:
    """Fetches the files of the experiment that are chosen."""
    server, key = Patient(connection.transport), str(metadata["experimentKey"])
    report = Gathered(folder)
    found = _wanted(server, str(metadata.get("workspaceName")), key, choice)
    wanted = _placed([one for one in found if _matches(one, choice.pattern)])
    for number, one in enumerate(wanted):
        if told:
            told(one.path.name, number, len(wanted))
        name = str(one.asset.get("fileName"))
        if is_remote(one.asset):
            report.links.append({"kind": one.kind, "name": name, **elsewhere.described(one.asset)})
        else:
            _fetch(server, key, one, report, choice.overwrite)
    return report


def _fetch(server: Patient, key: str, one: Wanted, report: Gathered, overwrite: bool) -> None:
    path = report.folder / one.path
    try:
        check_inside(report.folder, path)
    except DownloadError as error:
        report.missing.append(f"{one.path.as_posix()}: {error}")
        return
    # A size alone says too little of a file that was to be replaced.
    there = is_there(path, one.asset) and (bool(one.asset.get("sha256")) or not overwrite)
    if not there and (path.exists() or path.is_symlink()) and not overwrite:
        report.missing.append(f"{one.path.as_posix()}: another file is in the way; --overwrite replaces it.")
        return
    if not there and path.is_symlink():
        path.unlink()
    if fetch_asset(server, path, key, one.asset, report.missing, one.artifact_version_id, anew=not there):
        report.kept += there
        report.files.append(
            {
                "path": one.path.as_posix(),
                "bytes": path.stat().st_size,
                "kind": one.kind,
                "asset_id": one.asset["assetId"],
            }
        )


def _wanted(server: Patient, workspace: str, key: str, choice: Choice) -> Iterator[Wanted]:
    versions = _versions(server, workspace, key)
    of_versions = {str(file["assetId"]) for version in versions for file in version.files}
    if "assets" in choice.kinds:
        for asset in server.ask(assets.of_experiment, key):
            if asset.get("type") != _MODEL_ELEMENT and str(asset["assetId"]) not in of_versions:
                yield Wanted("assets", Path("assets") / safe_path(str(asset.get("fileName") or "")), asset)
    if "models" in choice.kinds:
        for model in server.ask(models.of_experiment, key):
            name = str(model["modelName"])
            for asset in server.ask(models.assets, key, name):
                yield Wanted("models", Path("models") / safe_name(name) / safe_path(str(asset["fileName"])), asset)
    if "artifacts" in choice.kinds:
        for version in versions:
            place = Path("artifacts") / safe_name(version.artifact) / safe_name(version.number)
            for file in version.files:
                yield Wanted("artifacts", place / safe_path(str(file["fileName"])), file, version.id)


def _versions(server: Patient, workspace: str, key: str) -> list[_Version]:
    """The artifact versions that the experiment made, with their files."""
    found = artifact_out.of_experiment(server, key, "output")
    if found is not None:
        named = [
            (str(one["artifact"]["artifactId"]), str(one["artifact"]["artifactName"]), str(one["artifactVersion"]), one)
            for one in found
        ]
    else:
        named = [
            (str(one["artifact"]["artifactId"]), str(one["artifact"]["name"]), str(one["version"]), one)
            for one in artifact_out.versions(server, workspace, {key})
        ]
    return [
        _Version(name, number, version_id, artifact_out.files_of(server, artifact_id, number, version_id))
        for artifact_id, name, number, one in named
        for version_id in [str(one["artifactVersionId"])]
    ]


def _matches(one: Wanted, pattern: str | None) -> bool:
    return pattern is None or any(
        fnmatch.fnmatchcase(text, pattern) for text in (str(one.asset.get("fileName")), one.path.name)
    )


def _placed(wanted: list[Wanted]) -> list[Wanted]:
    """Each with a path of its own: of those that would share one, also on a disk that knows no capital letters, all but
    the first get their id into the name, and so does a file where others have a folder."""
    folders = {str(parent).casefold() for one in wanted for parent in one.path.parents}
    taken: set[str] = set()
    placed = []
    for one in wanted:
        path = one.path
        if str(path).casefold() in taken | folders:
            short = safe_name(str(one.asset["assetId"]))[:12]
            path = path.with_name(f"{path.stem}-{short}{path.suffix}")
        taken.add(str(path).casefold())
        placed.append(Wanted(one.kind, path, one.asset, one.artifact_version_id))
    return placed
