"""The access log: one JSON object a line in `access.log`, beside which only its predecessor `access.log.1` is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

NAME = "access.log"
# As much as the server's log may have before it is begun anew; a line takes some 150 bytes.
MOST_BYTES = 5_000_000


class AccessLog:
    """Lines at the end of `folder/access.log`. What cannot be written is left out: a log must not fail a request."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = folder / NAME
        self._most_bytes = most_bytes
        self._descriptor: int | None = None
        self._size = 0

    def write(self, entry: dict[str, Any]) -> None:
        """Adds a line."""
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        try:
            descriptor = self._opened()
            if self._size and self._size + len(line) > self._most_bytes:
                self.close()
                self._path.replace(self._path.with_name(f"{NAME}.1"))
                descriptor = self._opened()
            self._size += os.write(descriptor, line)
        except OSError:
            self.close()

    def close(self) -> None:
        """Lets go of the file; a later line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._size = None, 0

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._size = os.fstat(self._descriptor).st_size
        return self._descriptor
