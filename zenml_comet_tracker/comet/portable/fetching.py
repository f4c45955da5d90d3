"""Files of assets on disk: where they go, and fetched whole, also when they come in several goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable.files import safe_name, unfinished
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import assets
from zenml_comet_tracker.comet.transport import Transport


def asset_place(folder: Path, asset: dict[str, Any]) -> Path:
    """Where the bytes of an asset go in an export, in which it may share its name with others."""
    name = str(asset.get("fileName") or "file").replace("\\", "/").rpartition("/")[2]
    return folder / safe_name(str(asset["assetId"])) / safe_name(name)


def is_there(path: Path, asset: dict[str, Any]) -> bool:
    """Whether the file was fetched before, as far as its size tells."""
    return path.is_file() and path.stat().st_size == asset.get("fileSize")


def fetch_asset(
    server: Patient,
    path: Path,
    experiment_key: str,
    asset: dict[str, Any],
    notes: list[str],
    artifact_version_id: str | None = None,
) -> bool:
    """Whether the file is at `path`, downloaded now or before; False, with a note, when the server has lost it.

    What an interrupted download left is gone on with.
    """
    if is_there(path, asset):
        return True

    def content(transport: Transport, start: int) -> tuple[int, Iterator[bytes]]:
        return assets.content(transport, experiment_key, str(asset["assetId"]), start, artifact_version_id)

    path.parent.mkdir(parents=True, exist_ok=True)
    part = unfinished(path)
    if part.exists() and part.stat().st_size >= int(asset.get("fileSize") or 0):
        part.unlink()
    try:
        with part.open("r+b" if part.exists() else "w+b") as file:
            server.fetch(file, content)
    except errors.NotFoundError as error:
        part.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
        notes.append(f"Asset {asset['assetId']} ({asset.get('fileName')}) has no content: {error}")
        return False
    os.replace(part, path)
    return True


def is_remote(asset: dict[str, Any]) -> bool:
    """Whether an asset is a link to somewhere else; servers that do not say so give a link of such assets only."""
    said = asset.get("remote")
    return bool(asset.get("link")) if said is None else bool(said)
