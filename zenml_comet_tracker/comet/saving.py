"""Bytes that arrive -> files, whole or not at all, and only where they are to be."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from zenml_comet_tracker.comet.errors import DownloadError

# What reading one raises: also where it is encrypted or packed in an unknown way (RuntimeError), or one of its packings
# is broken.
_NO_ZIP = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError)
# What Comet packs with; whatever else a zip may hold is not worth a reader of its own.
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def save(pieces: Iterable[bytes], path: Path, check: Callable[[Path], None] = lambda _: None) -> Path:
    """Saves what arrives as the file `path`, in place of one that is there; until it is whole, that one stays.

    `check` may refuse what arrived with an error of its own. Raises `DownloadError` when a folder is there.
    """
    if path.is_dir():
        raise DownloadError(f"{path} is a folder; expected the name of a file, such as {path / 'file'}.")
    arriving = _begun(pieces)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:50]}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as stream:
            stream.writelines(arriving)
        check(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def below(folder: Path, name: str) -> Path:
    """Where a file of this name lies below a folder; `DownloadError` when the name leads out of it."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or "\0" in name or ".." in parts or PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive:
        raise DownloadError(f"The file name {name!r} leads out of the folder {folder}; nothing was written.")
    path = folder.joinpath(*parts)
    # A link that is there already may lead elsewhere.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DownloadError(f"{path} lies outside of the folder {folder}, through a link; nothing was written.")
    return path


def check_zip(path: Path) -> None:
    """Raises `DownloadError` for what is no whole zip."""
    with path.open("rb") as arrived, _whole(arrived, "the file"):
        pass


def unpack(pieces: Iterable[bytes], folder: Path) -> list[Path]:
    """Unpacks a zip that arrives below a folder; what it wrote. Files that are there are replaced.

    Raises `DownloadError`, before anything is written, for what is no whole zip, or has a name that leads elsewhere.
    """
    arriving = _begun(pieces)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as arrived:
        arrived.writelines(arriving)
        with _whole(arrived, str(folder)) as archive:
            return _unpack(archive, folder)


@contextlib.contextmanager
def _whole(arrived: IO[bytes], what: str) -> Iterator[zipfile.ZipFile]:
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(arrived))
            for info in archive.infolist():
                if info.compress_type not in _PACKED:
                    raise zipfile.BadZipFile(f"{info.filename!r} is packed in a way that Comet does not use")
            damaged = archive.testzip()
        except _NO_ZIP as error:
            raise DownloadError(f"What arrived for {what} is no whole zip: {error}") from None
        if damaged:
            raise DownloadError(f"What arrived for {what} is damaged at {damaged!r}; nothing was written.")
        yield archive


def _unpack(archive: zipfile.ZipFile, folder: Path) -> list[Path]:
    files = [info for info in archive.infolist() if not info.is_dir()]
    places = [below(folder, info.filename) for info in files]
    taken = set(places)
    for place in places:
        if not taken.isdisjoint(place.parents):
            raise DownloadError(f"{place} would lie in a file that arrived with it; nothing was written.")
    for info, place in zip(files, places, strict=True):
        with archive.open(info) as source:
            save(_pieces(source), place)
    return places


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(1 << 20):
        yield piece


def _begun(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, the first of which has arrived: where there is nothing to save, nothing is made."""
    rest = iter(pieces)
    return itertools.chain([next(rest, b"")], rest)
