"""Artifacts, found and read without an experiment."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.artifacts import LoggedArtifact, finding
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.resources import artifacts


class Artifacts(ApiBase):
    """Lists artifacts, describes them, and gets their versions."""

    def get_artifact(
        self, workspace: str | None, artifact_name: str, version: str | None = None, alias: str | None = None
    ) -> LoggedArtifact:
        """A version of an artifact, to look at and to download: by number, by alias, or else the latest.

        `artifact_name` may say it all: "workspace/name:version_or_alias", with None for the workspace. Raises
        `NotFoundError`, `NotFinalError` while its files are not there, `InvalidValueError` for names that contradict
        each other. GET `artifacts/version`.
        """
        if not isinstance(artifact_name, str):
            raise InvalidValueError(
                f"artifact_name is expected to be a text, as in 'name:1.0.0'; got {artifact_name!r}"
            )
        if "/" not in artifact_name:
            workspace = self._workspace(workspace)
        return finding.without_experiment(self._connection, workspace, artifact_name, version, alias)

    def get_artifact_list(self, workspace: str | None = None, artifact_type: str | None = None) -> dict[str, Any]:
        """The artifacts of a workspace, of one type or all: `{"artifacts": [...]}`, each with `name`, `type`,
        `latestVersion`, `tags`, `sizeInBytes` and others. GET `artifacts/get-all`.
        """
        return artifacts.of_workspace(self._connection.transport, self._workspace(workspace), artifact_type)

    def get_artifact_details(
        self, workspace: str | None = None, artifact_name: str | None = None, artifact_id: str | None = None
    ) -> dict[str, Any]:
        """One artifact with all of its versions: what `get_artifact_list` says of it, and `versions`, each with
        `version`, `state`, `alias`, `tags`, `metadata` (JSON text), `sizeInBytes`. GET `artifacts/get`.
        """
        place = self._artifact_place(workspace, artifact_name, artifact_id)
        return artifacts.details(self._connection.transport, **place)

    def get_artifact_files(
        self,
        workspace: str | None = None,
        artifact_name: str | None = None,
        artifact_id: str | None = None,
        version: str | None = None,
        alias: str | None = None,
    ) -> dict[str, Any]:
        """The files of one version, the latest unless said: `{"files": [...]}`, each with `assetId`, `fileName`,
        `fileSize`, `link`, `metadata` (JSON text). GET `artifacts/version/files`.
        """
        place = self._artifact_place(workspace, artifact_name, artifact_id)
        params = {
            "artifact_id": place["artifact_id"],
            "workspace": place["workspace"],
            "artifactName": place["name"],
            "version": version,
            "alias": alias,
        }
        return artifacts.raw_files(self._connection.transport, params)

    def _artifact_place(
        self, workspace: str | None, artifact_name: str | None, artifact_id: str | None
    ) -> dict[str, str | None]:
        if artifact_id:
            return {"artifact_id": artifact_id, "workspace": None, "name": None}
        if not artifact_name:
            raise InvalidValueError("artifact_name or artifact_id says which artifact is meant; give one of them")
        return {"artifact_id": None, "workspace": self._workspace(workspace), "name": artifact_name}
