"""Artifacts: versions in, found by number or alias, labelled; their files listed; who made and who read them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.assets import overwrites
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.ids import made_id
from zenml_comet_tracker.local.routes.names import optional_names
from zenml_comet_tracker.local.store import artifact_versions, artifacts, assets, experiments, lineage
from zenml_comet_tracker.local.store.artifact_versions import NewVersion
from zenml_comet_tracker.local.store.artifacts import CLOSED, ERROR
from zenml_comet_tracker.local.store.assets import NewAsset

rest = APIRouter()


@rest.post("/write/artifacts/upsert")
def upsert(call: JsonCall) -> Response:
    """A new version of the artifact `artifactName`, open for its files; the artifact is made when missing."""
    key = call.fields.text("experimentKey")
    new = _new_version(call.fields, made_id(call, key))
    with call.store.write_to(key, call.mark) as target:
        row = artifact_versions.make(target.transaction, target.experiment, new)
        before = artifact_versions.previous(target.connection, row)
    return answer(
        {
            "artifactId": row.artifact_id,
            "artifactVersionId": row.id,
            "currentVersion": row.version,
            "previousVersion": before,
        }
    )


@rest.post("/write/artifacts/state")
def set_state(call: JsonCall) -> Response:
    """Says whether all files of the version `artifactVersionId` are there (CLOSED) or will not come (ERROR)."""
    version_id, state = call.fields.text("artifactVersionId"), call.fields.text("state")
    if state not in (CLOSED, ERROR):
        raise call.fields.error("state", f"{CLOSED} or {ERROR}")
    return call.write(lambda target: artifact_versions.set_state(target.connection, version_id, state))


@rest.post("/write/artifacts/version/labels")
def label(call: JsonCall) -> Response:
    """Gives the version `artifactVersionId` these aliases, tags and metadata in place of its own; null leaves them."""
    fields = call.fields
    labels = {
        "aliases": optional_names(fields, "alias"),
        "tags": optional_names(fields, "versionTags"),
    }
    with call.store.write() as transaction:
        version_id = fields.text("artifactVersionId")
        metadata = fields.optional_text("versionMetadata")
        artifact_versions.label(transaction.connection, version_id, **labels, metadata=metadata)
    return done()


@rest.post("/write/artifacts/details")
def change(call: JsonCall) -> Response:
    """Gives the artifact `artifactId` these tags and this type, and its version `version` this metadata."""
    fields = call.fields
    columns = {"tags": optional_names(fields, "tags"), "type": fields.optional_text("artifactType") or None}
    given = {name: value for name, value in columns.items() if value is not None}
    version, metadata = fields.optional_text("version"), fields.optional_text("versionMetadata")
    with call.store.write() as transaction:
        connection = transaction.connection
        row = artifacts.require(connection, fields.text("artifactId"))
        if given:
            artifacts.change(connection, row.id, **given)
        if version and metadata is not None:
            version_id = artifact_versions.numbered(connection, row, version).id
            artifact_versions.label(connection, version_id, metadata=metadata)
    return done()


@rest.post("/write/artifact/assets/remote/batch")
def add_remote(call: JsonCall, query: QueryCall) -> Response:
    """Stores `remoteArtifactAssetRequests` as files of artifact versions: links, which the server never opens."""
    now = call.store.clock()
    key = query.fields.optional_text("experimentKey") or call.fields.text("experimentKey")
    items = call.fields.objects("remoteArtifactAssetRequests")
    files = [
        (_remote_file(item, made_id(call, f"{key}/{index}"), now), overwrites(item)) for index, item in enumerate(items)
    ]
    with call.store.write_to(key, call.mark, max(1, len(files))) as target:
        for file, overwrite in files[target.first_new :]:
            assets.add(target.transaction, target.experiment.id, file, overwrite=overwrite)
    call.stored["assets"] = max(0, len(files) - target.first_new)
    return done()


@rest.get("/artifacts/version")
def version(call: QueryCall) -> Response:
    """One version of an artifact, by id, number, alias or the latest; `consumerExperimentKey` becomes its reader."""
    consumer = call.fields.optional_text("consumerExperimentKey")
    if not consumer:
        with call.store.read() as connection:
            return answer(_described(connection, _found(connection, call.fields)))
    with call.store.write() as transaction:
        reader = experiments.require(transaction.connection, consumer)
        row = _found(transaction.connection, call.fields)
        lineage.record_use(transaction, reader.id, row.id)
        return answer(_described(transaction.connection, row))


@rest.get("/artifacts/version/files")
def files(call: QueryCall) -> Response:
    """The files of one version of an artifact."""
    with call.store.read() as connection:
        row = _found(connection, call.fields)
        listed = [_file(row, file) for file in artifact_versions.files(connection, row.id)]
    return answer({"files": listed})


@rest.get("/artifacts/get-all")
def of_workspace(call: QueryCall) -> Response:
    """The artifacts of `workspace`, of one `type` or all."""
    with call.store.read() as connection:
        rows = artifacts.of_workspace(
            connection, call.fields.text("workspace"), call.fields.optional_text("type") or None
        )
        listed = [_summary(row, artifact_versions.of_artifact(connection, row.id)) for row in rows]
    return answer({"artifacts": listed})


@rest.get("/artifacts/get")
def details(call: QueryCall) -> Response:
    """The artifact `artifact_id`, or that called `artifactName` in `workspace`, with all of its versions."""
    with call.store.read() as connection:
        return answer(_details(connection, _artifact(connection, call.fields)))


@rest.get("/get/artifacts")
def of_experiment(call: QueryCall) -> Response:
    """The versions that the experiment read (`filter` input), made (output), or both (all)."""
    wanted = call.fields.optional_text("filter") or "all"
    if wanted not in ("all", "input", "output"):
        raise call.fields.error("filter", "all, input or output")
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        found = {
            "input": lineage.inputs(connection, experiment.id) if wanted != "output" else [],
            "output": lineage.outputs(connection, experiment.key) if wanted != "input" else [],
        }
        listed = [
            {**_described(connection, row), "direction": direction, "state": row.state}
            for direction, rows in found.items()
            for row in rows
        ]
    return answer({"experimentKey": experiment.key, "artifacts": listed})


def _new_version(fields: Fields, version_id: str) -> NewVersion:
    return NewVersion(
        id=version_id,
        name=fields.text("artifactName"),
        type=fields.text("artifactType"),
        version=fields.optional_text("version") or None,
        aliases=optional_names(fields, "alias") or [],
        tags=optional_names(fields, "versionTags") or [],
        metadata=fields.optional_text("versionMetadata"),
    )


def _remote_file(fields: Fields, asset_id: str, now_millis: int) -> NewAsset:
    link = fields.text("link")
    name = fields.optional_text("fileName") or PurePosixPath(link.partition("?")[0]).name or link
    return NewAsset(
        asset_id=fields.optional_text("assetId") or asset_id,
        file_name=name,
        extension=PurePosixPath(name).suffix.lstrip("."),
        type=fields.optional_text("type") or "asset",
        step=fields.integer("step"),
        context=fields.optional_text("context") or "",
        metadata=fields.optional_text("metadata"),
        link=link,
        artifact_version_id=fields.text("artifactVersionId"),
        created_millis=now_millis,
    )


def _found(connection: Any, fields: Fields) -> Any:
    """The version that the query asks for. One asked for by its own id may be open still: its maker looks at it."""
    version_id = fields.optional_text("versionId")
    if version_id:
        return artifact_versions.require(connection, version_id)
    return artifact_versions.final(
        connection,
        _artifact(connection, fields),
        version=fields.optional_text("version"),
        alias=fields.optional_text("alias"),
        either=fields.optional_text("versionOrAlias"),
    )


def _artifact(connection: Any, fields: Fields) -> Any:
    artifact_id = fields.optional_text("artifactId") or fields.optional_text("artifact_id")
    if artifact_id:
        return artifacts.require(connection, artifact_id)
    name, workspace = fields.text("artifactName"), fields.optional_text("workspace")
    if not workspace:
        workspace = experiments.require(connection, fields.text("experimentKey")).workspace
    # The official SDK encodes the name once more than others do.
    return artifacts.require_named(connection, workspace, unquote(name), name)


def _described(connection: Any, row: Any) -> dict[str, Any]:
    return {
        "artifact": {
            "artifactId": row.artifact_id,
            "artifactName": row.artifact_name,
            "artifactType": row.artifact_type,
            "workspaceName": row.workspace,
            "tags": orjson.loads(row.artifact_tags),
        },
        "artifactVersionId": row.id,
        "artifactVersion": row.version,
        "alias": artifact_versions.aliases(connection, row.id),
        "tags": orjson.loads(row.tags),
        "metadata": row.metadata,
        "sizeInBytes": row.size,
        "experimentKey": row.experiment_key,
    }


def _file(version_row: Any, row: Any) -> dict[str, Any]:
    return {
        "artifactId": version_row.artifact_id,
        "artifactVersionId": version_row.id,
        "assetId": row.asset_id,
        "fileName": row.file_name,
        "fileSize": row.size,
        "link": row.link,
        "dir": row.dir,
        "type": row.type,
        "metadata": row.metadata,
        "remote": row.remote,
        # Comet has no such member; clients that know it can tell a damaged copy from a good one.
        "sha256": row.sha256,
    }


def _details(connection: Any, row: Any) -> dict[str, Any]:
    rows = artifact_versions.of_artifact(connection, row.id)
    return {**_summary(row, rows), "versions": [_version(connection, version) for version in rows]}


def _summary(row: Any, versions: list[Any]) -> dict[str, Any]:
    closed = [version.version for version in versions if version.state == CLOSED]
    return {
        "artifactId": row.id,
        "workspaceName": row.workspace,
        "project": row.project_name,
        "type": row.type,
        "name": row.name,
        "description": row.description or None,
        "latestVersion": closed[-1] if closed else None,
        "tags": orjson.loads(row.tags),
        "isPublic": row.public,
        "emoji": None,
        "sizeInBytes": sum(version.size for version in versions),
    }


def _version(connection: Any, row: Any) -> dict[str, Any]:
    return {
        "artifactVersionId": row.id,
        "version": row.version,
        "owner": row.owner,
        "metadata": row.metadata,
        "createdFrom": None,
        "experimentKey": row.experiment_key,
        "sizeInBytes": row.size,
        "state": row.state,
        "added": row.created_millis,
        "alias": artifact_versions.aliases(connection, row.id),
        "tags": orjson.loads(row.tags),
    }
