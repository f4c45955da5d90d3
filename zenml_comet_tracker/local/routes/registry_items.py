"""Versions of registered models: made, found, changed, downloaded, taken away."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.assets import listed
from zenml_comet_tracker.local.routes.calls import Call, JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.ids import made_id
from zenml_comet_tracker.local.routes.models import model_id, zipped
from zenml_comet_tracker.local.routes.names import optional_names
from zenml_comet_tracker.local.store import assets, registry, registry_history, registry_items
from zenml_comet_tracker.local.store.faults import UnknownModelError
from zenml_comet_tracker.local.store.registry_items import NO_STATUS, NewItem

rest = APIRouter()


@rest.post("/write/registry-model/item/create")
def create(call: JsonCall) -> Response:
    """Registers a model of the experiment as a version of `registryModelName`, which is made when missing."""
    fields = call.fields
    key, name = fields.text("experimentKey"), fields.text("registryModelName")
    description, public = fields.optional_text("registryModelDescription") or "", fields.flag("publicModel")
    new = NewItem(
        id=made_id(call, key),
        model=fields.text("experimentModelName"),
        version=fields.optional_text("version") or None,
        comment=fields.optional_text("versionComment") or "",
        tags=optional_names(fields, "tags") or [],
        status=fields.optional_text("status") or NO_STATUS,
    )
    with call.store.write_to(key, call.mark) as target:
        model = registry.ensure(target.transaction, target.experiment, name, description, public)
        item = registry_items.make(target.transaction, target.experiment, model, new)
    return answer({"registryModelId": item.model_id, "registryModelItemId": item.id})


@rest.post("/write/registry-model")
def create_model(call: JsonCall) -> Response:
    """As older clients register the first version of a model: by `experimentModelId`."""
    return _register(call, first=True)


@rest.post("/write/registry-model/item")
def create_version(call: JsonCall) -> Response:
    """As older clients register a further version of a model: by `experimentModelId`."""
    return _register(call, first=False)


@rest.get("/registry-model/items")
def of_model(call: QueryCall) -> Response:
    """The model's versions, the newest first: those that begin with `versionPrefix`, of a `tag` or `status`."""
    fields = call.fields
    with call.store.read() as connection:
        model = registry.require(connection, fields.text("workspaceName"), fields.text("modelName"))
        items = [described(connection, row, call.root) for row in matching(connection, model.id, fields)]
    return answer({"items": items})


@rest.get("/registry-model/item/details")
def details(call: QueryCall) -> Response:
    """The version `version` of the model."""
    call.fields.text("version")
    with call.store.read() as connection:
        return answer(described(connection, _found(connection, call.fields), call.root))


@rest.get("/registry-model/item/download-instructions")
def download_instructions(call: QueryCall) -> Response:
    """The version `version`, or the newest of the `stage`, with the links of its files."""
    with call.store.read() as connection:
        item = described(connection, _found(connection, call.fields), call.root)
    return answer({"s3DownloadEnabled": False, "versions": [item]})


@rest.get("/registry-model/item/download")
def download(call: QueryCall) -> Response:
    """The files of the version `version`, or of the newest of the `stage`, as a zip; remote ones are left out."""
    with call.store.read() as connection:
        rows = registry_items.files(connection, _found(connection, call.fields))
    return zipped(call.store.files, rows)


@rest.post("/registry-model/history/item")
def history(call: JsonCall) -> Response:
    """What was done to the version `registryModelItemId`, by day ("November 16, 2023", UTC), the newest first."""
    fields = call.fields
    if (fields.optional_text("groupedBy") or "DAY") != "DAY":
        raise fields.error("groupedBy", "DAY")
    days: dict[str, list[dict[str, Any]]] = {}
    with call.store.read() as connection:
        item = registry_items.require(connection, fields.text("registryModelItemId"))
        for row in registry_history.of_item(connection, item.id):
            moment = datetime.fromtimestamp(row.millis / 1000, timezone.utc)
            days.setdefault(f"{moment:%B} {moment.day}, {moment.year}", []).append(_change(item, row))
    return answer(days)


@rest.get("/registry-model/item/{item_id}/metadata")
def metadata(item_id: str, call: QueryCall) -> Response:
    """The metadata of the version."""
    with call.store.read() as connection:
        return answer({"metadata": registry_items.metadata(registry_items.require(connection, item_id))})


@rest.post("/write/registry-model/item/{item_id}/metadata")
def write_metadata(item_id: str, call: JsonCall) -> Response:
    """Sets entries of the version's metadata; those of other keys stay."""
    entries = [{"key": entry.text("key"), "value": entry.value("value")} for entry in call.fields.objects("metadata")]
    with call.store.write() as transaction:
        registry_items.add_metadata(transaction, item_id, entries)
    return done()


@rest.get("/registry-model/item/{item_id}/status-configuration")
def status_configuration(item_id: str, call: QueryCall) -> Response:
    """What was given along with the version's status; empty when nothing was."""
    with call.store.read() as connection:
        kept = registry_items.require(connection, item_id).status_configuration
    return answer({} if kept is None else {**orjson.loads(kept), "modelItemId": item_id})


@rest.post("/write/registry-model/item/{item_id}/status-configuration")
def write_status_configuration(item_id: str, call: JsonCall) -> Response:
    """Gives the version a status, and keeps what comes with it."""
    fields = call.fields
    entries = fields.objects("statusConfiguration") if fields.raw("statusConfiguration") is not None else []
    configuration = {
        "status": fields.text("status"),
        "isReviewRequired": fields.flag("isReviewRequired"),
        "statusConfiguration": [{"key": entry.text("key"), "value": entry.value("value")} for entry in entries],
        "comment": fields.optional_text("comment"),
    }
    with call.store.write() as transaction:
        registry_items.configure_status(transaction, item_id, configuration)
    return done()


