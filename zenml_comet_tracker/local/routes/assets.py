"""Assets: files and links in, lists and contents out."""

from __future__ import annotations

import mimetypes
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from zenml_comet_tracker.local.routes import full_metrics
from zenml_comet_tracker.local.routes.answers import RequestError, answer
from zenml_comet_tracker.local.routes.calls import QueryCall, Upload, UploadCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.ids import made_id
from zenml_comet_tracker.local.store import assets, experiments
from zenml_comet_tracker.local.store.assets import MODEL_ELEMENT, NewAsset
from zenml_comet_tracker.local.store.files import Arriving, Files

rest = APIRouter()
clientlib = APIRouter()
# Addresses that Comet's pages gave to assets once, and that still stand in notes and in links.
legacy = APIRouter()

DOWNLOAD = "/experiment/asset/get-asset"
# What the SDK sends as the name of a text sample, meaning that the server shall find one.
_NAME_FROM_SERVER = "auto-generated-in-the-backend"
# The documentation's name for a type, and the one under which clients upload it.
_TYPE_ALIASES = {"histogram_combined_3d": "histogram3d"}
# Only types that run no code in a browser; everything else is a stream of bytes. The SDK reads JSON as JSON only.
_PLAIN_TYPES = {"application/json", "image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"}


@rest.post("/write/experiment/upload-asset")
def upload(call: UploadCall) -> Response:
    """Stores an asset of the experiment `experimentKey`."""
    return store(call, "experimentKey", "asset")


@clientlib.post("/asset/upload")
def upload_by_sdk(call: UploadCall) -> Response:
    """Stores an asset of the experiment `experimentId` under the SDK's `assetId`."""
    return store(call, "experimentId", "asset")


@clientlib.post("/visualizations/upload")
def upload_image(call: UploadCall) -> Response:
    """Stores an image or figure of the experiment `experimentId` under the SDK's `imageId`."""
    return store(call, "experimentId", "image")


@rest.get("/experiment/asset/list")
def of_experiment(call: QueryCall) -> Response:
    """The experiment's assets, of one `type` or all."""
    return _list(call, None)


@rest.get("/experiment/asset/get-by-name")
def by_name(call: QueryCall) -> Response:
    """The experiment's assets called `assetName`, of one `type` or all."""
    return _list(call, call.fields.text("assetName"))


@rest.get(DOWNLOAD)
@legacy.get("/asset/download")
@legacy.get("/image/get")
def content(call: QueryCall) -> Response:
    """The bytes of the asset `assetId`, or those of a `Range` of them."""
    fields = call.fields
    asset_id = fields.optional_text("assetId") or fields.optional_text("imageId") or fields.text("assetId")
    key, version = fields.optional_text("experimentKey"), fields.optional_text("artifactVersionId")
    with call.store.read() as connection:
        if asset_id.startswith(full_metrics.PREFIX):
            experiment = experiments.require(connection, fields.text("experimentKey"))
            return full_metrics.download(connection, experiment.id, asset_id, call.store.files)
        row = assets.require(connection, asset_id, key or None, version or None)
    return download(call.store.files, row)


@rest.get("/write/experiment/asset/delete")
def delete(call: QueryCall) -> Response:
    """Takes the asset `assetId` away."""
    asset_id = call.fields.text("assetId")
    return call.write(lambda target: assets.remove(target.transaction, target.experiment.id, asset_id))


def download(files: Files, row: Any) -> Response:
    """The content of an asset as a file to keep, whole or the part that was asked for. A remote one has none: 404."""
    if row.sha256 is None:
        raise RequestError(f"Asset {row.asset_id} is remote: its content lies at {row.link}.", status=404)
    kind = mimetypes.guess_type(row.file_name)[0]
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(row.file_name).name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{row.sha256}"',
    }
    media_type = kind if kind in _PLAIN_TYPES else "application/octet-stream"
    return FileResponse(content_path(files, row), media_type=media_type, headers=headers)


def listed(row: Any, key: str, root: str) -> dict[str, Any]:
    """An asset as lists show it."""
    query = urlencode({"experimentKey": key, "assetId": row.asset_id})
    return {
        "assetId": row.asset_id,
        "experimentKey": key,
        "fileName": row.file_name,
        "fileSize": row.size,
        "runContext": row.context or None,
        "step": row.step,
        "link": row.link if row.remote else f"{root}/api/rest/v2{DOWNLOAD}?{query}",
        "createdAt": row.created_millis,
        "dir": row.dir,
        "canView": False,
        "audio": row.type == "audio",
        "video": row.type == "video",
        "histogram": row.type == "histogram3d",
        "image": row.type == "image",
        "type": row.type,
        "metadata": row.metadata,
        "remote": row.remote,
        "tags": [],
        "compressedAssetLink": None,
        "s3Link": None,
        "curlDownload": None,
    }


