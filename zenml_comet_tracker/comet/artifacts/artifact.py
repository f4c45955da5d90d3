"""An artifact that is being put together: files, data and links under logical paths."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from zenml_comet_tracker.comet.artifacts import names
from zenml_comet_tracker.comet.artifacts.asset import ArtifactAsset
from zenml_comet_tracker.comet.artifacts.sources import Source, files_below, is_path, source_of
from zenml_comet_tracker.comet.errors import InvalidValueError

logger = logging.getLogger(__name__)

DEFAULT_TYPE = "data"


class Artifact:
    """A version of an artifact before it is logged: its labels, and the files and links that it will hold.

    Without a `version` (semantic: "1.2.0") the server chooses the next one. Nothing here uses the network; files are
    read when the artifact is logged. Raises `InvalidValueError` for a name, version or metadata that cannot be.

    >>> artifact = Artifact("digits", "dataset", aliases=["newest"])
    >>> artifact.add({"classes": 10}, "about.json")
    >>> [asset.logical_path for asset in artifact.assets]
    ['about.json']
    """

    def __init__(
        self,
        name: str,
        artifact_type: str | None = None,
        version: str | None = None,
        aliases: Iterable[str] | None = None,
        metadata: Any = None,
        version_tags: Iterable[str] | None = None,
    ) -> None:
        self.name = names.checked_name(name)
        self.artifact_type = artifact_type or DEFAULT_TYPE
        self.version = names.checked_version(version)
        self.aliases = set(names.checked_labels("aliases", aliases))
        self.metadata = names.checked_metadata(metadata)
        self.version_tags = set(names.checked_labels("version tags", version_tags))
        self._assets: dict[str, ArtifactAsset] = {}
        self._sources: dict[str, Source] = {}
        # Every folder that a logical path goes through: what is a folder cannot be a file as well.
        self._folders: set[str] = set()
        self._download_local_path: str | None = None

    def __repr__(self) -> str:
        return f"Artifact({self.name!r}, artifact_type={self.artifact_type!r})"

    @property
    def assets(self) -> list[ArtifactAsset]:
        """The files and links so far, in the order in which they were added."""
        return list(self._assets.values())

    @property
    def download_local_path(self) -> str | None:
        """The folder that it was downloaded to; None unless it comes from `LoggedArtifact.download`."""
        return self._download_local_path

    def add(
        self,
        local_path: Any = None,
        logical_path: str | None = None,
        overwrite: bool = False,
        copy_to_tmp: bool = True,
        metadata: Mapping[str, Any] | None = None,
        *,
        local_path_or_data: Any = None,
    ) -> None:
        """Adds a file, every file below a folder, an open file, bytes, or a dictionary or list, which becomes JSON.

        Without `logical_path` a file goes by its name, a folder's files by the folder's name and their path below it;
        data need one. `overwrite` replaces what has the path already. `metadata` goes to each file. An open file is
        copied from where it stands, without `copy_to_tmp` read when it is uploaded. `local_path_or_data` is Comet's
        name for the first argument. Raises `InvalidValueError`, and then adds nothing.
        """
        data = local_path if local_path_or_data is None else local_path_or_data
        if data is None or (local_path is not None and local_path_or_data is not None):
            raise InvalidValueError("local_path says what to add: a path, an open file or data; give it once")
        if is_path(data) and Path(data).is_dir():
            found = _of_folder(Path(data), logical_path)
        else:
            path = names.checked_path(_path_in_artifact(data, logical_path))
            found = {path: (source_of(data, copy=copy_to_tmp), data)}
        said = names.checked_metadata(metadata)
        self._check_free(list(found), overwrite=overwrite)
        for path, (source, original) in found.items():
            shown = os.fspath(original) if is_path(original) else original
            self._put(ArtifactAsset(False, path, source.size, None, dict(said), None, shown), source)

    def add_remote(
        self,
        uri: str,
        logical_path: str | None = None,
        overwrite: bool = False,
        asset_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        sync_mode: bool = True,
        max_synced_objects: int = 10_000,
    ) -> None:
        """Adds a link to what lies elsewhere and stays there. Without `logical_path` it goes by the link's last part.

        `sync_mode` and `max_synced_objects` are accepted for the sake of code written for Comet: a bucket (`s3://`,
        `gs://`) is one link here, its objects are not listed. Raises `InvalidValueError`.
        """
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidValueError(f"uri is where the file lies, a text like 's3://bucket/key', got {uri!r}")
        if sync_mode and urlsplit(uri).scheme in ("s3", "gs"):
            logger.info("%s is added as one link; the objects below it are not listed.", uri)
        path = names.checked_path(logical_path or _last_part(uri))
        said = names.checked_metadata(metadata)
        self._check_free([path], overwrite=overwrite)
        self._put(ArtifactAsset(True, path, 0, uri, said, asset_type), None)

    def _check_free(self, paths: list[str], *, overwrite: bool) -> None:
        """Refuses, before anything is added, a path that is taken, or would have to be file and folder at once."""
        new_folders = {folder for path in paths for folder in _folders_of(path)}
        for path in paths:
            if path in self._assets and not overwrite:
                raise InvalidValueError(
                    f"the artifact has a file {path!r} already; give another logical_path, or overwrite=True"
                )
            if path in self._folders or path in new_folders:
                raise InvalidValueError(f"{path!r} cannot be a file: other files of the artifact lie in a folder of it")
        if clash := sorted(new_folders & self._assets.keys()):
            raise InvalidValueError(f"{clash[0]!r} cannot be a folder: it is a file of the artifact")

    def _put(self, asset: ArtifactAsset, source: Source | None) -> None:
        path = asset.logical_path
        self._assets[path] = asset
        self._sources.pop(path, None)
        if source is not None:
            self._sources[path] = source
        self._folders.update(_folders_of(path))


def create_artifact(
    artifact_name: str,
    artifact_type: str | None = None,
    metadata: Any = None,
    aliases: Iterable[str] | None = None,
    version_tags: Iterable[str] | None = None,
    artifact_version: str | None = None,
) -> Artifact:
    """An `Artifact` to add files to, by cometr's name and arguments."""
    return Artifact(artifact_name, artifact_type, artifact_version, aliases, metadata, version_tags)


