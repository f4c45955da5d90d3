"""A version of an artifact, found by the names that people give it."""

from __future__ import annotations

from zenml_comet_tracker.comet.artifacts.logged import LoggedArtifact
from zenml_comet_tracker.comet.artifacts.names import full_name
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.resources import artifacts


def for_experiment(
    connection: Connection,
    experiment_key: str,
    artifact_name: str,
    workspace: str | None = None,
    version_or_alias: str | None = None,
) -> LoggedArtifact:
    """The version, which the experiment is noted as a reader of; the latest, and in its workspace, unless said.

    GET `artifacts/version`.
    """
    wanted = full_name(artifact_name, workspace, version_or_alias)
    found = artifacts.version(
        connection.transport,
        name=wanted.name,
        workspace=wanted.workspace,
        version_or_alias=wanted.version_or_alias,
        experiment_key=experiment_key,
        consumer=experiment_key,
    )
    return LoggedArtifact(connection, found, consumer=experiment_key)


def without_experiment(
    connection: Connection,
    workspace: str | None,
    artifact_name: str,
    version: str | None = None,
    alias: str | None = None,
) -> LoggedArtifact:
    """The version, by its number, by an alias, or else the latest; nobody is noted as its reader.

    GET `artifacts/version`.
    """
    if version and alias:
        raise InvalidValueError(f"version={version!r} and alias={alias!r} both say which version; give one of them")
    wanted = full_name(artifact_name, workspace)
    asked = wanted.version_or_alias
    if asked and (version or alias) and asked != (version or alias):
        raise InvalidValueError(
            f"artifact_name={artifact_name!r} says {asked!r}, the arguments {version or alias!r}; give one of them"
        )
    found = artifacts.version(
        connection.transport,
        name=wanted.name,
        workspace=wanted.workspace,
        version=version,
        alias=alias,
        version_or_alias=None if version or alias else asked,
    )
    return LoggedArtifact(connection, found)
