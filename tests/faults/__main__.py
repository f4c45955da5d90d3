"""The whole matrix at the world's own speed, beside the official SDK; writes `docs/reliability.md`.

python -m tests.faults [--kills N] [--at-once N] [--without-official] [--out FILE] [--only TEXT]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

# What a test may find in a home, and a service that listens elsewhere, are none of this.
os.environ.update(HOME=tempfile.mkdtemp(prefix="zenml-comet-faults-"), COMET_ERROR_TRACKING_ENABLE="false")

from tests.faults import kills, matrix, table
from tests.faults.cell import Cell, Outcome, played
from tests.faults.plan import OFFICIAL
from tests.fixtures.local_server import LocalServer

POINTS = 3_000
# As `end` does by itself; the official SDK gets this long after the last call, then it has not ended.
END_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
# The longest that a step logs before it comes to its end.
LOGGING_SECONDS = 40.0


def main() -> int:
    """Plays all cells and kills, writes the table, and says what was not kept."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="zenml-comet-faults-"))
    started = time.time()
    with kills.LocalServerDaemon(folder / "server") as daemon:
        results = _play(daemon.face, folder, _cells(options), options.at_once)
        killed = _kill(daemon.face, folder, options.kills, options.at_once)
    text = table.page(
        results, killed, started=started, seconds=END_SECONDS, patience=LOGGING_SECONDS + PATIENCE_SECONDS
    )
    Path(options.out).write_text(text)
    broken = table.all_broken(results, killed)
    for line in broken:
        print("BROKEN", line)
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many kills")
    parser.add_argument("--at-once", type=int, default=8, help="how many cells run side by side")
    parser.add_argument("--without-official", action="store_true", help="leave the official SDK's columns empty")
    parser.add_argument("--only", default="", help="only the cells whose name holds this")
    parser.add_argument("--out", default="docs/reliability.md", help="where the page goes")
    return parser.parse_args()


def _cells(options: argparse.Namespace) -> list[Cell]:
    ours = matrix.network_cells() + matrix.process_cells()
    over_rest = matrix.one_of_each(arguments={"protocol": "rest"})
    ours += [replace(cell, name=f"{cell.name}, rest", comparable=False) for cell in over_rest]
    ours = [_long(cell) for cell in ours if options.only in cell.name]
    if options.without_official:
        return ours
    return [*ours, *(_of_the_official_sdk(cell) for cell in ours if cell.comparable)]


def _long(cell: Cell) -> Cell:
    """The cell with more points, and the time that `end` takes by default."""
    rest = cell.plan.arguments.get("protocol") == "rest"
    points = cell.plan.points if rest or cell.plan.story != "network" else POINTS
    timeout = max(END_SECONDS, cell.plan.timeout if cell.plan.story == "memory_fills" else 0.0)
    return replace(cell, plan=replace(cell.plan, points=points, timeout=timeout))


def _of_the_official_sdk(cell: Cell) -> Cell:
    return replace(cell, fresh=True, plan=replace(cell.plan, client=OFFICIAL, arguments={}))


def _play(server: LocalServer, folder: Path, cells: Sequence[Cell], at_once: int) -> list[tuple[Cell, Outcome]]:
    def play(number: int, cell: Cell) -> Outcome:
        outcome = played(server, folder / f"cell-{number}", cell, LOGGING_SECONDS + PATIENCE_SECONDS)
        print(f"{cell.plan.client:9}{cell.name}: {table.told(outcome)}", file=sys.stderr, flush=True)
        return outcome

    with ThreadPoolExecutor(at_once) as pool:
        return list(zip(cells, pool.map(play, range(len(cells)), cells), strict=True))


Kill = Callable[[Path, int], Outcome]


def _sorts(server: LocalServer, count: int, touches: int) -> dict[str, tuple[int, Kill]]:
    """The sorts of kills, and how many of each; the touches of a journal are tried evenly."""
    step = max(1, touches // max(1, count * 4 // 10))
    return {
        "a writer, at random": (count // 4, lambda at, n: kills.writer_at_random(server, at, n)),
        "a writer, while it touches its journal": (
            count * 4 // 10,
            lambda at, n: kills.writer_at_touch(server, at, ".*", 1 + n * step),
        ),
        "a writer, in the middle of a request": (
            count // 10,
            lambda at, n: kills.writer_in_request(server, at, 1 + n // 2, ("received", "answered")[n % 2]),
        ),
        "an adopter, while it touches the journal": (
            count // 10,
            lambda at, n: kills.adopter(server, at, place=(".*", 1 + 3 * n)),
        ),
        "a step that delivers what another left": (
            count // 20,
            lambda at, n: kills.successor_at_random(server, at, n),
        ),
        "an adopter, in the middle of a request": (count // 20, lambda at, n: kills.adopter(server, at, request=1 + n)),
        "a server, while a step logs to it": (count // 20, lambda at, n: kills.server_at_random(at, n)),
    }


def _kill(server: LocalServer, folder: Path, count: int, at_once: int) -> dict[str, list[Outcome]]:
    """Kills of every sort."""
    if not count:
        return {}
    touches = len(kills.touches_of(server, folder / "touches"))
    killed: dict[str, list[Outcome]] = {}
    with ThreadPoolExecutor(max(1, at_once // 2)) as pool:
        for number, (name, (times, kill)) in enumerate(_sorts(server, count, touches).items()):
            places = [folder / f"kill-{number}-{n}" for n in range(times)]
            killed[name] = list(pool.map(kill, places, range(times)))
            print(f"killed {name}: {times}", file=sys.stderr, flush=True)
    return killed


if __name__ == "__main__":
    sys.exit(main())
