"""Numbers that a step and those who watch it share: they outlive the step, however it dies."""

from __future__ import annotations

import mmap
from pathlib import Path

KINDS = ("metrics", "parameters", "html", "assets")
WRITERS = 8
_SHARED = ("fault", "applied", "struck", "pid", "closing")
_SLOTS = len(_SHARED) + WRITERS * len(KINDS)


class Board:
    """Whole numbers in a file that is mapped into memory by everyone who opens it.

    Shared: the `fault` that the step asks for and the one that is `applied` (numbers of the catalogue), how many
    requests that one `struck` are still under way, the step's `pid`, and whether it is `closing` its experiment.
    Besides, for each writer (a thread or a process), how many calls of each kind have returned.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8 * _SLOTS))
        self.path = path
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8 * _SLOTS)
        self._numbers = memoryview(self._memory).cast("q")

    def __getitem__(self, name: str) -> int:
        return self._numbers[_SHARED.index(name)]

    def __setitem__(self, name: str, value: int) -> None:
        self._numbers[_SHARED.index(name)] = value

    def returned(self, kind: str, writer: int = 0) -> None:
        """Counts one call that came back."""
        self._numbers[self._slot(kind, writer)] += 1

    def count(self, kind: str, writer: int = 0) -> int:
        """How many calls came back."""
        return self._numbers[self._slot(kind, writer)]

    def counts(self) -> list[dict[str, int]]:
        """The counts of every writer that has any."""
        every = [{kind: self.count(kind, writer) for kind in KINDS} for writer in range(WRITERS)]
        return [counts for counts in every if any(counts.values())]

    @staticmethod
    def _slot(kind: str, writer: int) -> int:
        return len(_SHARED) + writer * len(KINDS) + KINDS.index(kind)

    def close(self) -> None:
        self._numbers.release()
        self._memory.close()
