"""What a check is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.verify.scratch import Scratch

Protocol = Literal["rest", "batch", "both"]
# held: read back as written. differed: read back otherwise. refused: no good answer. left out: not tried.
Result = Literal["held", "differed", "refused", "left out"]
Function = Callable[["Scratch"], None]


class DifferenceError(AssertionError):
    """The server gives back something else than was written; `expected` and `got` are as they are told."""

    def __init__(self, expected: object, got: object) -> None:
        super().__init__(f"expected {shown(expected)}, got {shown(got)}")


class LeftOutError(Exception):
    """The check cannot be made here; the text says why."""


@dataclass(frozen=True)
class Check:
    """One thing to prove: `endpoint` is the call that it is about, `protocol` what an experiment speaks for it."""

    group: str
    name: str
    endpoint: str
    protocol: Protocol
    function: Function


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


class Group:
    """Collects the checks of one noun, in the order in which they are to be made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks: list[Check] = []

    def check(self, name: str, endpoint: str, protocol: Protocol = "rest") -> Callable[[Function], Function]:
        """Marks a function as a check: it raises `DifferenceError` when the server does not hold what it was given."""

        def collect(function: Function) -> Function:
            self.checks.append(Check(self.name, name, endpoint, protocol, function))
            return function

        return collect


def shown(value: object, limit: int = 160) -> str:
    """A value in one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
