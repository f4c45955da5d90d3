"""Files of an experiment: assets listed, read, saved, uploaded and deleted; curves, which are assets too."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import saving
from zenml_comet_tracker.comet.api_experiment.writing import Data, Writing
from zenml_comet_tracker.comet.errors import InvalidArgumentError, NotFoundError
from zenml_comet_tracker.comet.resources import assets
from zenml_comet_tracker.comet.texts import quoted

CURVE = "curve"
_RETURN_TYPES = ("binary", "text", "json", "response")


class Assets(Writing):
    """Assets, read, logged and deleted."""

    def get_asset_list(self, asset_type: str = "all", timeout: int = 600) -> list[dict[str, Any]]:
        """The assets, of one type or all: `assetId`, `fileName`, `fileSize`, `type`, `step`, `runContext`, `metadata`
        (JSON text), `link`, `createdAt`, `remote` and others.

        Types are `image`, `audio`, `video`, `histogram_combined_3d`, `curve`, `text-sample`, `model-element` and more.
        `timeout` is accepted; the setting COMET_TIMEOUT_HTTP is what counts. GET `experiment/asset/list`.
        """
        return assets.of_experiment(self._transport, self.key, asset_type)

    def get_asset(self, asset_id: str, return_type: str = "binary", stream: bool = False) -> Any:
        """The content of an asset: as bytes (`binary`), as `text`, decoded from `json`, or the HTTP `response` itself.

        With `stream` a response's body is still to be read. `download_asset` is for what does not fit in memory. Raises
        `NotFoundError` for an id that the experiment does not have, `InvalidArgumentError` for content that is not what
        `return_type` says. GET `experiment/asset/get-asset`.
        """
        _check(return_type)
        with self._told_of_assets(asset_id):
            if return_type == "response":
                return assets.response(self._transport, self.key, asset_id, stream=stream)
            return _decoded(assets.read(self._transport, self.key, asset_id), asset_id, return_type)

    def get_asset_by_name(
        self,
        asset_filename: str,
        asset_type: str = "all",
        return_type: str = "binary",
        stream: bool = False,
        timeout: int = 600,
    ) -> Any:
        """The content of the first asset of this name, None when there is none. Arguments are those of `get_asset`.

        GET `experiment/asset/get-by-name`, `experiment/asset/get-asset`.
        """
        _check(return_type)
        found = assets.named(self._transport, self.key, asset_filename, _type(asset_type))
        return self.get_asset(found[0]["assetId"], return_type, stream) if found else None

    def get_assets_by_name(
        self, asset_filename: str, asset_type: str | None = None, return_type: str = "binary", timeout: int = 600
    ) -> list[Any] | None:
        """The contents of all assets of this name, None when there is none. Arguments are those of `get_asset`.

        GET `experiment/asset/get-by-name`, `experiment/asset/get-asset`.
        """
        _check(return_type)
        found = assets.named(self._transport, self.key, asset_filename, _type(asset_type))
        return [self.get_asset(asset["assetId"], return_type) for asset in found] or None

    def download_asset(self, asset_id: str, path: str | PathLike[str]) -> Path:
        """Saves an asset as the file `path`, replacing one that is there, and returns where it is.

        However large it is, no more than 1 MiB of it is in memory. The file is there whole or not at all. Raises
        `NotFoundError` for an id that the experiment does not have. GET `experiment/asset/get-asset`.
        """
        with self._told_of_assets(asset_id):
            return saving.save(assets.download(self._transport, self.key, asset_id), Path(path))

    def download_tensorflow_folder(self, output_path: str | PathLike[str] = "./", overwrite: bool = False) -> None:
        """Saves the files that TensorFlow's summary writers logged below a folder, under the paths they had.

        Files that are there stay, unless `overwrite`. Raises `DownloadError` for a name that leads out of the folder.
        GET `experiment/asset/list`, `experiment/asset/get-asset`.
        """
        folder = Path(output_path)
        found = assets.of_experiment(self._transport, self.key, "tensorflow-file")
        places = [(saving.below(folder, str(asset["fileName"])), str(asset["assetId"])) for asset in found]
        for place, asset_id in places:
            if overwrite or not place.exists():
                self.download_asset(asset_id, place)

    def log_asset(
        self,
        filename: Data,
        step: Any = None,
        overwrite: bool | None = None,
        context: str | None = None,
        ftype: str | None = None,
        metadata: Any = None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Uploads a file, given as a path, bytes or an open file; `assetId` and `link` of the asset.

        `ftype` is the type of asset, `metadata` anything that JSON can hold; the asset is called `name`, else as the
        file. With `overwrite` it takes the place of those of its name. POST `write/experiment/upload-asset`.
        """
        kind = ftype or "asset"
        more = {"step": step, "context": context, "overwrite": overwrite, "metadata": metadata}
        return self._upload(filename, name, kind, **more)

    def delete_asset(self, asset_id: str) -> dict[str, Any]:
        """Deletes an asset. Raises `NotFoundError` for an id that the experiment does not have.

        GET `write/experiment/asset/delete`.
        """
        with self._told_of_assets(asset_id):
            return assets.delete(self._transport, self.key, asset_id)

    def get_curves(self) -> list[dict[str, Any]]:
        """Every curve: `x` and `y`, two lists of numbers, `name`, `step`, `assetId`. A request for each.

        GET `experiment/asset/list`, `experiment/asset/get-asset`.
        """
        listed = assets.of_experiment(self._transport, self.key, CURVE)
        return [self._curve(asset["assetId"], asset.get("step")) for asset in listed]

    def get_curve(self, asset_id: str) -> dict[str, Any]:
        """One curve: `x` and `y`, two lists of numbers, `name`, `step`, `assetId`. Raises `NotFoundError`.

        GET `experiment/asset/list`, `experiment/asset/get-asset`.
        """
        listed = assets.of_experiment(self._transport, self.key, CURVE)
        step = next((asset.get("step") for asset in listed if asset["assetId"] == asset_id), None)
        return self._curve(asset_id, step)

    def _curve(self, asset_id: str, step: Any) -> dict[str, Any]:
        return {**self.get_asset(asset_id, "json"), "step": step, "assetId": asset_id}

    @contextlib.contextmanager
    def _told_of_assets(self, asset_id: str) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            said = error.server_message or "there is none"
            raise NotFoundError(
                f"Asset {quoted(asset_id)} of experiment {self.key}",
                status=error.status,
                sdk_error_code=error.sdk_error_code,
                server_message=f"{said} get_asset_list() lists those that the experiment has.",
            ) from None


def _check(return_type: str) -> None:
    if return_type not in _RETURN_TYPES:
        raise InvalidArgumentError(
            f"return_type={return_type!r} is unknown; expected one of {', '.join(map(repr, _RETURN_TYPES))}"
        )


def _type(asset_type: str | None) -> str | None:
    return None if asset_type == "all" else asset_type


def _decoded(content: bytes, asset_id: str, return_type: str) -> Any:
    if return_type == "binary":
        return content
    try:
        # Not orjson: files that Python wrote may hold NaN.
        return content.decode() if return_type == "text" else json.loads(content)
    except ValueError as error:
        raise InvalidArgumentError(
            f"Asset {asset_id} does not hold what return_type={return_type!r} says ({error}); 'binary' gives its bytes"
        ) from None
