"""How much the journals of one folder may still take of its disk."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from zenml_comet_tracker.comet.errors import ConfigurationError

VARIABLE = "ZENML_COMET_JOURNAL_MAX_BYTES"
DEFAULT_MAX_BYTES = 10 << 30
# The last tenth is for metrics and what else is small: files are refused first.
FILES_SHARE = 0.9
# Walking a folder of thousands of journals takes milliseconds, and other processes write there too.
MEASURE_SECONDS = 5.0
# When it seems full somebody may have made room meanwhile.
FULL_MEASURE_SECONDS = 0.5


class Room:
    """The space below one journal folder, for all journals of the process. Others' are seen when it is measured."""

    def __init__(self, folder: Path, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self.limit = limit
        self._clock = clock
        self._lock = threading.RLock()
        self._used = 0
        self._measured: float | None = None

    def take(self, size: int, *, for_file: bool = False) -> bool:
        """Whether `size` more bytes fit; they then count as taken."""
        limit = self.limit * FILES_SHARE if for_file else self.limit
        with self._lock:
            self._measure(MEASURE_SECONDS)
            if self._used + size > limit:
                self._measure(FULL_MEASURE_SECONDS)
            if self._used + size > limit:
                return False
            self._used += size
            return True

    def _measure(self, at_most_every: float) -> None:
        now = self._clock()
        if self._measured is None or now - self._measured >= at_most_every:
            self._used = size_below(self._folder)
            self._measured = now


def size_below(folder: Path) -> int:
    """Bytes in the files below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    pending = [os.fspath(folder)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def limit_of(configured: int | None = None) -> int:
    """The size cap in bytes: as configured, else `ZENML_COMET_JOURNAL_MAX_BYTES`, else 10 GiB."""
    value = configured if configured is not None else os.environ.get(VARIABLE) or DEFAULT_MAX_BYTES
    try:
        limit = int(value)
    except ValueError:
        limit = 0
    if limit <= 0:
        name = "journal_max_bytes" if configured is not None else VARIABLE
        raise ConfigurationError(f"{name} is {value!r}; expected a number of bytes above 0, such as {10 << 30}.")
    return limit


_rooms: dict[Path, Room] = {}


def room_in(folder: Path, limit: int) -> Room:
    """The room of this process in a journal folder; the limit last asked for counts."""
    room = _rooms.setdefault(folder, Room(folder, limit))
    room.limit = limit
    return room


# A lock may be held by a thread that the child does not have.
os.register_at_fork(after_in_child=_rooms.clear)
