"""How much of the disk the data take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zenml_comet_tracker.local.store.check import DATABASE


@dataclass(frozen=True)
class Sizes:
    """Bytes of the database, of its write-ahead log and of the files of assets."""

    database: int
    wal: int
    files: int


def of(folder: Path) -> Sizes:
    """The sizes of what lies in the data folder. What vanishes meanwhile counts nothing."""
    return Sizes(_size(folder / DATABASE), _size(folder / f"{DATABASE}-wal"), _size_within(folder / "files"))


def _size(path: Path | os.DirEntry[str]) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _size_within(folder: Path) -> int:
    return sum(_size(Path(place) / name) for place, _, names in os.walk(folder) for name in names)
