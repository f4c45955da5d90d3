"""Where on this machine a file of an artifact goes, and what happens to a file that is in its way."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.artifacts.names import checked_path
from zenml_comet_tracker.comet.errors import DownloadError, InvalidValueError


class Overwrite(Enum):
    """What happens to a file that is there already and has other contents."""

    FAIL = "FAIL"
    PRESERVE = "PRESERVE"
    OVERWRITE = "OVERWRITE"


def strategy_of(overwrite_strategy: Any) -> Overwrite:
    """The strategy by Comet's words for it. Raises `InvalidValueError`."""
    if isinstance(overwrite_strategy, bool):
        return Overwrite.OVERWRITE if overwrite_strategy else Overwrite.FAIL
    try:
        return Overwrite(str(overwrite_strategy).upper())
    except ValueError:
        raise InvalidValueError(
            f"overwrite_strategy={overwrite_strategy!r} is unknown; expected False or 'FAIL', 'PRESERVE', True or "
            "'OVERWRITE'"
        ) from None


def target_of(root: Path, logical_path: str) -> Path:
    """The file below `root` that a logical path names.

    Raises `DownloadError` for one that leads out of the folder, be it by itself or by a link that lies there.
    """
    try:
        target = root / checked_path(logical_path)
    except InvalidValueError:
        raise DownloadError(
            f"{logical_path!r} is not downloaded: as a path it would lead out of the folder {root}. The asset's own "
            "`download(local_path, logical_path)` puts it under a name of yours"
        ) from None
    check_inside(root, target)
    return target


def check_inside(root: Path, target: Path) -> None:
    """Refuses a target that this disk cannot hold, or whose folder, once links are followed, is not below the root.
    Raises `DownloadError`."""
    try:
        _check_inside(root, target)
    except OSError as error:
        raise DownloadError(f"{target} cannot be written: {error.strerror or error}") from None


def _check_inside(root: Path, target: Path) -> None:
    real_root, real_folder = os.path.realpath(root), os.path.realpath(target.parent)
    if os.path.commonpath([real_root, real_folder]) != real_root:
        raise DownloadError(f"{target} is not written: a link on the way leads out of {root}, to {real_folder}")
    if target.is_dir() and not target.is_symlink():
        raise DownloadError(f"{target} is a folder, and a file of the artifact is called so; choose an empty folder")


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it. Raises `DownloadError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"The folder {folder} cannot be made: {error.strerror or error}") from None
