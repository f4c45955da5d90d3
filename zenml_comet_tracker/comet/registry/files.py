"""The files of a registered model's version, to a folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.artifacts.download import download_all
from zenml_comet_tracker.comet.artifacts.places import Overwrite
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.resources.artifacts import VersionFile

logger = logging.getLogger(__name__)


def download(connection: Connection, name: str, item: dict[str, Any], folder: Path) -> None:
    """Puts every file of the version below the folder, in the place of one that is there, in parallel.

    Each gets its name when it is whole and checked. Raises `DownloadError` for names that lead out of the folder,
    before anything is written, and for a file that arrives damaged. What lies elsewhere is left out, and logged.
    """
    title = f"{name} {item.get('version')}"
    files = [_file(asset) for asset in item.get("assets") or ()]
    found = download_all(connection, _experiment_key(item), title, files, folder, Overwrite.OVERWRITE)
    for asset, source in found:
        if source is None:
            logger.info("%s: %s lies at %s and is not downloaded.", title, asset.logical_path, asset.link)


def _experiment_key(item: dict[str, Any]) -> str:
    model = item.get("experimentModel") or {}
    return str(model.get("experimentKey") or item.get("experimentKey") or "")


def _file(asset: dict[str, Any]) -> VersionFile:
    remote = bool(asset.get("remote"))
    return VersionFile(
        artifact_id="",
        version_id="",
        asset_id=str(asset["assetId"]),
        name=str(asset["fileName"]),
        size=int(asset.get("fileSize") or 0),
        type=asset.get("type"),
        metadata=None,
        remote=remote,
        link=asset.get("link") if remote else None,
        sha256=asset.get("sha256"),
    )
