"""A version of an artifact that the server has, or is about to."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts import names, places
from zenml_comet_tracker.comet.artifacts.artifact import Artifact, downloaded
from zenml_comet_tracker.comet.artifacts.download import download_all
from zenml_comet_tracker.comet.artifacts.logged_asset import LoggedArtifactAsset, Origin
from zenml_comet_tracker.comet.artifacts.upload import Upload
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.resources import artifacts, experiments
from zenml_comet_tracker.comet.resources.artifacts import Version

if TYPE_CHECKING:
    from semver import Version as SemanticVersion

    from zenml_comet_tracker.comet.api_experiment import APIExperiment

# Of a version that could not be registered when it was logged: how long who asks for it waits for the server.
REGISTERED_SECONDS = 10.0


class LoggedArtifact:
    """One version of an artifact: what is known of it, its files and links, its labels. Read through a `Connection`,
    so that it needs no experiment.

    What `Experiment.log_artifact` returns is still being uploaded; `wait` waits for that. When it could not be logged,
    whatever is asked of it raises why.
    """

    def __init__(
        self,
        connection: Connection,
        version: Version | None,
        *,
        consumer: str = "",
        upload: Upload | None = None,
        failure: Exception | None = None,
    ) -> None:
        self._connection = connection
        self._known = version
        self._consumer = consumer
        self._upload = upload
        self._failure = failure

    def __repr__(self) -> str:
        if self._failure is not None:
            return f"LoggedArtifact(not logged: {self._failure})"
        if self._known is None and self._upload is not None and self._upload.version is None:
            return f"LoggedArtifact({self._upload.title!r}, not registered yet)"
        return f"LoggedArtifact({self._title!r}, artifact_type={self.artifact_type!r})"

    @property
    def _version(self) -> Version:
        if self._failure is not None:
            raise self._failure
        if self._known is None:
            upload = self._upload
            assert upload is not None  # noqa: S101
            self._known = upload.version or upload.wait_for_version(REGISTERED_SECONDS)
            if self._known is None:
                raise upload.failure or errors.ConnectionFailedError(
                    f"Artifact {upload.title} is not registered yet: the server does not answer"
                )
        return self._known

    @property
    def _title(self) -> str:
        version = self._version
        return f"{version.workspace}/{version.name}:{version.version}"

    @property
    def name(self) -> str:
        """The artifact's name."""
        return self._version.name

    @property
    def artifact_type(self) -> str:
        """The artifact's type."""
        return self._version.type

    @property
    def version(self) -> SemanticVersion:
        """The version's number, which compares as semantic versions do; `str` gives its text."""
        return names.parse_version(self._version.version)

    @property
    def workspace(self) -> str:
        """The workspace that the artifact belongs to."""
        return self._version.workspace

    @property
    def aliases(self) -> frozenset[str]:
        """The version's aliases, as they were when it was read or changed here."""
        return frozenset(self._version.aliases)

    @property
    def metadata(self) -> dict[str, Any]:
        """What was said of the version; empty when nothing was."""
        return dict(self._version.metadata)

    @property
    def version_tags(self) -> frozenset[str]:
        """The version's tags, as they were when it was read or changed here."""
        return frozenset(self._version.tags)

    @property
    def artifact_tags(self) -> frozenset[str]:
        """The tags of the artifact, all of its versions, as they were when it was read or changed here."""
        return frozenset(self._version.artifact_tags)

    @property
    def size(self) -> int:
        """The bytes of all its files together."""
        if self._upload is not None:
            return sum(file.size for file in self._upload.contents.files)
        return self._version.size

    @property
    def source_experiment_key(self) -> str:
        """The key of the experiment that made it."""
        return self._version.experiment_key

    @property
    def assets(self) -> list[LoggedArtifactAsset]:
        """Its files and links. GET `artifacts/version/files`; `NotFinalError` while it is being uploaded."""
        origin = Origin(self._connection, self._consumer, self.source_experiment_key)
        return [LoggedArtifactAsset(file, origin) for file in self._files()]

    @property
    def remote_assets(self) -> list[LoggedArtifactAsset]:
        """Its links. GET `artifacts/version/files`."""
        return [asset for asset in self.assets if asset.remote]

    def get_asset(self, asset_logical_path: str) -> LoggedArtifactAsset:
        """The file or link of this logical path. Raises `InvalidValueError`. GET `artifacts/version/files`."""
        assets = {asset.logical_path: asset for asset in self.assets}
        if asset_logical_path not in assets:
            some = ", ".join(map(repr, sorted(assets)[:5])) + (" ..." if len(assets) > 5 else "")
            raise errors.InvalidValueError(
                f"Artifact {self._title} has no file {asset_logical_path!r}; it has {some or 'none at all'}"
            )
        return assets[asset_logical_path]

    def download(
        self, path: str | None = None, overwrite_strategy: bool | str = False, sync_mode: bool = True
    ) -> Artifact:
        """Downloads its files to the folder `path`, a temporary one by default; an artifact of the files there.

        The artifact can be changed and logged as another version. A file that is there already with other contents
        raises with False or "FAIL", is kept with "PRESERVE" and is replaced with True or "OVERWRITE"; one with the same
        contents is not downloaded again, and one that was cut is gone on with. Links stay links; `sync_mode` is
        accepted for the sake of code written for Comet. Raises `DownloadError`, `NotFinalError` and what else the
        server answers. GET `artifacts/version/files`, `experiment/asset/get-asset`.
        """
        strategy = places.strategy_of(overwrite_strategy)
        files = self._files()
        root = Path(path if path is not None else tempfile.mkdtemp(prefix="zenml-comet-artifact-")).absolute()
        found = download_all(self._connection, self._consumer, self._title, files, root, strategy)
        return downloaded(self.name, self.artifact_type, str(root), found)

    def wait(self, timeout: float | None = None) -> LoggedArtifact:
        """Itself, once it is uploaded whole; at once for one that was read from the server.

        Raises what the upload failed of, and `DeliveryError` when it takes longer than `timeout` seconds.
        """
        if self._failure is not None:
            raise self._failure
        upload = self._upload
        if upload is not None and not upload.closed:
            upload.wait(timeout)
            if upload.failure is not None:
                raise upload.failure
            if not upload.closed:
                raise errors.DeliveryError(upload.describe())
        return self

    def get_source_experiment(self, api_key: str | None = None, cache: bool = True) -> APIExperiment:
        """The experiment that made it, asked with the API key that is in use unless another is given.

        `cache` is accepted for the sake of code written for Comet. GET `experiment/metadata`.
        """
        from zenml_comet_tracker.comet.api_experiment import APIExperiment

        connection = self._connection
        if api_key is not None:
            connection = Connection(replace(connection.settings, api_key=api_key), read_only=connection.read_only)
        return APIExperiment.of(connection, experiments.metadata(connection.transport, self.source_experiment_key))

    def update_artifact_tags(self, new_artifact_tags: Sequence[str]) -> None:
        """Gives the artifact these tags in place of its own. POST `write/artifacts/details`."""
        tags = names.checked_labels("artifact tags", new_artifact_tags)
        artifacts.change(self._connection.transport, self._version.artifact_id, tags)
        self._known = replace(self._version, artifact_tags=tuple(tags))

    def update_version_tags(self, new_version_tags: Sequence[str]) -> None:
        """Gives the version these tags in place of its own. POST `write/artifacts/version/labels`."""
        tags = names.checked_labels("version tags", new_version_tags)
        artifacts.label(self._connection.transport, self._version.version_id, tags=tags)
        self._known = replace(self._version, tags=tuple(tags))

    def update_aliases(self, new_aliases: Sequence[str]) -> None:
        """Gives the version these aliases in place of its own; another version loses them.

        POST `write/artifacts/version/labels`.
        """
        aliases = names.checked_labels("aliases", new_aliases)
        artifacts.label(self._connection.transport, self._version.version_id, aliases=aliases)
        self._known = replace(self._version, aliases=tuple(aliases))

    def update_metadata(self, new_metadata: Mapping[str, Any]) -> None:
        """Gives the version this metadata in place of its own. POST `write/artifacts/version/labels`."""
        metadata = names.checked_metadata(new_metadata)
        text = names.metadata_text(metadata) or "{}"
        artifacts.label(self._connection.transport, self._version.version_id, metadata=text)
        self._known = replace(self._version, metadata=metadata)

    def _files(self) -> list[artifacts.VersionFile]:
        version = self._version
        return artifacts.files(self._connection.transport, artifact_id=version.artifact_id, version=version.version)
