"""The manifest: which files an export has, with size and checksum. It is written last and vouches for itself."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import ExportError
from zenml_comet_tracker.comet.portable.files import sha256_of, written

MANIFEST = "manifest.jsonl"
# In no manifest: what a server sets by itself differs from one server to the next.
SERVER = "server.jsonl"
FORMAT = "zenml-comet-export"
VERSION = 1
_SERVERS = re.compile(rf"(experiments/[^/]+/)?{re.escape(SERVER)}")


@dataclass(frozen=True)
class Listed:
    """A file as the manifest names it: `path` below the export's folder, with slashes."""

    path: str
    bytes: int
    sha256: str


def is_whole(folder: Path) -> bool:
    """Whether an export in the folder was finished."""
    return (folder / MANIFEST).is_file()


def write(folder: Path) -> int:
    """How many files the manifest names: all below the folder but `server.jsonl`."""
    paths = sorted(_files(folder))
    seal = hashlib.sha256()
    with written(folder / MANIFEST) as file:
        for row in _rows(folder, paths):
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            seal.update(line)
            file.write(line)
        file.write(orjson.dumps({"sha256_of_the_lines_above": seal.hexdigest()}, option=orjson.OPT_APPEND_NEWLINE))
    return len(paths)


def check(folder: Path) -> list[Listed]:
    """The files of an export, each read and found as the manifest says. Raises `ExportError`, which names the first
    that is missing or differs."""
    listed = _read(folder)
    for entry in listed:
        path = folder / entry.path
        if not path.is_file() or path.is_symlink():
            raise ExportError(f"The export in {folder} is damaged: {entry.path} is missing.")
        size = path.stat().st_size
        if size != entry.bytes:
            raise ExportError(
                f"The export in {folder} is damaged: {entry.path} has {size:,} bytes, the manifest says "
                f"{entry.bytes:,}."
            )
        if sha256_of(path) != entry.sha256:
            raise ExportError(f"The export in {folder} is damaged: {entry.path} is not what was exported (SHA-256).")
    return listed


def _read(folder: Path) -> list[Listed]:
    path = folder / MANIFEST
    if not path.is_file():
        raise ExportError(
            f"{folder} holds no whole export: {MANIFEST} is missing. An export that was interrupted is finished by "
            "repeating the command that began it."
        )
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) < 2 or _member(lines[-1], "sha256_of_the_lines_above") != _digest(lines[:-1]):
        raise ExportError(f"The export in {folder} is damaged: {MANIFEST} is cut off or was changed.")
    head = orjson.loads(lines[0])
    if head.get("format") != FORMAT or head.get("version") != VERSION:
        raise ExportError(
            f"{path} is of format {head.get('format')!r}, version {head.get('version')!r}; this program reads "
            f"{FORMAT!r}, version {VERSION}."
        )
    return [_listed(path, orjson.loads(line)) for line in lines[1:-1]]


def _listed(manifest: Path, row: dict[str, Any]) -> Listed:
    entry = Listed(str(row["path"]), int(row["bytes"]), str(row["sha256"]))
    path = PurePosixPath(entry.path)
    if path.is_absolute() or ".." in path.parts:
        raise ExportError(f"{manifest} names {entry.path!r}, which lies outside of the export.")
    return entry


def _rows(folder: Path, paths: list[str]) -> Iterator[dict[str, Any]]:
    yield {"format": FORMAT, "version": VERSION, "files": len(paths)}
    for path in paths:
        file = folder / path
        yield {"path": path, "bytes": file.stat().st_size, "sha256": sha256_of(file)}


def _files(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        # What is hidden is not finished.
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = (Path(parent) / name).relative_to(folder).as_posix()
            if not name.startswith(".") and path != MANIFEST and not _SERVERS.fullmatch(path):
                yield path


def _digest(lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _member(line: bytes, name: str) -> Any:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row.get(name) if isinstance(row, dict) else None
