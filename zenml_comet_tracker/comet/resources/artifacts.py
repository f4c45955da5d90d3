"""Artifacts: versions registered, found, labelled and closed; their files listed, linked and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote

import orjson

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import CLIENTLIB, CLIENTLIB_REST, REST, Transport

CLOSED, ERROR = "CLOSED", "ERROR"


@dataclass(frozen=True)
class NewVersion:
    """What a version starts with; `version` None = the server chooses the next one. `metadata` is JSON text."""

    name: str
    type: str
    version: str | None = None
    aliases: Sequence[str] = ()
    tags: Sequence[str] = ()
    metadata: str | None = None


@dataclass(frozen=True)
class MadeVersion:
    """A version that waits for its files; `previous` is the number of the one before, None for the first."""

    artifact_id: str
    version_id: str
    version: str
    previous: str | None = None


@dataclass(frozen=True)
class Version:
    """What the server knows of one version of an artifact; `experiment_key` is the one that made it."""

    artifact_id: str
    name: str
    type: str
    workspace: str
    artifact_tags: Sequence[str]
    version_id: str
    version: str
    aliases: Sequence[str]
    tags: Sequence[str]
    metadata: dict[str, Any]
    size: int
    experiment_key: str


@dataclass(frozen=True)
class VersionFile:
    """One file of a version; `link` only of a remote one. `sha256` is None where the server does not say, and
    `version_id` empty for a file of a registered model."""

    artifact_id: str
    version_id: str
    asset_id: str
    name: str
    size: int
    type: str | None
    metadata: dict[str, Any] | None
    remote: bool
    link: str | None
    sha256: str | None


@dataclass(frozen=True)
class RemoteFile:
    """A link to be put among the files of a version; `metadata` is JSON text."""

    asset_id: str
    name: str
    link: str
    type: str | None = None
    metadata: str | None = None


def upsert(transport: Transport, experiment_key: str, new: NewVersion) -> MadeVersion:
    """A new version, open for its files; the artifact is made when missing. POST `write/artifacts/upsert`."""
    body = {
        "artifactName": new.name,
        "artifactType": new.type,
        "experimentKey": experiment_key,
        "version": new.version,
        "alias": list(new.aliases),
        "versionTags": list(new.tags),
        "versionMetadata": new.metadata,
    }
    answer = transport.post_json(f"{REST}write/artifacts/upsert", body)
    try:
        return MadeVersion(
            str(answer["artifactId"]),
            str(answer["artifactVersionId"]),
            str(answer["currentVersion"]),
            answer.get("previousVersion"),
        )
    except KeyError as error:
        raise errors.BrokenAnswerError(f"The server made a version of an artifact without saying its {error}") from None


def set_state(transport: Transport, experiment_key: str, version_id: str, state: str) -> None:
    """Says that all files of the version are there (`CLOSED`) or will not come. POST `write/artifacts/state`."""
    body = {"artifactVersionId": version_id, "experimentKey": experiment_key, "state": state}
    transport.post_json(f"{REST}write/artifacts/state", body)


def version(
    transport: Transport,
    *,
    version_id: str | None = None,
    name: str | None = None,
    workspace: str | None = None,
    version: str | None = None,
    alias: str | None = None,
    version_or_alias: str | None = None,
    experiment_key: str | None = None,
    consumer: str | None = None,
) -> Version:
    """One version, by its id, number or alias, without any the latest; the experiment `consumer` becomes its reader.

    Without a workspace the name is looked up in that of `experiment_key`. GET `artifacts/version`.
    """
    params = {
        "versionId": version_id,
        # Encoded once more than other names are: Comet decodes it twice.
        "artifactName": None if name is None else quote(name, safe=""),
        "workspace": workspace,
        "version": version,
        "alias": alias,
        "versionOrAlias": version_or_alias,
        "experimentKey": experiment_key,
        "consumerExperimentKey": consumer,
    }
    return _version(transport.get_json(f"{REST}artifacts/version", params))


def _version(answer: Mapping[str, Any]) -> Version:
    artifact = answer.get("artifact") or {}
    try:
        return Version(
            artifact_id=artifact["artifactId"],
            name=artifact["artifactName"],
            type=artifact["artifactType"],
            workspace=artifact["workspaceName"],
            artifact_tags=tuple(artifact.get("tags") or ()),
            version_id=answer["artifactVersionId"],
            version=answer["artifactVersion"],
            aliases=tuple(answer.get("alias") or ()),
            tags=tuple(answer.get("tags") or ()),
            metadata=_metadata(answer.get("metadata")) or {},
            size=int(answer.get("sizeInBytes") or 0),
            experiment_key=answer.get("experimentKey") or "",
        )
    except KeyError as error:
        raise errors.BrokenAnswerError(f"The server described a version of an artifact without its {error}") from None


def files(
    transport: Transport, *, artifact_id: str | None = None, version: str | None = None, version_id: str | None = None
) -> list[VersionFile]:
    """The files of one version. GET `artifacts/version/files`.

    By `version_id` alone also those of a version that is still open, on servers that tell.
    """
    params = {"artifact_id": artifact_id, "version": version, "versionId": version_id}
    return [_file(entry) for entry in raw_files(transport, params).get("files") or ()]


def raw_files(transport: Transport, params: Mapping[str, Any]) -> dict[str, Any]:
    """As the server answers. GET `artifacts/version/files`."""
    return transport.get_json(f"{REST}artifacts/version/files", params)


def _file(entry: Mapping[str, Any]) -> VersionFile:
    link = entry.get("link")
    # Servers that do not say `remote` give a link of remote files only.
    remote = bool(entry["remote"]) if entry.get("remote") is not None else link is not None
    return VersionFile(
        artifact_id=entry.get("artifactId") or "",
        version_id=entry.get("artifactVersionId") or "",
        asset_id=entry.get("assetId") or "",
        name=entry.get("fileName") or "",
        size=int(entry.get("fileSize") or 0),
        type=entry.get("type"),
        metadata=_metadata(entry.get("metadata")),
        remote=remote,
        link=link if remote else None,
        sha256=entry.get("sha256"),
    )


def _metadata(text: Any) -> dict[str, Any] | None:
    """Metadata travels as JSON text; what is no JSON object is kept under the name `value`."""
    if text is None or isinstance(text, dict):
        return text
    try:
        found = orjson.loads(text)
    except ValueError:
        found = text
    return found if isinstance(found, dict) or found is None else {"value": found}


def change(transport: Transport, artifact_id: str, tags: Sequence[str]) -> None:
    """Gives the artifact these tags in place of its own. POST `write/artifacts/details`."""
    body = {
        "artifactId": artifact_id,
        "tags": list(tags),
        "artifactType": None,
        "versionMetadata": None,
        "version": None,
    }
    transport.post_json(f"{REST}write/artifacts/details", body)


def label(
    transport: Transport,
    version_id: str,
    *,
    aliases: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    metadata: str | None = None,
) -> None:
    """Gives the version these in place of its own; None leaves what it has. POST `write/artifacts/version/labels`."""
    body = {
        "artifactVersionId": version_id,
        "alias": None if aliases is None else list(aliases),
        "versionTags": None if tags is None else list(tags),
        "versionMetadata": metadata,
    }
    transport.post_json(f"{REST}write/artifacts/version/labels", body)


def add_remote(transport: Transport, handshake: Handshake, version_id: str, found: Sequence[RemoteFile]) -> None:
    """Puts links among the files of a version.

    POST clientlib `write/artifact/assets/remote/batch`, or for each `write/experiment/upload-asset` when the experiment
    speaks documented REST only.
    """
    if handshake.run_id is None:
        for file in found:
            _add_remote(transport, handshake.experiment_key, version_id, file)
        return
    requests = [
        {
            "link": file.link,
            "type": file.type,
            "metadata": file.metadata,
            "assetId": file.asset_id,
            "fileName": file.name,
            "isRemote": True,
            "overwrite": False,
            "step": None,
            "context": None,
            "runId": handshake.run_id,
            "artifactVersionId": version_id,
        }
        for file in found
    ]
    path, params = f"{CLIENTLIB_REST}write/artifact/assets/remote/batch", {"experimentKey": handshake.experiment_key}
    transport.post_json(path, {"remoteArtifactAssetRequests": requests}, params=params)


def _add_remote(transport: Transport, experiment_key: str, version_id: str, file: RemoteFile) -> None:
    params = {
        "experimentKey": experiment_key,
        "assetId": file.asset_id,
        "fileName": file.name,
        "type": file.type,
        "isRemote": "True",
        "overwrite": "False",
        "artifactVersionId": version_id,
    }
    texts = {"link": file.link, **({} if file.metadata is None else {"metadata": file.metadata})}
    transport.post_form(f"{REST}write/experiment/upload-asset", params, texts)


def upload(
    transport: Transport, handshake: Handshake, version_id: str, file: AssetUpload, stream: BinaryIO
) -> dict[str, Any]:
    """Uploads one file of a version, read while it is sent; what the server says of it.

    POST clientlib `asset/upload`, or `write/experiment/upload-asset` when the experiment speaks documented REST only,
    multipart.
    """
    params = {
        "assetId": file.asset_id,
        "fileName": file.file_name,
        "extension": PurePosixPath(file.file_name).suffix.lstrip(".") or None,
        "type": file.type,
        "overwrite": "False",
        "artifactVersionId": version_id,
    }
    if handshake.run_id is None:
        path, place = f"{REST}write/experiment/upload-asset", {"experimentKey": handshake.experiment_key}
    else:
        path = f"{CLIENTLIB}asset/upload"
        place = {
            "experimentId": handshake.experiment_key,
            "projectId": handshake.project_id or "",
            "runId": handshake.run_id,
        }
    name = PurePosixPath(file.file_name).name
    return transport.upload(path, {**params, **place}, stream, file_name=name, metadata=file.metadata)


def of_workspace(transport: Transport, workspace: str, artifact_type: str | None = None) -> dict[str, Any]:
    """The artifacts of a workspace, of one type or all, as the server answers. GET `artifacts/get-all`."""
    return transport.get_json(f"{REST}artifacts/get-all", {"workspace": workspace, "type": artifact_type})


def details(
    transport: Transport, *, artifact_id: str | None = None, workspace: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """One artifact with all of its versions, as the server answers. GET `artifacts/get`."""
    params = {"artifact_id": artifact_id, "workspace": workspace, "artifactName": name}
    return transport.get_json(f"{REST}artifacts/get", params)


def of_experiment(transport: Transport, experiment_key: str, direction: str = "all") -> dict[str, Any]:
    """What the experiment read (`input`), made (`output`) or `all`, as the server answers. GET `get/artifacts`."""
    return transport.get_json(f"{REST}get/artifacts", {"experimentKey": experiment_key, "filter": direction})
