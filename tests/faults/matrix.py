"""The cells of the matrix, and what each has promised."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

from tests.faults.catalog import FAULTS, NAMES, WINDOWS
from tests.faults.cell import Cell, Outcome
from tests.faults.plan import Plan

_NOBODY = Plan("", "", "", "")
# A client that is told to wait, or finds nobody, may need the whole time; the clock of the suite runs faster.
END_SECONDS = 60.0


def network_cell(fault: str, window: str, *, seconds: float = END_SECONDS, **options: Any) -> Cell:
    """A fault of the network in a window; where it has passed, `end` may take so many seconds."""
    timeout = END_SECONDS if window in ("on", "end") else seconds
    plan = replace(_NOBODY, fault=fault, window=window, timeout=timeout, **options)
    refuses = FAULTS[NAMES.index(fault)].refuses
    # Comet's own client waits a minute on a 429 that names no time, and so do we: longer than `end` may take.
    waits = fault == "429, no header"
    return Cell(
        f"{fault}, {window}",
        plan,
        loses=refuses and window != "start",
        leaves=waits or window in ("on", "end"),
        comparable=True,
    )


def network_cells(**options: Any) -> list[Cell]:
    """Every fault in every window."""
    return [network_cell(fault, window, **options) for fault in NAMES for window in WINDOWS]


def one_of_each(first: int = 0, **options: Any) -> list[Cell]:
    """Every fault once, the windows in turn, beginning with the `first`."""
    turns = [WINDOWS[(first + number) % len(WINDOWS)] for number in range(len(NAMES))]
    return [network_cell(fault, window, **options) for fault, window in zip(NAMES, turns, strict=True)]


def process_cells(*, spawn: bool = True) -> list[Cell]:
    """What a step lives through besides the network; `spawn` adds what takes seconds to start."""
    cells = [*_disk_cells(), *_life_cells()]
    if spawn:
        cells.append(_cell("8 processes, spawned", "processes", detail={"method": "spawn"}))
    return cells


def _cell(name: str, story: str, fault: str = "", **options: Any) -> Cell:
    """A cell; what is no member of `Cell` belongs to its plan."""
    own = {key: options.pop(key) for key in list(options) if key in Cell.__dataclass_fields__}
    return Cell(name, replace(_NOBODY, **{"story": story, "fault": fault, "timeout": END_SECONDS, **options}), **own)


def _disk_cells() -> list[Cell]:
    crammed = {"bytes": 8192, "files": 50, "size": 500_000}
    cap = {"journal_max_bytes": 64 << 10}
    away = "server away"
    return [
        _cell("disk full, server up", "disk_fills", comparable=True),
        _cell(f"disk full, {away}", "disk_fills", "503", comparable=True),
        _cell(
            f"disk and memory full, {away}",
            "memory_fills",
            "connection refused",
            timeout=600.0,
            detail=crammed,
            loses=True,
        ),
        _cell(f"size cap reached, {away}", "network", "503", window="middle", arguments=cap, points=3000, loses=True),
        _cell("no folder can be written", "nowhere_to_write"),
        _cell("journal folder removed, server up", "folder_goes", loses=True),
        _cell(f"journal folder removed, {away}", "folder_goes", "503", loses=True),
    ]


def _life_cells() -> list[Cell]:
    ended = {"fresh": True, "leaves": True, "comparable": True}
    return [
        _cell("clock set back by an hour", "clock_goes_back", comparable=True),
        _cell("fork, both log", "forks", leaves=True),
        _cell("8 threads", "threads", comparable=True, timeout=600.0),
        _cell("8 processes, forked", "processes", timeout=600.0, detail={"method": "fork"}),
        _cell("os._exit", "leaves", exit_code=7, **ended),
        _cell("SIGTERM", "endless", exit_code=-15, slack=1, signalled=signal.SIGTERM, **ended),
        _cell("SIGINT", "endless", exit_code=-2, slack=1, signalled=signal.SIGINT, **ended),
    ]


def broken_promises(cell: Cell, outcome: Outcome, *, noise_seconds: float = 0.0) -> list[str]:
    """What the cell promised and did not keep; empty when all is well."""
    broken = list(outcome.balance.faults)
    if outcome.exit_code != cell.exit_code:
        broken.append(f"exit code {outcome.exit_code}")
    if cell.exit_code >= 0 and outcome.output.strip() != _result(cell.plan):
        broken.append(f"result {outcome.output.strip()!r}")
    if "Traceback" in outcome.errors and cell.signalled != signal.SIGINT:
        broken.append("a traceback")
    if outcome.balance.repeated:
        broken.append(f"{outcome.balance.repeated} repeated")
    if outcome.running:
        broken.append("still running")
    if outcome.crashed != (cell.exit_code != 0):
        broken.append(f"crashed={outcome.crashed}")
    return broken + _broken_delivery(cell, outcome) + _broken_time(cell, outcome, noise_seconds)


def _result(plan: Plan) -> str:
    writers = 8 if plan.story in ("threads", "processes") else 1
    return str(writers * sum(number * 0.5 for number in range(plan.points)))


def _broken_delivery(cell: Cell, outcome: Outcome) -> list[str]:
    broken = []
    stats = outcome.report.stats if outcome.report is not None else {}
    counted = stats.get("refused", 0) + stats.get("dropped", 0)
    lost = outcome.balance.lost
    if lost != counted or (lost and not cell.loses):
        broken.append(f"{lost} lost, {counted} counted")
    if lost and not any(word in outcome.errors for word in ("set aside", "dropped")):
        broken.append("a loss that is not said")
    if not cell.leaves and outcome.lost_at_first > counted:
        broken.append(f"{outcome.lost_at_first} not delivered by the step itself")
    if outcome.report is not None and cell.plan.story != "forks" and stats["pending"] < outcome.lost_at_first - counted:
        broken.append(f"{outcome.lost_at_first} left, {stats['pending']} said")
    broken += [f"left: {row['reason']}" for row in outcome.left if not cell.loses]
    if cell.plan.fault and not outcome.met and "got no answer" not in outcome.errors:
        broken.append("the fault was never met")
    return broken


def _broken_time(cell: Cell, outcome: Outcome, noise_seconds: float) -> list[str]:
    if outcome.report is None or outcome.report.end_seconds <= cell.plan.timeout + 1.0 + noise_seconds:
        return []
    return [f"end took {outcome.report.end_seconds:.1f} s of {cell.plan.timeout:.0f} s"]
