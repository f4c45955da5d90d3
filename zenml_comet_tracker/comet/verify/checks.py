"""Checks, and groups that collect them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zenml_comet_tracker.comet.verify.outcome import Protocol
from zenml_comet_tracker.comet.verify.scratch import Scratch

Function = Callable[[Scratch], None]


@dataclass(frozen=True)
class Check:
    """One thing to prove: `endpoint` is the call that it is about, `protocol` what an experiment speaks for it."""

    group: str
    name: str
    endpoint: str
    protocol: Protocol
    function: Function


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
