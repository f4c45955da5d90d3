"""What is to be uploaded and what of it is done, on disk: the same artifact logged again goes on from there, and
`zenml-comet sync` does.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from zenml_comet_tracker.comet.resources.artifacts import MadeVersion

logger = logging.getLogger(__name__)

# Whoever looks for journals passes over names that begin with a dot.
FOLDER = ".artifacts"
_SUFFIX = ".upload"
_DATA_SUFFIX = ".data"


@dataclass(frozen=True)
class Done:
    """A file that the server has. `stamp` is the source's when it was read, None where it has none."""

    asset_id: str
    size: int
    sha256: str
    stamp: str | None


class UploadRecord:
    """A line for what is to be uploaded, one for the version, and one for each file that the server has taken. Held by
    one upload at a time.

    Without a folder it lasts as long as the process. A disk that takes no more costs the resuming, not the upload.
    """

    def __init__(self, path: Path | None, stream: BinaryIO | None) -> None:
        self._path = path
        self._stream = stream
        self._lock = threading.Lock()
        self.wanted: dict[str, Any] | None = None
        self.made: MadeVersion | None = None
        self.done: dict[str, Done] = {}
        if stream is not None:
            self._read(stream)

    @property
    def data_folder(self) -> Path | None:
        """Where data that lie in no file of the user's are kept; None without a disk."""
        return None if self._path is None else self._path.with_suffix(_DATA_SUFFIX)

    def want(self, wanted: dict[str, Any]) -> None:
        """Notes what is to be uploaded."""
        self.wanted = wanted
        self._write({"wanted": wanted})

    def begin(self, made: MadeVersion) -> None:
        """Notes the version that the files go to."""
        self.made = made
        self._write({"version": asdict(made)})

    def forget(self) -> None:
        """Begins anew: there is no such version any more."""
        self.made, self.done = None, {}
        with self._lock, self._unless_the_disk_refuses():
            if self._stream is not None:
                os.ftruncate(self._stream.fileno(), 0)
        if self.wanted is not None:
            self.want(self.wanted)

    def note(self, done: Done) -> None:
        """Notes a file that the server has."""
        self.done[done.asset_id] = done
        self._write({"done": asdict(done)})

    def close(self, *, finished: bool) -> None:
        """Lets go of it; when the upload is finished nothing of it stays."""
        with self._lock:
            stream, self._stream = self._stream, None
            if stream is None or self._path is None:
                return
            if finished:
                shutil.rmtree(self._path.with_suffix(_DATA_SUFFIX), ignore_errors=True)
                with contextlib.suppress(OSError):
                    self._path.unlink()
            stream.close()

    def forsake(self) -> None:
        """In a forked child: lets go of it without unlocking."""
        if self._stream is not None:
            os.close(self._stream.fileno())
            self._stream = None

    def _write(self, line: dict[str, Any]) -> None:
        with self._lock, self._unless_the_disk_refuses():
            if self._stream is not None:
                os.write(self._stream.fileno(), orjson.dumps(line) + b"\n")

    @contextlib.contextmanager
    def _unless_the_disk_refuses(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            logger.warning("%s cannot be written; cut now, the upload would start over: %s", self._path, error)

    def _read(self, stream: BinaryIO) -> None:
        stream.seek(0)
        for line in stream:
            # The last one may be cut: its file is sent again.
            with contextlib.suppress(ValueError, TypeError, KeyError):
                entry = orjson.loads(line)
                if "wanted" in entry:
                    self.wanted = entry["wanted"]
                elif "version" in entry:
                    self.made, self.done = MadeVersion(**entry["version"]), {}
                else:
                    done = Done(**entry["done"])
                    self.done[done.asset_id] = done


def open_record(journals: Path | None, fingerprint: str) -> UploadRecord:
    """The record of an upload, new or left by an earlier one. One that another upload holds is not shared."""
    if journals is None:
        return UploadRecord(None, None)
    folder = journals / FOLDER
    path = folder / f"{fingerprint}{_SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        stream = os.fdopen(handle, "a+b", buffering=0)
    except OSError as error:
        logger.warning("%s cannot be written; cut now, the upload would start over: %s", path, error)
        return UploadRecord(None, None)
    held = _hold(path, stream)
    if held is None:
        return UploadRecord(None, None)
    # Whoever held it may have finished just now, and deleted it.
    return held if _is_at(path, stream) else open_record(journals, fingerprint)


def records_in(journals: Path) -> Iterator[UploadRecord]:
    """The records that uploads left below a folder of journals, the oldest first; to be closed. Those that an upload
    holds are its own matter.
    """
    found = [(path.stat().st_mtime, path) for path in (journals / FOLDER).glob(f"*{_SUFFIX}")]
    for _, path in sorted(found):
        with contextlib.suppress(FileNotFoundError):
            held = _hold(path, os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC), "a+b", buffering=0))
            if held is not None:
                yield held


def _hold(path: Path, stream: BinaryIO) -> UploadRecord | None:
    """The record, unless another upload holds it."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return UploadRecord(path, stream)


def _is_at(path: Path, stream: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
