"""All files of a version to a folder: in parallel, none half, none outside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from zenml_comet_tracker.comet.artifacts.asset import ArtifactAsset
from zenml_comet_tracker.comet.artifacts.fetch import Fetcher
from zenml_comet_tracker.comet.artifacts.places import Overwrite, make_folder, target_of
from zenml_comet_tracker.comet.artifacts.progress import progress
from zenml_comet_tracker.comet.artifacts.sources import FileSource
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import DownloadError
from zenml_comet_tracker.comet.resources.artifacts import VersionFile

logger = logging.getLogger(__name__)

# The transport keeps eight connections, and who logs meanwhile wants some.
WORKERS = 6

Found = list[tuple[ArtifactAsset, FileSource | None]]


def download_all(
    connection: Connection, consumer: str, title: str, files: Sequence[VersionFile], root: Path, strategy: Overwrite
) -> Found:
    """The files as they lie below `root` then, and the links as they are.

    When one fails the others are stopped, and what came stays: the same call goes on with it. Raises `DownloadError`
    and what the server answers.
    """
    local = _newest_of_each(title, [file for file in files if not file.remote])
    targets = [(file, target_of(root, file.name)) for file in local]
    _check_apart(targets)
    make_folder(root)
    stopping = threading.Event()
    lock = threading.Lock()
    with progress(title, sum(file.size for file in local)) as draw, ThreadPoolExecutor(WORKERS) as pool:

        def told(size: int) -> None:
            with lock:
                draw(size)

        fetcher = Fetcher(connection.transport, consumer, strategy, told, stopping)
        futures = [pool.submit(fetcher.fetch, file, root, target) for file, target in targets]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Also when the caller is interrupted.
            failed = any(future.done() and not future.cancelled() and future.exception() for future in futures)
            if failed or not all(future.done() for future in futures):
                stopping.set()
                pool.shutdown(cancel_futures=True)
        for future in done:
            future.result()
    placed: Found = [(_local(file, target), FileSource(target)) for file, target in targets]
    return [*placed, *((_link(file), None) for file in files if file.remote)]


def _newest_of_each(title: str, files: Sequence[VersionFile]) -> list[VersionFile]:
    """One file for each path: where a repeated upload left two, the one that came last."""
    newest = {file.name: file for file in files}
    if len(newest) < len(files):
        logger.warning("%s has several files of one path; the newest of each is downloaded.", title)
    return list(newest.values())


def _check_apart(targets: Sequence[tuple[VersionFile, Path]]) -> None:
    """Refuses, before anything is downloaded, paths that are one file here, or file and folder at once."""
    taken: dict[Path, str] = {}
    for file, target in targets:
        if target in taken:
            raise DownloadError(f"{taken[target]!r} and {file.name!r} are the same file {target} on this machine")
        taken[target] = file.name
    for target, name in taken.items():
        above = next((folder for folder in target.parents if folder in taken), None)
        if above is not None:
            raise DownloadError(f"{taken[above]!r} is a file, and {name!r} needs a folder of that name")


def _local(file: VersionFile, target: Path) -> ArtifactAsset:
    size = target.stat().st_size
    return ArtifactAsset(False, file.name, size, None, file.metadata, file.type, str(target), file.asset_id)


def _link(file: VersionFile) -> ArtifactAsset:
    return ArtifactAsset(True, file.name, 0, file.link, file.metadata, file.type, None, file.asset_id)
