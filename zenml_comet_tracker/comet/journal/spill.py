"""Lines that the disk did not take, kept in bounded memory until it does or until they are delivered from here."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import NamedTuple

# Enough for about a hundred thousand values, little enough to harm no step.
MEMORY_BYTES = 16 << 20


class Held(NamedTuple):
    """Some lines that were logged by one call: the number of the first, how many, and themselves."""

    first: int
    values: int
    lines: bytes

    @property
    def following(self) -> int:
        """The number behind the last line."""
        return self.first + self.values


class Memory:
    """What the spills and held files of one journal may take together, in bytes."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self._lock = threading.RLock()
        self.left = limit

    def take(self, size: int) -> bool:
        """Whether there is room for `size` more bytes, which then count as taken."""
        with self._lock:
            if size > self.left:
                return False
            self.left -= size
            return True

    def give_back(self, size: int) -> None:
        """Counts bytes as free again."""
        with self._lock:
            self.left += size


class Spill:
    """The lines of one lane that are only in memory, oldest first. Threads: any number."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._lock = threading.RLock()
        self._held: deque[Held] = deque()

    def __bool__(self) -> bool:
        return bool(self._held)

    def add(self, held: Held) -> bool:
        """Whether the lines were taken; they are not when memory is full."""
        if not self._memory.take(len(held.lines)):
            return False
        with self._lock:
            self._held.append(held)
        return True

    def first(self) -> Held | None:
        """The oldest lines, None when there are none."""
        with self._lock:
            return self._held[0] if self._held else None

    def oldest(self, limit: int) -> list[Held]:
        """What the oldest calls logged, at most `limit` calls."""
        with self._lock:
            return list(islice(self._held, limit))

    @property
    def values(self) -> int:
        """How many lines there are."""
        with self._lock:
            return sum(held.values for held in self._held)

    @property
    def following(self) -> int:
        """The number behind the newest line; 0 when there is none."""
        with self._lock:
            return self._held[-1].following if self._held else 0

    def forget_before(self, number: int) -> None:
        """Lets go of what was logged by calls before a number: it is on disk, or with the server."""
        with self._lock:
            while self._held and self._held[0].following <= number:
                self._memory.give_back(len(self._held.popleft().lines))
