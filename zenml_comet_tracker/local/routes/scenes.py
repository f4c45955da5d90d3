"""3-D scenes, as the SDK sends them: an asset, its points and boxes one by one, and a picture of it."""

from __future__ import annotations

import io
import uuid

import orjson
from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import RequestError, answer
from zenml_comet_tracker.local.routes.calls import JsonCall, Upload, UploadCall
from zenml_comet_tracker.local.routes.ids import made_id
from zenml_comet_tracker.local.store import assets
from zenml_comet_tracker.local.store.assets import NewAsset
from zenml_comet_tracker.local.store.files import StoredFile
from zenml_comet_tracker.local.store.store import Target

clientlib = APIRouter()

_ITEM = "asset-item"


@clientlib.post("/asset")
def create(call: JsonCall) -> Response:
    """A new asset without content of its own, to which items are added; answers its `assetId`."""
    fields = call.fields
    with call.store.arriving() as arriving:
        new = NewAsset(
            asset_id=made_id(call, fields.text("experimentKey")),
            file_name=fields.text("userFileName"),
            type=fields.text("assetType"),
            step=fields.integer("step"),
            metadata=fields.optional_text("metadata"),
            sha256=arriving.add(io.BytesIO()).sha256,
            created_millis=call.store.clock(),
        )
        call.write(
            lambda target: assets.add(target.transaction, target.experiment.id, new, overwrite=False),
            stores={"assets": 1},
        )
    return answer({"assetId": new.asset_id})


@clientlib.post("/asset/asset-item")
def add_item(call: UploadCall) -> Response:
    """Stores the file in `assetItemContent` as a part of the asset `assetId`: its `points` or its `boxes`."""
    fields = call.fields
    return _add(call, fields.text("assetId"), fields.text("userFileName"), fields.text("assetItemType"))


@clientlib.put("/asset/{asset_id}/thumbnail")
def set_thumbnail(call: UploadCall, asset_id: str) -> Response:
    """Stores the file in `thumbnail` as the picture of the asset, in place of the one it has."""
    extension = (call.fields.optional_text("thumbnailExtension") or ".png").lstrip(".")
    return _add(call, asset_id, f"thumbnail.{extension}", "thumbnail")


def _add(call: Upload, scene_id: str, name: str, kind: str) -> Response:
    if call.file is None:
        raise RequestError("The upload has to carry a file.")
    with call.store.arriving() as arriving:
        new = _item(scene_id, name, kind, arriving.add(call.file.file), call.store.clock())

        def change(target: Target) -> None:
            assets.require(target.connection, scene_id, target.experiment.key)
            assets.add(target.transaction, target.experiment.id, new, overwrite=False)

        call.write(change, stores={"assets": 1})
    return answer({"assetId": new.asset_id})


def _item(scene_id: str, name: str, kind: str, stored: StoredFile, now_millis: int) -> NewAsset:
    return NewAsset(
        # The same for the same part: an upload that is sent again replaces what it sent before.
        asset_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{scene_id}/{kind}/{name}").hex,
        file_name=name,
        type=_ITEM,
        dir=f"3d-image/{scene_id}",
        extension=name.rpartition(".")[2] if "." in name else "",
        metadata=orjson.dumps({"assetId": scene_id, "assetItemType": kind}).decode(),
        grouping_name=scene_id,
        size=stored.size,
        sha256=stored.sha256,
        created_millis=now_millis,
    )
