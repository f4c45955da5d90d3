"""Artifacts that the experiment makes, and those that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml_comet_tracker.comet.errors import ConfigurationError, ConnectionFailedError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT
from zenml_comet_tracker.comet.surface.base import Surface

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.artifacts import Artifact, LoggedArtifact


class Artifacts(Surface):
    """Logs versions of artifacts, and gets them."""

    def log_artifact(self, artifact: Artifact) -> LoggedArtifact:
        """Registers a version of the artifact and uploads its files in the background; `wait` of what is returned, and
        `end`, wait for them.

        The version can be got by nobody until all of its files are there. Cut on the way, the upload goes on when the
        same artifact is logged to the same experiment again, or by `zenml-comet sync`, which also brings what was
        logged offline. Files must not change until they are uploaded. A server that does not answer is tried again in
        the background. For what is no artifact, and a version that the server refuses, nothing is logged, and
        `InvalidValueError` or what the server answered raised, under strict at once, else by what is returned when it
        is asked for something. Asked offline it raises `ConfigurationError`.
        POST `write/artifacts/upsert`, clientlib `asset/upload`, `write/artifacts/state`.
        """
        # Most experiments log none.
        from zenml_comet_tracker.comet.artifacts.handing_in import hand_in
        from zenml_comet_tracker.comet.artifacts.logged import LoggedArtifact

        if self._live.ranks.silent:
            self._live.refuse(1)
            silent = ConfigurationError(f"The artifact is not logged: {self._live.ranks.explanation}")
            return LoggedArtifact(self._connection, None, failure=silent)
        try:
            upload = hand_in(self._live, self._connection, artifact)
        except Exception as error:
            self._excuse("log_artifact", error)
            return LoggedArtifact(self._connection, None, failure=error)
        if upload is None:
            offline = ConfigurationError("The experiment is offline: `zenml-comet sync` registers the artifact")
            return LoggedArtifact(self._connection, None, failure=offline)
        return LoggedArtifact(self._connection, None, upload=upload)

    def get_artifact(
        self, artifact_name: str, workspace: str | None = None, version_or_alias: str | None = None
    ) -> LoggedArtifact:
        """A version of an artifact, of which the experiment is noted as a reader: by name alone, by `workspace` and
        `version_or_alias`, or all in `artifact_name` ("workspace/name:version_or_alias").

        Left out, they are the experiment's workspace and the latest version. What this process is just uploading of the
        artifact is waited for. Raises `NotFoundError`, `NotFinalError` while its files are not there,
        `InvalidValueError` for names that contradict each other, `ConfigurationError` when offline.
        GET `artifacts/version`.
        """
        from zenml_comet_tracker.comet.artifacts.finding import for_experiment
        from zenml_comet_tracker.comet.artifacts.names import full_name
        from zenml_comet_tracker.comet.artifacts.under_way import wait_for

        if self._settings.offline:
            raise ConfigurationError("An artifact is read from a server, and the experiment is offline")
        wait_for(self._live.companions, full_name(artifact_name, workspace, version_or_alias).name)
        handshake = self._live.wait_for_handshake(FINISH_TIMEOUT)
        if handshake is None and not self._live.ranks.silent:
            raise ConnectionFailedError(f"{self._settings.root} has not opened the experiment that reads the artifact")
        # Where another rank logs, it is that one's experiment that reads.
        key = self._live.header.experiment_key if handshake is None else handshake.experiment_key
        return for_experiment(self._connection, key, artifact_name, workspace, version_or_alias)
