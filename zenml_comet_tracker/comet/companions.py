"""What is delivered beside an experiment's journal, and is waited for when the experiment ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol


class Companion(Protocol):
    """Something on its way to the server."""

    def linger(self) -> None:
        """Waits as long as it gets on."""

    def finish(self, timeout: float) -> str | None:
        """Waits at most `timeout` seconds; what is to be said of what is not delivered then."""


class Attendant(Protocol):
    """Something that gathers, on its own, what is to be logged."""

    def flush(self) -> None:
        """Logs what it gathered."""

    def end(self) -> None:
        """Logs the rest, and gathers no more."""


class Companions:
    """All that is under way of one experiment in one process, and what attends it."""

    def __init__(self, attendants: tuple[Attendant, ...] = ()) -> None:
        self._under_way: list[Companion] = []
        self._attendants = attendants

    def attend(self, attendant: Attendant) -> None:
        """Has it asked before each flush, and ended before the experiment is."""
        self._attendants = (*self._attendants, attendant)

    def gather(self) -> None:
        """Has attendants log what they gathered."""
        for attendant in self._attendants:
            attendant.flush()

    def dismiss(self) -> None:
        """Ends the attendants, while there is still an experiment to log to."""
        for attendant in self._attendants:
            attendant.end()

    def of_child(self) -> Companions:
        """Those of a forked child: what is under way is the parent's, attendants know of forks."""
        return Companions(self._attendants)

    def add(self, companion: Companion) -> None:
        """Has the end of the experiment wait for it."""
        self._under_way.append(companion)

    def __iter__(self) -> Iterator[Companion]:
        return iter(list(self._under_way))

    def linger(self) -> None:
        """Waits for each as long as it gets on."""
        for companion in self:
            companion.linger()

    def finish(self, deadline: float) -> tuple[str, ...]:
        """Waits for each until the deadline, a time of the monotonic clock; what is to be said of the rest."""
        said = [companion.finish(max(0.0, deadline - time.monotonic())) for companion in self]
        return tuple(problem for problem in said if problem is not None)
