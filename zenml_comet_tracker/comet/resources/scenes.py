"""3-D scenes: an asset, a picture of it, and its points and boxes one by one."""

from __future__ import annotations

from typing import BinaryIO

import orjson

from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.transport import CLIENTLIB, Transport

TYPE = "3d-image"


def create(transport: Transport, api_key: str, experiment_key: str, scene: AssetUpload, headers: Headers = None) -> str:
    """The id of a new scene without content. POST clientlib `asset`."""
    body = {
        "apiKey": api_key,
        "experimentKey": experiment_key,
        "userFileName": scene.file_name,
        "assetType": TYPE,
        "step": scene.step,
        "metadata": scene.metadata,
    }
    asset_id = transport.post_json(f"{CLIENTLIB}asset", body, headers=headers).get("assetId")
    if not asset_id:
        raise BrokenAnswerError("The server made a 3-D scene without saying its assetId")
    return str(asset_id)


def add_item(
    transport: Transport, api_key: str, experiment_key: str, scene_id: str, kind: str, content: BinaryIO
) -> None:
    """Adds the `points` or `boxes` of a scene, as JSON lines. POST clientlib `asset/asset-item`, multipart."""
    name = f"{kind}.jsonl"
    said = {
        "apiKey": api_key,
        "experimentKey": experiment_key,
        "assetId": scene_id,
        "userFileName": name,
        "assetItemType": kind,
    }
    parts = {"requestParams": orjson.dumps(said).decode()}
    transport.upload(f"{CLIENTLIB}asset/asset-item", {}, content, file_name=name, part="assetItemContent", texts=parts)
