"""What came of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["rest", "batch", "both"]
# held: read back as written. differed: read back otherwise. refused: no good answer. left out: not tried.
Result = Literal["held", "differed", "refused", "left out"]


class DifferenceError(AssertionError):
    """The server gives back something else than was written; `expected` and `got` are as they are told."""

    def __init__(self, expected: object, got: object) -> None:
        super().__init__(f"expected {shown(expected)}, got {shown(got)}")


class LeftOutError(Exception):
    """The check cannot be made here; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of one check; `detail` says how it differed, or why it was not made."""

    group: str
    name: str
    endpoint: str
    protocol: Protocol
    result: Result
    detail: str
    seconds: float


def shown(value: object, limit: int = 160) -> str:
    """A value in one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
