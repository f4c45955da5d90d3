"""One file or link of a version that the server has."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.artifacts import places
from zenml_comet_tracker.comet.artifacts.asset import ArtifactAsset
from zenml_comet_tracker.comet.artifacts.fetch import Fetcher
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import DownloadError
from zenml_comet_tracker.comet.resources.artifacts import VersionFile


@dataclass(frozen=True)
class Origin:
    """What the files of one version share: how to get them, for which experiment, and which one made them."""

    connection: Connection
    consumer: str
    source_experiment_key: str


class LoggedArtifactAsset:
    """One file or link of a `LoggedArtifact`. `size` is in bytes, 0 for a link."""

    def __init__(self, file: VersionFile, origin: Origin) -> None:
        self._file = file
        self._origin = origin

    def __repr__(self) -> str:
        where = f"link={self.link!r}" if self.remote else f"size={self.size}"
        return f"LoggedArtifactAsset({self.logical_path!r}, {where})"

    @property
    def remote(self) -> bool:
        """Whether it is a link to something that lies elsewhere."""
        return self._file.remote

    @property
    def logical_path(self) -> str:
        """Its path in the artifact."""
        return self._file.name

    @property
    def size(self) -> int:
        """In bytes; 0 for a link."""
        return self._file.size

    @property
    def link(self) -> str | None:
        """Where a remote file lies; None for others."""
        return self._file.link

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What was said of the file; None when nothing was."""
        return self._file.metadata

    @property
    def asset_type(self) -> str | None:
        """Its type, `asset` for most."""
        return self._file.type

    @property
    def id(self) -> str:
        """The id that the server knows it by."""
        return self._file.asset_id

    @property
    def sha256(self) -> str | None:
        """The checksum of its bytes in hex; None for a link, and where the server does not say."""
        return self._file.sha256

    @property
    def artifact_version_id(self) -> str:
        """The id of the version that it belongs to."""
        return self._file.version_id

    @property
    def artifact_id(self) -> str:
        """The id of the artifact that it belongs to."""
        return self._file.artifact_id

    @property
    def source_experiment_key(self) -> str:
        """The key of the experiment that logged it."""
        return self._origin.source_experiment_key

    def is_remote_and_synced(self) -> bool:
        """Whether it is a link that Comet's own client made of one object of a bucket, and noted so."""
        return self.remote and bool((self.metadata or {}).get("synced"))

    def is_asset_downloadable(self) -> bool:
        """Whether `download` can get it: the server has its bytes. A link leads elsewhere."""
        return not self.remote

    def download(
        self,
        local_path: str | None = None,
        logical_path: str | None = None,
        overwrite_strategy: bool | str = False,
    ) -> ArtifactAsset:
        """Downloads the file to the folder `local_path`, a temporary one by default, as its logical path or another.

        With `logical_path=""`, `local_path` is the file itself. `overwrite_strategy` is as in
        `LoggedArtifact.download`. Raises `DownloadError`, `InvalidValueError` and what the server answers.
        GET `experiment/asset/get-asset`.
        """
        strategy = places.strategy_of(overwrite_strategy)
        if not self.is_asset_downloadable():
            raise DownloadError(f"{self.logical_path!r} is a link: its contents lie at {self.link}")
        root, target = self._target(local_path, logical_path)
        places.make_folder(root)
        fetcher = Fetcher(self._origin.connection.transport, self._origin.consumer, strategy)
        fetcher.fetch(self._file, root, target)
        return local_asset(self._file, target)

    def _target(self, local_path: str | None, logical_path: str | None) -> tuple[Path, Path]:
        root = Path(local_path if local_path is not None else tempfile.mkdtemp(prefix="zenml-comet-")).absolute()
        if logical_path is None and local_path is not None:
            return root, places.target_of(root, self.logical_path)
        if logical_path:
            return root, places.target_of(root, logical_path)
        if local_path is not None:
            return root.parent, root
        return root, root / self.id


def local_asset(file: VersionFile, path: Path) -> ArtifactAsset:
    """A downloaded file as an artifact holds it."""
    return ArtifactAsset(False, file.name, file.size, None, file.metadata, file.type, str(path), file.asset_id)
