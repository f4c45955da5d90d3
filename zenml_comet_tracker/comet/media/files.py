"""Files, open or named, folders, and data in memory -> bytes with a name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import interrupts
from zenml_comet_tracker.comet.structures import json_text


def files_below(folder: Path, enters: Callable[[str], bool] = lambda name: True) -> list[tuple[Path, str]]:
    """Every file below a folder with its name relative to the folder's parent, in a stable order.

    Folders whose name `enters` refuses are not looked into: they may be those that hold millions of files.
    """
    found: list[Path] = []
    for at, folders, names in os.walk(folder):
        folders[:] = filter(enters, folders)
        found += (Path(at, name) for name in names)
    return [(path, path.relative_to(folder.parent).as_posix()) for path in sorted(found) if path.is_file()]


def file_contents(file_data: Any, file_name: str | None) -> tuple[Path | bytes, str]:
    """A path, or the bytes of an open file, and the name to show."""
    if isinstance(file_data, str | PathLike):
        path = Path(file_data)
        if not path.is_file():
            raise InvalidValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; a file is expected")
        return path, file_name or path.name
    read = getattr(file_data, "read", None)
    if not callable(read):
        raise InvalidValueError(f"a path or an open file is expected, got {type(file_data).__name__}")
    content = read()
    name = file_name or Path(str(getattr(file_data, "name", "") or "file")).name
    return content.encode("utf-8", "replace") if isinstance(content, str) else bytes(content), name


def data_bytes(data: Any) -> bytes:
    """Bytes and texts as they are, anything else as JSON."""
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if isinstance(data, str):
        return data.encode("utf-8", "replace")
    try:
        return json.dumps(data, allow_nan=False).encode()
    except Exception as error:
        if interrupts(error):
            raise
        # What JSON has no form for becomes text; what a user's type raises on its way there is no reason to drop it.
        return json_text(data).encode()
