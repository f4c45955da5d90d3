"""Cells played side by side: most of their time is waiting."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.faults.cell import Outcome, played
from tests.faults.matrix import Cell, broken_promises
from tests.fixtures.local_server import LocalServer

AT_ONCE = 5
# What two busy cores may add to an end, in seconds of the world.
NOISE_SECONDS = 4.0


def side_by_side(
    server: LocalServer, folder: Path, cells: Sequence[Cell]
) -> tuple[ThreadPoolExecutor, dict[str, Future[Outcome]]]:
    """Starts the cells; what comes of each, by its name."""
    pool = ThreadPoolExecutor(AT_ONCE)

    def play(number: int, cell: Cell) -> Outcome:
        return played(server, folder / str(number), cell, 60.0)

    return pool, {cell.name: pool.submit(play, number, cell) for number, cell in enumerate(cells)}


def check(cell: Cell, outcome: Outcome) -> None:
    """Fails with everything that the cell did not keep."""
    broken = broken_promises(cell, outcome, noise_seconds=NOISE_SECONDS * cell.plan.rate)
    assert broken == [], f"{cell.name}: {broken}\n{outcome}"


def at_rate(cells: Sequence[Cell], rate: float) -> list[Cell]:
    """The same cells with their steps' clock turned."""
    return [replace(cell, plan=replace(cell.plan, rate=rate)) for cell in cells]
