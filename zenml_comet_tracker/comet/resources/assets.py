"""Files of an experiment: assets, and images, which have an endpoint of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport


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
    file: Path,
    headers: Headers = None,
) -> None:
    """Uploads one asset, streamed from disk. POST clientlib `asset/upload`, multipart."""
    params = {
        "experimentId": experiment_key,
        "projectId": handshake.project_id,
        "runId": handshake.run_id,
        "assetId": asset.asset_id,
        "fileName": asset.file_name,
        "extension": asset.extension,
        "type": asset.type,
        "step": asset.step,
        "epoch": asset.epoch,
        "context": asset.context,
        "overwrite": str(asset.overwrite),
        "groupingName": asset.grouping_name,
    }
    transport.upload(
        f"{CLIENTLIB}asset/upload",
        params,
        file,
        file_name=Path(asset.file_name).name or "file",
        metadata=asset.metadata,
        headers=headers,
    )


def upload_image(
    transport: Transport,
    experiment_key: str,
    handshake: Handshake,
    image: AssetUpload,
    file: Path,
    headers: Headers = None,
) -> None:
    """Uploads one image or figure, streamed from disk. POST clientlib `visualizations/upload`, multipart."""
    params = {
        "experimentId": experiment_key,
        "projectId": handshake.project_id,
        "runId": handshake.run_id,
        "imageId": image.asset_id,
        "figName": image.file_name,
        "figCounter": "0",
        "extension": image.extension,
        "step": image.step,
        "epoch": image.epoch,
        "context": image.context,
        "overwrite": str(image.overwrite),
    }
    transport.upload(
        f"{CLIENTLIB}visualizations/upload",
        params,
        file,
        file_name=Path(image.file_name).name or "file",
        metadata=image.metadata,
        headers=headers,
    )


def download_url(root: str, experiment_key: str, asset_id: str) -> str:
    """Where the bytes of an asset can be read with the API key. GET `experiment/asset/get-asset`."""
    return f"{root}/{REST}experiment/asset/get-asset?experimentKey={experiment_key}&assetId={asset_id}"
