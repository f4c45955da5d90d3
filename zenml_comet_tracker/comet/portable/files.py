"""Names that are safe on any disk, and files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import ExportError

# What some system forbids in a name, or reads as something else.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# Most file systems take 255 bytes of a name; what we put behind it needs some.
_MAX_NAME_BYTES = 200
_BLOCK = 1 << 20


def safe_name(text: str) -> str:
    """The text as one name in a folder: never empty, hidden, a way out of the folder, or too long.

    >>> safe_name("../../etc/passwd")
    '_.._etc_passwd'
    """
    name = _UNSAFE.sub("_", text).lstrip(".").rstrip(". ")
    if not name or _DEVICES.fullmatch(name):
        name = f"_{name}"
    stem, dot, suffix = name.rpartition(".")
    tail = f".{suffix}" if dot and len(suffix.encode()) <= 20 else ""
    room = _MAX_NAME_BYTES - len(tail.encode())
    head = (stem if tail else name).encode("utf-8", "replace")
    return name if len(head) <= room else head[:room].decode("utf-8", "ignore") + tail


def safe_path(text: str) -> Path:
    """The text as a path below a folder, its own folders kept: `..`, drives and roots are taken out.

    >>> safe_path("/../models/best/weights.pt").as_posix()
    'models/best/weights.pt'
    """
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return Path(*map(safe_name, parts)) if parts else Path("_")


def inside(folder: Path, path: str) -> Path:
    """The file at `path` below the folder. Raises `ExportError` when it leads elsewhere: whoever made the export may
    have wanted a file of the reader's to be sent."""
    found = folder / path
    if not found.resolve().is_relative_to(folder.resolve()) or not found.is_file():
        raise ExportError(
            f"The export names {path!r}, which is no file in {folder}; it is damaged, or was tampered with."
        )
    return found


def unfinished(path: Path) -> Path:
    """Where it is until it is whole. No name of an export begins so."""
    return path.with_name(f".{path.name}.part")


@contextlib.contextmanager
def written(path: Path) -> Iterator[Any]:
    """A binary file to write, which is at `path` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = unfinished(path)
    with part.open("wb") as file:
        yield file
    os.replace(part, path)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """How many rows were written as JSON lines; without any there is no file."""
    count = 0
    with written(path) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    if not count:
        path.unlink()
    return count


def write_json(path: Path, value: Any) -> None:
    """One JSON value, indented, its keys in alphabetical order."""
    with written(path) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


def write_text(path: Path, text: str | None) -> None:
    """A text as it is, in UTF-8; no file for none."""
    if text:
        with written(path) as file:
            file.write(text.encode("utf-8", "surrogatepass"))


def sha256_of(path: Path) -> str:
    """The checksum of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of JSON lines; none when there is no such file. Raises `ExportError`."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            row = _parsed(path, line, number)
            if not isinstance(row, dict):
                raise ExportError(f"{path}, line {number}: expected a JSON object, got {type(row).__name__}.")
            yield row


def read_json(path: Path) -> Any:
    """The value of a JSON file; None when there is no such file. Raises `ExportError`."""
    return _parsed(path, path.read_bytes(), 1) if path.exists() else None


def read_text(path: Path) -> str | None:
    """A text as it was written; None when there is no such file."""
    return path.read_bytes().decode("utf-8", "surrogatepass") if path.exists() else None


def _parsed(path: Path, data: bytes, line: int) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ExportError(f"{path}, line {line}: not JSON ({error}).") from error
