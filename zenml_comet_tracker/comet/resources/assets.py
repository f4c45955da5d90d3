"""Files of an experiment: uploaded (images by an endpoint of their own), listed, downloaded, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from zenml_comet_tracker.comet.resources import Headers, entries
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport

_CONTENT = f"{REST}experiment/asset/get-asset"


@dataclass(frozen=True)
class AssetUpload:
    """What is said of an asset: its id is made by the client, `metadata` is JSON text, `extension` has no dot."""

    asset_id: str
    file_name: str
    type: str | None = None
    step: int | None = None
    epoch: float | None = None
    context: str | None = None
    overwrite: bool = False
    grouping_name: str | None = None
    metadata: str | None = None
    extension: str | None = None


def upload(
    transport: Transport,
    experiment_key: str,
    handshake: Handshake,
    asset: AssetUpload,
    stream: BinaryIO,
    headers: Headers = None,
) -> None:
    """Uploads one asset, read while it is sent. POST clientlib `asset/upload`, multipart."""
    params = {
        "assetId": asset.asset_id,
        "fileName": asset.file_name,
        "type": asset.type,
        "groupingName": asset.grouping_name,
        **_place(experiment_key, handshake, asset),
    }
    _send(transport, f"{CLIENTLIB}asset/upload", params, asset, stream, headers)


def upload_image(
    transport: Transport,
    experiment_key: str,
    handshake: Handshake,
    image: AssetUpload,
    stream: BinaryIO,
    headers: Headers = None,
) -> None:
    """Uploads one image or figure, read while it is sent. POST clientlib `visualizations/upload`, multipart."""
    params = {
        "imageId": image.asset_id,
        "figName": image.file_name,
        "figCounter": "0",
        **_place(experiment_key, handshake, image),
    }
    _send(transport, f"{CLIENTLIB}visualizations/upload", params, image, stream, headers)


def write(
    transport: Transport,
    experiment_key: str,
    asset: AssetUpload,
    kind: str,
    stream: BinaryIO,
    headers: Headers = None,
) -> str | None:
    """As `create`; the id under which the server keeps the file, None when it does not say."""
    stored_as = create(transport, experiment_key, asset, kind, stream, headers).get("assetId")
    return None if stored_as is None else str(stored_as)


def create(
    transport: Transport,
    experiment_key: str,
    asset: AssetUpload,
    kind: str,
    stream: BinaryIO,
    headers: Headers = None,
) -> dict[str, Any]:
    """Uploads one asset, read while it is sent, in documented REST; `assetId`, which need not be ours, and `link`.

    The documented call takes neither our id nor the model's name: servers that know them find them beside the rest.
    POST `write/experiment/upload-asset`, multipart.
    """
    params = _documented(experiment_key, asset, kind)
    return _send(transport, f"{REST}write/experiment/upload-asset", params, asset, stream, headers)


def upload_link(
    transport: Transport,
    experiment_key: str,
    handshake: Handshake,
    asset: AssetUpload,
    link: str,
    headers: Headers = None,
) -> None:
    """Adds a file that lies elsewhere. POST clientlib `asset/upload`, multipart."""
    params = {
        "assetId": asset.asset_id,
        "fileName": asset.file_name,
        "type": asset.type,
        "groupingName": asset.grouping_name,
        "isRemote": "True",
        **_place(experiment_key, handshake, asset),
    }
    transport.post_form(f"{CLIENTLIB}asset/upload", params, _link_parts(asset, link), headers=headers)


def write_link(
    transport: Transport, experiment_key: str, asset: AssetUpload, link: str, headers: Headers = None
) -> str | None:
    """As `write`, for a file that lies elsewhere. POST `write/experiment/upload-asset`, multipart."""
    params = {**_documented(experiment_key, asset, asset.type), "isRemote": "True"}
    parts = _link_parts(asset, link)
    answer = transport.post_form(f"{REST}write/experiment/upload-asset", params, parts, headers=headers)
    stored_as = answer.get("assetId")
    return None if stored_as is None else str(stored_as)


def _link_parts(asset: AssetUpload, link: str) -> dict[str, str]:
    return {"link": link} if asset.metadata is None else {"link": link, "metadata": asset.metadata}


def _documented(experiment_key: str, asset: AssetUpload, kind: str | None) -> dict[str, Any]:
    return {
        "experimentKey": experiment_key,
        "assetId": asset.asset_id,
        "fileName": asset.file_name,
        "type": kind,
        "groupingName": asset.grouping_name,
        "extension": asset.extension,
        "step": asset.step,
        "epoch": asset.epoch,
        "context": asset.context,
        "overwrite": str(asset.overwrite),
    }


def _place(experiment_key: str, handshake: Handshake, asset: AssetUpload) -> dict[str, Any]:
    """What both endpoints ask: where the file belongs and what kind of file it is."""
    return {
        "experimentId": experiment_key,
        "projectId": handshake.project_id,
        "runId": handshake.run_id,
        "extension": asset.extension,
        "step": asset.step,
        "epoch": asset.epoch,
        "context": asset.context,
        "overwrite": str(asset.overwrite),
    }


def _send(
    transport: Transport, path: str, params: dict[str, Any], asset: AssetUpload, stream: BinaryIO, headers: Headers
) -> dict[str, Any]:
    name = Path(asset.file_name).name or "file"
    return transport.upload(path, params, stream, file_name=name, metadata=asset.metadata, headers=headers)


def download_url(root: str, experiment_key: str, asset_id: str) -> str:
    """Where the bytes of an asset can be read with the API key. GET `experiment/asset/get-asset`."""
    return f"{root}/{_CONTENT}?experimentKey={experiment_key}&assetId={asset_id}"


def of_experiment(transport: Transport, experiment_key: str, asset_type: str | None = None) -> list[dict[str, Any]]:
    """The experiment's assets, of one type or all. GET `experiment/asset/list`.

    `assetId`, `fileName`, `fileSize`, `type`, `step`, `runContext`, `link`, `createdAt`, `metadata` (JSON text),
    `remote` and others.
    """
    params = {"experimentKey": experiment_key, "type": asset_type}
    return entries(transport.get_json(f"{REST}experiment/asset/list", params), "assets", "assetId")


def named(
    transport: Transport, experiment_key: str, file_name: str, asset_type: str | None = None
) -> list[dict[str, Any]]:
    """The experiment's assets of one name, and of one type or all. GET `experiment/asset/get-by-name`."""
    params = {"experimentKey": experiment_key, "assetName": file_name, "type": asset_type}
    return entries(transport.get_json(f"{REST}experiment/asset/get-by-name", params), "assets", "assetId")


