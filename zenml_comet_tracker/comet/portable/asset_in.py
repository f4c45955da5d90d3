"""Assets from an export to a server, each by the call that its kind has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from zenml_comet_tracker.comet.portable.experiment_out import GIT_PATCH
from zenml_comet_tracker.comet.portable.files import inside
from zenml_comet_tracker.comet.portable.target import Target
from zenml_comet_tracker.comet.resources import artifacts, assets, models
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import CLIENTLIB, Transport

_MODEL_ELEMENT = "model-element"
_MODELS = "models/"


class AssetSender:
    """Sends assets of one experiment, with their ids; `folder` is what their paths are below."""

    def __init__(self, target: Target, key: str, handshake: Handshake, folder: Path) -> None:
        self._target = target
        self._key = key
        self._handshake = handshake
        self._folder = folder

    def send(
        self, rows: Iterable[dict[str, Any]], there: Collection[str], artifact_version_id: str | None = None
    ) -> None:
        """Sends those of the assets that are not there, to the experiment or to a version that it made."""
        for row in rows:
            if row["assetId"] in there:
                continue
            if row.get("link") is None and row.get("path") is None:
                self._target.notes.append(f"Asset {row['assetId']} ({row['fileName']}) had no content when exported.")
                continue
            self._send(row, artifact_version_id)

    def _send(self, row: dict[str, Any], artifact_version_id: str | None) -> None:
        ask, kind = self._target.server.ask, row.get("type")
        if row.get("link") is not None:
            ask(self._link_model if kind == _MODEL_ELEMENT else self._link, row)
        elif artifact_version_id is not None:
            ask(self._upload_to_version, row, artifact_version_id)
        elif kind == GIT_PATCH:
            ask(self._patch, row)
        elif kind == "asset-item":
            ask(self._scene_item, row)
        else:
            ask(self._upload, row)

    def _upload(self, transport: Transport, row: dict[str, Any]) -> None:
        call = assets.upload_image if row.get("type") == "image" else assets.upload
        with self._open(row) as file:
            call(transport, self._key, self._handshake, _described(row), file)

    def _upload_to_version(self, transport: Transport, row: dict[str, Any], version_id: str) -> None:
        with self._open(row) as file:
            artifacts.upload(transport, self._handshake, version_id, _described(row), file)

    def _patch(self, transport: Transport, row: dict[str, Any]) -> None:
        """A git patch under its id. POST clientlib `git-patch/upload`, multipart."""
        params = {
            "experimentId": self._key,
            "projectId": self._handshake.project_id,
            "runId": self._handshake.run_id,
            "assetId": row["assetId"],
            "fileName": row["fileName"],
        }
        with self._open(row) as file:
            transport.upload(
                f"{CLIENTLIB}git-patch/upload",
                params,
                file,
                file_name=_part_name(row),
                metadata=row.get("metadata"),
            )

    def _scene_item(self, transport: Transport, row: dict[str, Any]) -> None:
        """A part of a 3-D scene. POST clientlib `asset/asset-item`, multipart."""
        said = orjson.loads(row["metadata"])
        params = {
            "experimentKey": self._key,
            "assetId": said["assetId"],
            "assetItemType": said["assetItemType"],
            "userFileName": row["fileName"],
        }
        with self._open(row) as file:
            transport.upload(f"{CLIENTLIB}asset/asset-item", params, file, file_name=_part_name(row))

    def _link(self, transport: Transport, row: dict[str, Any]) -> None:
        assets.upload_link(transport, self._key, self._handshake, _described(row), row["link"])

    def _link_model(self, transport: Transport, row: dict[str, Any]) -> None:
        entity = {name: row.get(name) for name in ("assetId", "fileName", "metadata")} | {"remoteUrl": row["link"]}
        models.log_remote(transport, self._target.api_key, self._key, _model(row) or "", [entity])

    def _open(self, row: dict[str, Any]) -> BinaryIO:
        return inside(self._folder, str(row["path"])).open("rb")


def _described(row: dict[str, Any]) -> AssetUpload:
    return AssetUpload(
        asset_id=str(row["assetId"]),
        file_name=str(row["fileName"]),
        type=row.get("type"),
        step=row.get("step"),
        context=row.get("context"),
        grouping_name=_model(row),
        metadata=row.get("metadata"),
    )


def _model(row: dict[str, Any]) -> str | None:
    """The model that a file belongs to, which servers tell by its folder."""
    folder = str(row.get("dir") or "")
    return folder[len(_MODELS) :] if row.get("type") == _MODEL_ELEMENT and folder.startswith(_MODELS) else None


def _part_name(row: dict[str, Any]) -> str:
    return str(row["fileName"]).rpartition("/")[2] or "file"