def overwrites(fields: Fields) -> bool:
    """Whether an upload replaces those of its name."""
    # For files of an artifact that it downloaded the SDK says what was to happen to files in their way.
    strategies = {"OVERWRITE": True, "FAIL": False, "PRESERVE": False}
    said = fields.raw("overwrite")
    return strategies[said] if isinstance(said, str) and said in strategies else fields.flag("overwrite")


def content_path(files: Files, row: Any) -> Path:
    """Where the content of an asset that is not remote lies. Refuses with 404 when it was taken from the disk, or cut
    off there."""
    path = files.path(row.sha256)
    if not path.is_file():
        raise RequestError(f"The content of asset {row.asset_id} is not in the data folder any more.", status=404)
    size = path.stat().st_size
    if size < row.size:
        raise RequestError(
            f"The content of asset {row.asset_id} is damaged: it has {size:,} of {row.size:,} bytes. "
            "`zenml-comet local check` names all that is.",
            status=404,
        )
    return path


def _list(call: QueryCall, name: str | None) -> Response:
    kind = call.fields.optional_text("type")
    kind = _TYPE_ALIASES.get(kind or "", kind)
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        if kind == full_metrics.TYPE and name is None:
            files = full_metrics.of_experiment(connection, experiment.id)
            return answer({"assets": [listed(file, experiment.key, call.root) for file in files]})
        rows = assets.of_experiment(
            connection, experiment.id, asset_type=None if kind in (None, "", "all") else kind, file_name=name
        )
    return answer({"assets": [listed(row, experiment.key, call.root) for row in rows]})


def store(call: Upload, key_field: str, default_type: str) -> Response:
    """Stores what was uploaded as an asset; answers where it is."""
    overwrite = overwrites(call.fields)
    with call.store.arriving() as arriving:
        new = _new_asset(call, key_field, default_type, arriving)
        call.write(
            lambda target: assets.add(target.transaction, target.experiment.id, new, overwrite=overwrite),
            key_field,
            stores={"assets": 1},
        )
    key = call.fields.text(key_field)
    query = urlencode({"experimentKey": key, "assetId": new.asset_id})
    return answer(
        {
            "msg": "OK",
            "code": 200,
            "sdk_error_code": 0,
            "assetId": new.asset_id,
            "link": new.link or f"{call.root}/api/rest/v2{DOWNLOAD}?{query}",
            # What lies here now: whoever sent it can compare.
            "fileSize": new.size,
            "sha256": new.sha256,
        }
    )


def _new_asset(call: Upload, key_field: str, default_type: str, arriving: Arriving) -> NewAsset:
    if (call.file is None) == (call.link is None):
        raise RequestError("The upload has to carry one of the parts `file` (a file) and `link` (a text).")
    fields = call.fields
    asset_id = (
        fields.optional_text("assetId") or fields.optional_text("imageId") or made_id(call, fields.text(key_field))
    )
    kind = fields.optional_text("type") or default_type
    name = _file_name(call, asset_id, kind)
    model = fields.optional_text("groupingName")
    stored = arriving.add(call.file.file) if call.file is not None else None
    return NewAsset(
        asset_id=asset_id,
        file_name=name,
        dir=f"models/{model}" if kind == MODEL_ELEMENT and model else "assets",
        extension=(fields.optional_text("extension") or PurePosixPath(name).suffix).lstrip("."),
        type=kind,
        step=fields.integer("step"),
        epoch=fields.number("epoch"),
        context=fields.optional_text("context") or "",
        metadata=call.metadata,
        grouping_name=model,
        size=stored.size if stored else 0,
        sha256=stored.sha256 if stored else None,
        link=call.link,
        artifact_version_id=fields.optional_text("artifactVersionId") or None,
        created_millis=call.store.clock(),
    )


def _file_name(call: Upload, asset_id: str, kind: str) -> str:
    name = call.fields.optional_text("fileName") or call.fields.optional_text("figName") or call.part_name
    if name == _NAME_FROM_SERVER:
        return f"{kind}-{asset_id[:8]}.txt"
    if not name and call.link:
        return PurePosixPath(call.link.partition("?")[0]).name or call.link
    return name or asset_id
