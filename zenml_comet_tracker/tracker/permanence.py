"""Whether what a step leaves on disk is still there when its process, and what surrounds that, is gone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from zenml_comet_tracker.comet.journal.place import Place, find_place

# Docker's, Podman's; Kubernetes tells every process in a pod where it is.
_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_VARIABLE = "KUBERNETES_SERVICE_HOST"


def find_journal(configured: str | None, wanted: bool | None, *, elsewhere: bool = False) -> Place:
    """Where a step's journal goes, and whether it outlives the step: as `wanted` says, else guessed.

    The guess is no in temporary folders and memory, and, unless the folder is on a volume, in containers and where
    ZenML is known to have taken the step `elsewhere`: not all containers can be told by their looks.
    """
    place = find_place(configured)
    if place.folder is None:
        return place
    if wanted is None:
        wanted = place.persistent and (not (elsewhere or in_container()) or on_volume(place.folder))
    return replace(place, persistent=wanted)


def in_container(marks: tuple[Path, ...] = _MARKS, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs in a container, which may be deleted with all that it wrote."""
    return _VARIABLE in environment or any(mark.exists() for mark in marks)


def on_volume(folder: Path) -> bool:
    """Whether a folder lies on another file system than the container's own."""
    return folder.stat().st_dev != Path("/").stat().st_dev
