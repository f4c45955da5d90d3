"""Files of assets on disk: where they go, and fetched whole, also when they come in several goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable.files import safe_name, sha256_of
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources import assets
from zenml_comet_tracker.comet.transport import Transport


def asset_place(folder: Path, asset: dict[str, Any]) -> Path:
    """Where the bytes of an asset go in an export, in which it may share its name with others."""
    name = str(asset.get("fileName") or "file").replace("\\", "/").rpartition("/")[2]
    return folder / safe_name(str(asset["assetId"])) / safe_name(name)


def is_there(path: Path, asset: dict[str, Any]) -> bool:
    """Whether the file was fetched before, as far as its size tells, and where the server says one its checksum."""
    return path.is_file() and path.stat().st_size == asset.get("fileSize") and _is_as_listed(path, asset)


def fetch_asset(
    server: Patient,
    path: Path,
    experiment_key: str,
    asset: dict[str, Any],
    notes: list[str],
    artifact_version_id: str | None = None,
    *,
    anew: bool = False,
    of_any_size: bool = False,
) -> bool:
    """Whether the file is at `path`, downloaded now or before; False, with a note, when the server has lost it, or
    sends something else than it lists.

    What an interrupted download left is gone on with. `anew` is for a file that may be another one of the same size.
    With `of_any_size` one that comes whole in another size than the server lists is kept, with a note.
    """
    if not anew and is_there(path, asset):
        return True

    def content(transport: Transport, start: int) -> tuple[int, Iterator[bytes]]:
        return assets.content(transport, experiment_key, str(asset["assetId"]), start, artifact_version_id)

    path.parent.mkdir(parents=True, exist_ok=True)
    # Named by its id: what another file of this name left is not gone on with.
    part = path.with_name(f".{safe_name(str(asset['assetId']))}.part")
    if part.is_symlink() or (part.exists() and part.stat().st_size >= int(asset.get("fileSize") or 0)):
        part.unlink()
    resumed = part.exists()
    try:
        _fetch(server, part, content)
        if resumed and not _is_as_listed(part, asset):
            part.unlink()
            _fetch(server, part, content)
    except errors.NotFoundError as error:
        return _left_out(
            path, part, notes, f"Asset {asset['assetId']} ({asset.get('fileName')}) has no content: {error}"
        )
    if not _is_as_listed(part, asset):
        said = f"Asset {asset['assetId']} ({asset.get('fileName')}) is not what the server lists"
        if asset.get("sha256") or not of_any_size:
            return _left_out(path, part, notes, f"{said}, and is left out.")
        size, listed = part.stat().st_size, int(asset["fileSize"])
        notes.append(f"{said}: it came with {size:,} bytes in place of {listed:,}, and is kept so.")
    os.replace(part, path)
    return True


def _fetch(server: Patient, part: Path, content: Callable[[Transport, int], tuple[int, Iterator[bytes]]]) -> None:
    with part.open("r+b" if part.exists() else "w+b") as file:
        server.fetch(file, content)


def _left_out(path: Path, part: Path, notes: list[str], said: str) -> bool:
    part.unlink(missing_ok=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
    notes.append(said)
    return False


def _is_as_listed(path: Path, asset: dict[str, Any]) -> bool:
    """Whether size and checksum are those that the server says, as far as it says any."""
    size, sha256 = asset.get("fileSize"), asset.get("sha256")
    if size and path.stat().st_size != size:
        return False
    return not sha256 or sha256_of(path) == sha256


def is_remote(asset: dict[str, Any]) -> bool:
    """Whether an asset is a link to somewhere else; servers that do not say so give a link of such assets only."""
    said = asset.get("remote")
    return bool(asset.get("link")) if said is None else bool(said)