@rest.post("/write/registry-model/item/status")
def set_status(call: JsonCall) -> Response:
    """Gives the version `modelItemId` a status."""
    with call.store.write() as transaction:
        registry_items.set_status(transaction, call.fields.text("modelItemId"), call.fields.text("status"))
    return done()


@rest.get("/write/registry-model/item/stage")
def add_stage(call: QueryCall) -> Response:
    """Gives the version `modelItemId` one more stage, which is a tag."""
    with call.store.write() as transaction:
        registry_items.add_tag(transaction, call.fields.text("modelItemId"), call.fields.text("stage"))
    return done()


@rest.get("/write/registry-model/item/stage/delete")
def delete_stage(call: QueryCall) -> Response:
    """Takes a stage, which is a tag, from the version `modelItemId`."""
    with call.store.write() as transaction:
        registry_items.delete_tag(transaction, call.fields.text("modelItemId"), call.fields.text("stage"))
    return done()


@rest.post("/write/registry-model/item/update")
def update(call: JsonCall) -> Response:
    """Gives the version `registryModelItemId` this comment and these stages in place of its own."""
    fields = call.fields
    item_id, comment, stages = (
        fields.text("registryModelItemId"),
        fields.optional_text("comment"),
        optional_names(fields, "stages"),
    )
    with call.store.write() as transaction:
        registry_items.require(transaction.connection, item_id)
        if comment is not None:
            registry_items.set_comment(transaction, item_id, comment)
        if stages is not None:
            registry_items.set_tags(transaction, item_id, stages)
    return done()


@rest.get("/write/registry-model/item/delete")
def delete(call: QueryCall) -> Response:
    """Takes the version `modelItemId` away."""
    with call.store.write() as transaction:
        registry_items.remove(transaction, call.fields.text("modelItemId"))
    return done()


def described(connection: Any, row: Any, root: str) -> dict[str, Any]:
    """A version as all calls show it, with its files."""
    query = {"workspaceName": row.workspace, "modelName": row.model_name, "version": row.version}
    tags = registry_items.tags(row)
    return {
        "registryModelItemId": row.id,
        "registryModelId": row.model_id,
        "experimentModel": {
            "experimentModelId": model_id(row.experiment_key, row.experiment_model),
            "experimentModelName": row.experiment_model,
            "experimentKey": row.experiment_key,
        },
        "experimentKey": row.experiment_key,
        "version": row.version,
        "comment": row.comment,
        "stages": tags,
        "tags": tags,
        "status": row.status,
        "userName": row.user_name,
        "createdAt": row.created_millis,
        "lastUpdated": row.updated_millis,
        "assets": [
            {**listed(file, row.experiment_key, root), "sha256": file.sha256}
            for file in registry_items.files(connection, row)
        ],
        "restApiUrl": f"{root}/api/rest/v2/registry-model/item/download?{urlencode(query)}",
    }


def matching(connection: Any, model: str, fields: Fields) -> list[Any]:
    """The model's versions that meet what the query asks for, the newest first."""
    tag = fields.optional_text("tag") or fields.optional_text("stage")
    status, prefix = fields.optional_text("status"), fields.optional_text("versionPrefix") or ""
    major, minor = fields.integer("versionMajor"), fields.integer("versionMinor")
    return [
        row
        for row in registry_items.of_model(connection, model)
        if row.version.startswith(prefix)
        and (not tag or tag in registry_items.tags(row))
        and (not status or row.status == status)
        and major in (None, row.major)
        and minor in (None, row.minor)
    ]


def _found(connection: Any, fields: Fields) -> Any:
    """The version of the number given, else the newest of the stage given, else the newest."""
    model = registry.require(connection, fields.text("workspaceName"), fields.text("modelName"))
    version = fields.optional_text("version")
    rows = matching(connection, model.id, fields)
    if version:
        rows = [row for row in rows if row.version == version]
    if not rows:
        asked = version or fields.optional_text("stage") or "any version"
        raise UnknownModelError(f"'{model.workspace}/{model.name}:{asked}'")
    return rows[0]


def _change(item: Any, row: Any) -> dict[str, Any]:
    return {
        "actionType": row.action,
        "comment": row.comment,
        "newValue": orjson.loads(row.new_value),
        "previousValue": orjson.loads(row.old_value),
        "registryModelId": item.model_id,
        "registryModelItemActualPathParams": None,
        "registryModelItemId": item.id,
        "registryModelItemVersion": item.version,
        "registryModelName": item.model_name,
        "userAvatarLink": None,
        "userName": row.user_name,
        "createdAt": row.millis,
    }


def _register(call: Call, *, first: bool) -> Response:
    fields = call.fields
    wanted, name = fields.text("experimentModelId"), fields.text("registryModelName")
    with call.store.read() as connection:
        keys = [row for row in assets.all_models(connection) if model_id(row.key, row.grouping_name) == wanted]
    if not keys:
        raise UnknownModelError(f"to register: no experiment logged one with id {wanted!r}")
    new = NewItem(
        id=made_id(call, keys[0].key),
        model=keys[0].grouping_name,
        version=fields.optional_text("version") or None,
        comment=fields.optional_text("comment") or "",
        tags=optional_names(fields, "stages") or [],
        status=NO_STATUS,
    )
    with call.store.write_to(keys[0].key, call.mark) as target:
        if first:
            description, public = fields.optional_text("description") or "", fields.flag("isPublic")
            model = registry.ensure(target.transaction, target.experiment, name, description, public)
        else:
            model = registry.require(target.connection, target.experiment.workspace, name)
        item = registry_items.make(target.transaction, target.experiment, model, new)
    return answer({"registryModelId": item.model_id, "registryModelItemId": item.id})