def read(transport: Transport, experiment_key: str, asset_id: str) -> bytes:
    """The bytes of an asset, whole in memory. GET `experiment/asset/get-asset`."""
    return transport.get_bytes(_CONTENT, {"experimentKey": experiment_key, "assetId": asset_id})


def download(transport: Transport, experiment_key: str, asset_id: str) -> Iterator[bytes]:
    """The bytes of an asset in pieces of at most 1 MiB. GET `experiment/asset/get-asset`."""
    return transport.download(_CONTENT, {"experimentKey": experiment_key, "assetId": asset_id})


def content(
    transport: Transport, experiment_key: str, asset_id: str, start: int, artifact_version_id: str | None = None
) -> tuple[int, Iterator[bytes]]:
    """As `download`, from the byte `start` on, or from 0 where the server sends the whole, which is said first."""
    params = {"experimentKey": experiment_key, "assetId": asset_id, "artifactVersionId": artifact_version_id}
    return transport.download_from(_CONTENT, params, start)


def response(transport: Transport, experiment_key: str, asset_id: str, *, stream: bool = False) -> Any:
    """The HTTP library's own answer, with the bytes of an asset. GET `experiment/asset/get-asset`."""
    return transport.response(_CONTENT, {"experimentKey": experiment_key, "assetId": asset_id}, stream=stream)


def delete(transport: Transport, experiment_key: str, asset_id: str) -> dict[str, Any]:
    """Takes an asset away. GET `write/experiment/asset/delete`."""
    params = {"experimentKey": experiment_key, "assetId": asset_id}
    return transport.get_json(f"{REST}write/experiment/asset/delete", params)
