"""Assets from an export to a server, each by the call that its kind has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from zenml_comet_tracker.comet.portable.experiment_out import GIT_PATCH
from zenml_comet_tracker.comet.portable.target import Target
from zenml_comet_tracker.comet.resources import assets
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
            ask(self._raw, f"{CLIENTLIB}asset/upload", row, {"artifactVersionId": artifact_version_id})
        elif kind == GIT_PATCH:
            ask(self._raw, f"{CLIENTLIB}git-patch/upload", row, {})
        elif kind == "asset-item":
            ask(self._scene_item, row)
        else:
            ask(self._upload, row)

    def _upload(self, transport: Transport, row: dict[str, Any]) -> None:
        call = assets.upload_image if row.get("type") == "image" else assets.upload
        with self._open(row) as file:
            call(transport, self._key, self._handshake, _described(row), file)

    def _raw(self, transport: Transport, path: str, row: dict[str, Any], more: dict[str, str]) -> None:
        with self._open(row) as file:
            transport.upload(
                path, {**self._place(row), **more}, file, file_name=_part_name(row), metadata=row.get("metadata")
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
        texts = {"link": row["link"]} | ({} if row.get("metadata") is None else {"metadata": row["metadata"]})
        transport.post_form(f"{CLIENTLIB}asset/upload", {**self._place(row), "isRemote": "true"}, texts)

    def _link_model(self, transport: Transport, row: dict[str, Any]) -> None:
        """A file of a model that lies elsewhere. POST clientlib `asset/log-remote-model`."""
        entity = {
            "assetId": row["assetId"],
            "fileName": row["fileName"],
            "remoteUrl": row["link"],
            "metadata": row.get("metadata"),
        }
        body = {
            "experimentKey": self._key,
            "modelName": _model(row),
            "remoteEntities": [entity],
        }
        transport.post_json(f"{CLIENTLIB}asset/log-remote-model", body)

    def _place(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "experimentId": self._key,
            "experimentKey": self._key,
            "projectId": self._handshake.project_id,
            "runId": self._handshake.run_id,
            "assetId": row["assetId"],
            "fileName": row["fileName"],
            "type": row.get("type"),
            "step": row.get("step"),
            "context": row.get("context"),
        }

    def _open(self, row: dict[str, Any]) -> BinaryIO:
        path: Path = self._folder / row["path"]
        return path.open("rb")


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
