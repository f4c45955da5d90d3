"""The tables: what ZenML's own Comet tracker does not do and this one does, and what each of ZenML's trackers does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.parity import checks
from tests.parity.world import World

HERE = Path(__file__).parent
TRACKERS = ("comet", "mlflow", "wandb", "neptune", "trackio", "vertex")


@dataclass(frozen=True)
class Point:
    """A point that the built-in tracker fails: what is expected, and what its failure says, as a pattern."""

    point: str
    check: str
    built_in: str
    because: str
    shown_by: tuple[str, ...] = ()
    long: bool = False

    @property
    def call(self) -> Callable[[World], None]:
        """The check itself."""
        function: Callable[[World], None] = getattr(checks, self.check)
        return function


@dataclass(frozen=True)
class Cell:
    """What one of ZenML's trackers does about one thing, and how that is known.

    `shows` are observations of it with what each must say, as a pattern; `points` checks that it fails. With neither it
    was read in the tracker's source.
    """

    says: str
    shows: dict[str, str]
    points: tuple[str, ...]


@dataclass(frozen=True)
class Feature:
    """What each tracker does about one thing. `shown_by` are the tests of ours."""

    feature: str
    ours: str
    shown_by: tuple[str, ...]
    theirs: dict[str, Cell]


def points() -> list[Point]:
    """All points, in their order."""
    return [Point(**{**row, "shown_by": tuple(row.get("shown_by", ()))}) for row in _rows("table.yaml")]


def features() -> list[Feature]:
    """All features, in their order."""
    return [
        Feature(row["feature"], row["ours"], tuple(row["shown_by"]), {name: _cell(row[name]) for name in TRACKERS})
        for row in _rows("features.yaml")
    ]


def expected(tracker: str) -> dict[str, list[str]]:
    """The observations of a tracker, each with the patterns of all cells that stand on it."""
    found: dict[str, list[str]] = {}
    for feature in features():
        for observation, pattern in feature.theirs[tracker].shows.items():
            found.setdefault(observation, []).append(pattern)
    return found


def _cell(given: str | dict[str, Any]) -> Cell:
    cell = {"says": given} if isinstance(given, str) else given
    return Cell(cell["says"], cell.get("shows", {}), tuple(cell.get("points", ())))


def functions() -> set[str]:
    """The names of all checks."""
    own = (
        name
        for name, value in vars(checks).items()
        if inspect.isfunction(value) and value.__module__ == checks.__name__
    )
    return set(own)


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text("utf-8"))
    return rows
