"""What an upload needs, kept on disk before anything is sent: files stay where they lie, data are written down."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.artifacts.record import UploadRecord
from zenml_comet_tracker.comet.artifacts.sources import FileSource
from zenml_comet_tracker.comet.artifacts.upload import Contents, Link, LocalFile
from zenml_comet_tracker.comet.journal.record import Header
from zenml_comet_tracker.comet.resources.artifacts import NewVersion

logger = logging.getLogger(__name__)


def keep(contents: Contents, header: Header, record: UploadRecord, room: Callable[[int], bool]) -> Contents:
    """The contents, none of which goes with the process any more; noted in the record. Raises `OSError`.

    Unchanged where the record is in memory only, or there is no `room` for so many bytes of data.
    """
    folder = record.data_folder
    if folder is None:
        return contents
    size = sum(file.size for file in contents.files if file.stamp is None)
    if size and not room(size):
        logger.warning(
            "The journal folder has no room for %s bytes of artifact %s, which go with the process if it dies before "
            "they are uploaded.",
            f"{size:,}",
            contents.new.name,
        )
        return contents
    files = [_kept(file, folder / str(number)) for number, file in enumerate(contents.files)]
    kept = replace(contents, files=files)
    record.want(
        {
            "experiment_key": header.experiment_key,
            "root": header.root,
            "key_fingerprint": header.key_fingerprint,
            "component_id": header.component_id,
            "new": asdict(kept.new),
            "files": [_row(file) for file in files],
            "links": [asdict(link) for link in kept.links],
        }
    )
    return kept


def header_of(wanted: Mapping[str, Any]) -> Header:
    """Which experiment, server and key a noted upload belongs to."""
    names = ("experiment_key", "root", "key_fingerprint", "component_id")
    return Header(**{name: wanted[name] for name in names})


def contents_of(wanted: Mapping[str, Any]) -> Contents:
    """What a noted upload is to bring."""
    files = [
        LocalFile(row["path"], FileSource(Path(row["file"])), row["size"], row["stamp"], row["metadata"])
        for row in wanted["files"]
    ]
    return Contents(NewVersion(**wanted["new"]), files, [Link(**link) for link in wanted["links"]])


def _kept(file: LocalFile, place: Path) -> LocalFile:
    if isinstance(file.source, FileSource) and file.source.stamp is not None:
        return file
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.touch(mode=0o600)
    with file.source.open() as stream, place.open("wb") as target:
        shutil.copyfileobj(stream, target, 1 << 20)
    source = FileSource(place)
    return replace(file, source=source, size=source.size, stamp=source.stamp)


def _row(file: LocalFile) -> dict[str, Any]:
    assert isinstance(file.source, FileSource)  # noqa: S101
    row = {"path": file.path, "file": str(file.source.path), "size": file.size, "stamp": file.stamp}
    return {**row, "metadata": file.metadata}
