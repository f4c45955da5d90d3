"""Where journals live: the first folder that can be written."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

VARIABLE = "ZENML_COMET_JOURNAL"


@dataclass(frozen=True)
class Place:
    """A folder for journals, None where nothing can be written and they stay in memory.

    `persistent` says whether what is there is expected to outlive the machine's temporary files.
    """

    folder: Path | None
    persistent: bool


def state_folder() -> Path:
    """The journal folder of a user who configured none: below the XDG state folder."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "zenml-comet" / "journals"


def find_place(configured: str | os.PathLike[str] | None = None) -> Place:
    """The first usable of: the configured folder, `ZENML_COMET_JOURNAL`, the XDG state folder, the temporary folder.

    Passing over one that was asked for by name, ending in the temporary folder, and finding none at all, are each said
    in a warning.
    """
    named = named_folders(configured)
    problems = []
    for folder in [*named, *state_folders()]:
        problem = problem_with(folder)
        if problem is None:
            return Place(folder.absolute(), persistent=True)
        problems.append(f"{folder}: {problem}")
        if folder in named:
            logger.warning("The journal folder %s cannot be used (%s); trying the next place.", folder, problem)
    fallback = _temporary_folder()
    problem = problem_with(fallback)
    if problem is None:
        logger.warning("Journals go to the temporary folder %s, which may not survive a restart.", fallback)
        return Place(fallback, persistent=False)
    logger.warning(
        "No folder for journals can be written (%s). What is logged is kept in bounded memory until it is delivered, "
        "and dies with the process.",
        "; ".join([*problems, f"{fallback}: {problem}"]),
    )
    return Place(None, persistent=False)


def named_folders(configured: str | os.PathLike[str] | None = None) -> list[Path]:
    """The folders that the user asked for by name, which come before all others."""
    return [_expanded(path) for path in (configured, os.environ.get(VARIABLE)) if path]


def _expanded(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        # `~name` of nobody: taken as it is written, which then cannot be used and is said so.
        return Path(path)


def _temporary_folder() -> Path:
    try:
        base = Path(tempfile.gettempdir())
    except FileNotFoundError:
        base = Path("/tmp")  # noqa: S108
    return base / f"zenml-comet-{os.getuid()}" / "journals"


def state_folders() -> list[Path]:
    """The folder of a user who named none, if there is one."""
    try:
        return [state_folder()]
    except RuntimeError:
        # There is no home directory, as in some containers.
        return []


def problem_with(folder: Path) -> str | None:
    """Why journals cannot be written below the folder, None when they can."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        if folder.stat().st_uid != os.getuid():
            return "it belongs to another user"
    except OSError as error:
        return error.strerror or str(error)
    return None
