"""Files that are read while somebody else may still write to them."""

from __future__ import annotations

import os
from typing import BinaryIO


class SteadyStream:
    """A seekable file's bytes, as many as there are now; `len` is how many are left to read.

    What is added while they are sent would run into the request that follows.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.len = stream.seek(0, os.SEEK_END)
        stream.seek(0)

    def read(self, size: int = -1) -> bytes:
        """The next bytes; `OSError` when the file has become shorter, which the server would wait for."""
        wanted = self.len if size < 0 else min(size, self.len)
        data = self._stream.read(wanted)
        if len(data) < wanted:
            raise OSError("the file became shorter while it was sent")
        self.len -= wanted
        return data
