"""What a measurement of the server says: one row, one figure, beside another of the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Row:
    """Our figure and the one beside it. `target` is a share of that one, or plain when `beside` is empty."""

    figure: str
    unit: str
    ours: float
    at: Literal["least", "most"]
    target: float
    beside: str = ""
    theirs: float = 0.0

    def cells(self) -> list[str]:
        """Figure, unit, ours, the other's name and figure, how they compare, target and verdict."""
        shown = f"{self.ratio:.3g} x" if self.beside else ""
        aim = f"at {self.at} {self.target:g}{' x' if self.beside else ''}"
        other = f"{self.theirs:.4g}" if self.beside else ""
        return [self.figure, self.unit, f"{self.ours:.4g}", self.beside, other, shown, aim, self.verdict]

    @property
    def ratio(self) -> float:
        """Ours over theirs; ours alone when there is no other."""
        return self.ours / self.theirs if self.beside else self.ours

    @property
    def verdict(self) -> str:
        """Whether the target is reached."""
        reached = self.ratio >= self.target if self.at == "least" else self.ratio <= self.target
        return "reached" if reached else "missed"


HEADINGS = ("figure", "unit", "local Comet", "beside", "its figure", "ratio", "target", "verdict")

# A case gets an empty folder of its own and how often to repeat what is short; it gives its rows as they come.
Case: TypeAlias = Callable[[Path, int], Iterator[Row]]