def downloaded(
    name: str, artifact_type: str, folder: str | None, found: Iterable[tuple[ArtifactAsset, Source | None]]
) -> Artifact:
    """An artifact of files that lie on this machine already, as an earlier version had them."""
    artifact = Artifact(name, artifact_type)
    for asset, source in found:
        artifact._put(asset, source)
    artifact._download_local_path = folder
    return artifact


def sources_of(artifact: Artifact) -> dict[str, Source]:
    """Where the bytes of the artifact's files come from, by logical path; links have none."""
    return dict(artifact._sources)


def _of_folder(folder: Path, logical_path: str | None) -> dict[str, tuple[Source, Any]]:
    prefix = folder.absolute().name if logical_path is None else logical_path
    inside, odd = files_below(folder)
    if odd:
        shown = ", ".join(map(str, odd[:3])) + (" ..." if len(odd) > 3 else "")
        logger.warning("Left out of the artifact, as neither files nor folders (or links to nothing): %s", shown)
    if not inside:
        raise InvalidValueError(f"the folder {folder} holds no file to add")
    base = "" if prefix in ("", ".", "./") else f"{names.checked_path(prefix)}/"
    return {names.checked_path(f"{base}{name}"): (source_of(path, copy=True), path) for path, name in inside}


def _path_in_artifact(data: Any, logical_path: str | None) -> str:
    name = Path(data).name if is_path(data) else _name_of(data)
    if logical_path and not logical_path.endswith("/"):
        return logical_path
    if not name:
        raise InvalidValueError("logical_path says where in the artifact the data go, for example 'train/labels.json'")
    return f"{logical_path or ''}{name}"


def _name_of(stream: Any) -> str:
    name = getattr(stream, "name", None)
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else ""


def _last_part(uri: str) -> str:
    name = PurePosixPath(urlsplit(uri).path).name
    if not name:
        raise InvalidValueError(f"logical_path says what {uri!r} is called in the artifact, for example 'train.csv'")
    return name


def _folders_of(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]
