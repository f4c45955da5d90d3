"""Where the bytes of a file that is to be uploaded come from: the disk, or memory."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.media.files import data_bytes

_PIECE = 1 << 20


class Source(Protocol):
    """The bytes of one file. `stamp` changes with them; None where only the bytes themselves can tell."""

    @property
    def size(self) -> int: ...

    @property
    def stamp(self) -> str | None: ...

    def open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """A reader of its own, at the beginning. Raises `OSError`."""


class FileSource:
    """A file on disk, as it is when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """In bytes, now. Raises `OSError`."""
        return self.path.stat().st_size

    @property
    def stamp(self) -> str | None:
        """Which file it is and when it was last written. Raises `OSError`."""
        found = self.path.stat()
        return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"

    def open(self) -> BinaryIO:
        """A reader of the file."""
        return self.path.open("rb")


class BytesSource:
    """Bytes in memory."""

    stamp = None

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._data)

    def open(self) -> BinaryIO:
        """A reader of the bytes, which copies none of them."""
        return io.BytesIO(self._data)


class StreamSource:
    """An open file of the caller's, who leaves it open and unread until it is uploaded."""

    stamp = None

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = stream.seek(0, os.SEEK_END)
        # The caller may add it once more, from where it stands.
        stream.seek(0)

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The stream itself, at its beginning; it stays open."""
        self._stream.seek(0)
        yield self._stream


class _Copy(FileSource):
    """A temporary file that goes with whoever holds it."""

    stamp = None

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        weakref.finalize(self, path.unlink, missing_ok=True)


def is_path(data: Any) -> bool:
    """Whether it names something on disk, rather than being what is to be uploaded."""
    return isinstance(data, str | os.PathLike)


def source_of(data: Any, *, copy: bool) -> Source:
    """The source of a path, an open file, bytes, or what JSON can hold. Raises `InvalidValueError`.

    An open file is copied, from where it stands, to a temporary one; not without `copy`, if it can be read twice.
    """
    if is_path(data):
        return _file(Path(data))
    if callable(getattr(data, "read", None)):
        return _stream(data, copy=copy)
    if isinstance(data, bytes | bytearray | memoryview | dict | list | tuple):
        return BytesSource(data_bytes(data))
    raise InvalidValueError(
        f"a path, an open file, bytes, or a dictionary or list (kept as JSON) is expected, got {type(data).__name__}"
    )


def _file(path: Path) -> FileSource:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InvalidValueError(f"{path} cannot be added to an artifact: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise InvalidValueError(f"{path} cannot be added to an artifact: it is neither a file nor a folder")
    # What it names does not change with the working directory.
    return FileSource(path.absolute())


def _stream(stream: Any, *, copy: bool) -> Source:
    first = stream.read(0)
    if not copy and isinstance(first, bytes) and getattr(stream, "seekable", bool)() and stream.tell() == 0:
        return StreamSource(cast(BinaryIO, stream))
    handle, name = tempfile.mkstemp(prefix="zenml-comet-artifact-")
    kept = _Copy(Path(name))
    with os.fdopen(handle, "wb") as target:
        if isinstance(first, str):
            while text := stream.read(_PIECE):
                target.write(text.encode("utf-8", "replace"))
        else:
            shutil.copyfileobj(stream, target, _PIECE)
    return kept


def files_below(folder: Path) -> tuple[list[tuple[Path, str]], list[Path]]:
    """Every file below a folder with its path relative to it, in a stable order; and what is neither file nor folder.

    Links are followed, each real folder once on the way down, so that links in a circle end.
    """
    found: list[tuple[Path, str]] = []
    odd: list[Path] = []
    _walk(folder, "", (os.path.realpath(folder),), found, odd)
    return found, odd


def _walk(folder: Path, prefix: str, above: tuple[str, ...], found: list[tuple[Path, str]], odd: list[Path]) -> None:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise InvalidValueError(f"{folder} cannot be added to an artifact: {error.strerror}") from None
    for name in names:
        path, relative = folder / name, f"{prefix}{name}"
        if path.is_file():
            found.append((path, relative))
        elif path.is_dir():
            real = os.path.realpath(path)
            if real not in above:
                _walk(path, f"{relative}/", (*above, real), found, odd)
        else:
            odd.append(path)


class HashingReader:
    """A reader that knows size and SHA-256 of what was read since it last stood at the beginning, and tells of pieces.

    `problem` is what reading failed of, if it did.
    """

    def __init__(self, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self._stream = stream
        self._told = told
        self._digest = hashlib.sha256()
        self.size = 0
        self.problem: OSError | None = None

    @property
    def sha256(self) -> str:
        """In hex."""
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        try:
            data = self._stream.read(size)
        except OSError as error:
            self.problem = error
            raise
        self._digest.update(data)
        self.size += len(data)
        self._told(len(data))
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves as a file does; at the beginning it starts to count anew."""
        place = self._stream.seek(offset, whence)
        if place == 0:
            self._told(-self.size)
            self._digest = hashlib.sha256()
            self.size = 0
        return place
