"""A tracker as its user has it, and a run as its own store has it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Kept:
    """One run: `about` is what it says besides values, tags and its status, by names as the store has them."""

    id: str
    name: str
    status: str
    values: dict[str, list[float]] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    about: dict[str, str] = field(default_factory=dict)


class Peer(ABC):
    """A tracker of ZenML's. `key` is the field of its key, and `key_variable` the variable that its SDK knows."""

    flavor: str
    key: str
    key_variable: str
    # What a component has at least, besides `key`.
    configuration: dict[str, Any] = {}
    with_key: dict[str, Any] = {}
    # A component whose server is away, and the variables that go with it; None where there is no such thing.
    away: tuple[dict[str, Any], dict[str, str]] | None = None
    has_tags = True
    # Functions of ZenML's, besides the component's own, that lead to its run.
    helpers: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        """`folder` is where its process works."""
        self.folder = folder

    def begin(self) -> None:  # noqa: B027
        """Called before the first run."""

    def settle(self) -> None:  # noqa: B027
        """Called after each run: what that left open in the SDK is closed, so that the next begins as the first did."""

    @abstractmethod
    def log(self, values: dict[str, float]) -> None:
        """As its documents say, in a step."""

    def tags(self, word: str) -> Any:
        """The setting `tags` with this one."""
        return [word]

    @abstractmethod
    def kept(self) -> list[Kept]:
        """All runs of its store, the first begun first."""


def flat(value: Any, name: str = "") -> dict[str, str]:
    """Nested dictionaries as one, with dotted names."""
    if not isinstance(value, dict):
        return {name: str(value)}
    found: dict[str, str] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{name}.{key}" if name else str(key))
    return found
