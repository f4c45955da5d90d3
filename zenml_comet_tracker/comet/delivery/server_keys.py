"""The keys that servers made for experiments of ours, shared by the writers and adopters on this machine."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.errors import JournalError, OccupiedError

logger = logging.getLogger(__name__)

# No journal has a name that begins with a dot.
FOLDER = ".server-keys"


@dataclass(frozen=True)
class ServerKey:
    """The key under which a server made an experiment, and when that began by our own clock."""

    experiment_key: str
    started_millis: int


class ServerKeys:
    """One small file beside the journals for each experiment that a server knows under a key of its own.

    Where no folder can be written, the keys are known to this process alone, and a warning says so.
    """

    def __init__(self, journals: Path | None) -> None:
        self._folder = None if journals is None else journals / FOLDER

    def find(self, root: str, experiment_key: str) -> ServerKey | None:
        """The server's key for ours, if it made one. `JournalError` for a file that cannot be understood."""
        name = _file_name(root, experiment_key)
        if self._folder is not None:
            with contextlib.suppress(FileNotFoundError):
                return _loaded((self._folder / name).read_bytes(), self._folder / name)
        return _unsaved.get(name)

    def find_or_make(self, root: str, experiment_key: str, make: Callable[[], ServerKey]) -> tuple[ServerKey, bool]:
        """The server's key for ours, and whether `make` was called to get it; nobody else makes one meanwhile.

        `OccupiedError` while another process is at it, `JournalError` for a file that cannot be understood.
        """
        name = _file_name(root, experiment_key)
        if self._folder is not None and name not in _unsaved:
            try:
                descriptor = _open(self._folder / name)
            except OSError as error:
                logger.warning(
                    "%s cannot be used (%s): another process that logs to experiment %s would make one of its own.",
                    self._folder,
                    error.strerror or error,
                    experiment_key,
                )
            else:
                return _find_or_make_in(descriptor, self._folder / name, make)
        with _unsaved_lock:
            made = name not in _unsaved
            if made:
                _unsaved[name] = make()
            return _unsaved[name], made


# The keys whose files cannot be written.
_unsaved: dict[str, ServerKey] = {}
_unsaved_lock = forks.Lock()


def _file_name(root: str, experiment_key: str) -> str:
    return hashlib.sha256(f"{root} {experiment_key}".encode()).hexdigest()[:32] + ".json"


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _find_or_make_in(descriptor: int, path: Path, make: Callable[[], ServerKey]) -> tuple[ServerKey, bool]:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OccupiedError("Another process of this machine opens the same experiment right now") from None
        if content := os.pread(descriptor, 1 << 16, 0):
            return _loaded(content, path), False
        made = make()
        os.pwrite(descriptor, orjson.dumps(asdict(made)), 0)
        os.fsync(descriptor)
        return made, True
    finally:
        # Said, not left to the closing: a child forked meanwhile holds the descriptor too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _loaded(content: bytes, path: Path) -> ServerKey:
    try:
        return ServerKey(**orjson.loads(content))
    except (ValueError, TypeError) as error:
        raise JournalError(f"{path} does not say which key the server made: {error}") from error
