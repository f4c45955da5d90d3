"""One cell of the matrix: a step, a fault, what came of it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tests.faults import official
from tests.faults.board import Board
from tests.faults.catalog import FAULTS, NAMES
from tests.faults.gate import Certificates, Gate
from tests.faults.plan import OFFICIAL, Plan, Report
from tests.faults.readback import Balance, balance, merged, read
from tests.fixtures.local_server import LocalServer

ROOT = Path(__file__).parents[2]
SYNC_SECONDS = 120.0
# A process that starts looks after all others, and an exit code can be read only once.
_ONE_AT_A_TIME = threading.Lock()
# In this order: the clock has to be in place before anything remembers the old one.
PRELOADED = [
    "tests.faults.step",
    "tests.faults.stories",
    "zenml_comet_tracker.comet.experiment",
    "pydantic_settings",
    "zenml_comet_tracker.cli.main",
    "zenml_comet_tracker.cli.sync",
]


@dataclass(frozen=True)
class Cell:
    """One cell: its name, its plan, and what is special about what comes of it.

    `exit_code` and `slack` are those of a step that does not live to tell; `fresh` asks for an interpreter of its own;
    `signalled` is what it is sent; `loses` allows a loss that is counted, `leaves` something left on disk by the step.
    The official SDK can be put through a `comparable` one.
    """

    name: str
    plan: Plan
    exit_code: int = 0
    slack: int = 0
    fresh: bool = False
    signalled: int = 0
    loses: bool = False
    leaves: bool = False
    comparable: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a cell. `exit_code` is None for a step that had to be killed because it did not end."""

    exit_code: int | None
    output: str
    errors: str
    report: Report | None
    balance: Balance
    running: bool
    crashed: bool
    # Before anybody delivered what was left behind.
    lost_at_first: int
    left: list[dict[str, Any]]
    # How many requests came to the gate under a fault.
    met: int
    # Into how many experiments besides its own the official command put what was left.
    others: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything arrived, once each and in order."""
        return not (self.balance.lost or self.balance.repeated or self.balance.faults)


@dataclass(frozen=True)
class Ended:
    """How a process ended and what it wrote."""

    exit_code: int | None
    output: str
    errors: str


def run_forked(plan: Plan, seconds: float, interfere: Callable[[int], Any] | None = None) -> Ended:
    """Runs the step in a process forked from one that has everything imported; `interfere` gets its id."""
    from tests.faults import step

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=step.run_forked, args=(plan.dumps(),))
    _empty(plan)
    with _ONE_AT_A_TIME:
        process.start()
    try:
        if interfere is not None and process.pid is not None:
            interfere(process.pid)
        wait([process.sentinel], seconds)
    finally:
        with _ONE_AT_A_TIME:
            code = process.exitcode
            if code is None:
                process.kill()
            process.join()
            process.close()
    folder = Path(plan.folder)
    texts = [(folder / name).read_text() if (folder / name).exists() else "" for name in ("out", "err")]
    return Ended(code, *texts)


def _empty(plan: Plan) -> None:
    """Forgets what an earlier process of the same cell wrote."""
    for name in ("out", "err"):
        (Path(plan.folder) / name).unlink(missing_ok=True)


def run_fresh(plan: Plan, seconds: float, interfere: Callable[[int], Any] | None = None) -> Ended:
    """Runs the step in an interpreter of its own."""
    own = official.environment(plan) if plan.client == OFFICIAL else plan.environment
    folder = Path(plan.folder)
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.step", plan.dumps()],
            cwd=ROOT,
            env={**os.environ, **own, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            if interfere is not None:
                interfere(process.pid)
            process.wait(seconds)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Ended(code, (folder / "out").read_text(), (folder / "err").read_text())


@contextlib.contextmanager
def arranged(server: LocalServer, folder: Path, wanted: Plan, **options: Any) -> Iterator[tuple[Gate, Plan]]:
    """A gate before the server and a plan for a step behind it; both belong to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fault = FAULTS[NAMES.index(wanted.fault)] if wanted.fault else None
    certificates = Certificates(folder) if fault is not None and fault.stranger else None
    key = wanted.experiment_key or uuid.uuid4().hex
    wanted = replace(wanted, folder=str(folder), api_key=server.api_key, experiment_key=key)
    board = Board(wanted.board_file)
    gate = Gate(server.url, board, rate=wanted.rate, certificates=certificates, **options)
    root = gate.root
    environment = dict(wanted.environment)
    if certificates is not None:
        bundle = str(certificates.bundle)
        environment.update(COMET_INCLUDE_CUSTOM_CA_BUNDLE=bundle, REQUESTS_CA_BUNDLE=bundle)
    if fault is not None and fault.unknown_host:
        root = f"http://comet.invalid:{gate.port}"
    try:
        yield gate, replace(wanted, root=root, environment=environment)
    finally:
        gate.close()
        board.close()


def sync(server: LocalServer, gate: Gate, plan: Plan) -> list[dict[str, Any]]:
    """Delivers what the step left, as its user would; the rows of what is left even then."""
    if not plan.journals.exists() or not any(plan.journals.iterdir()):
        return []
    done = run_forked(replace(plan, story="adopts", detail={}), SYNC_SECONDS)
    if done.exit_code != 0:
        return [{"reason": f"the command ended with {done.exit_code}: {done.errors}"}]
    return [row for row in json.loads(done.output)["journals"] if row["left"]]


def _fault_passes(gate: Gate) -> None:
    gate.board["fault"] = 0
    deadline = time.monotonic() + 10
    while gate.board["applied"] and time.monotonic() < deadline:
        time.sleep(0.002)


def settled(server: LocalServer, gate: Gate, plan: Plan, ended: Ended, *, slack: int = 0) -> Outcome:
    """What came of the step, after what it left was delivered."""
    counts = gate.board.counts()
    before = balance(counts, read(server, plan.experiment_key), slack=slack)
    _fault_passes(gate)
    left: list[dict[str, Any]] = []
    others: list[str] = []
    if plan.client == OFFICIAL:
        others = official.upload(replace(plan, root=gate.root), SYNC_SECONDS)
    else:
        left = sync(server, gate, plan)
    received = merged(read(server, plan.experiment_key), [read(server, key) for key in others])
    return Outcome(
        ended.exit_code,
        ended.output,
        ended.errors,
        Report.load(plan.report_file),
        balance(counts, received, slack=slack),
        received.running,
        received.crashed,
        before.lost,
        left,
        gate.met,
        len(others),
    )


def wait_and_send(board: Board, calls: int, number: int) -> Callable[[int], None]:
    """For `interfere`: sends a signal as soon as so many calls have come back, or the step is gone without them."""

    def interfere(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            while board.count("metrics") < calls:
                time.sleep(0.0005)
                os.kill(pid, 0)
            os.kill(pid, number)

    return interfere


def played(server: LocalServer, folder: Path, cell: Cell, seconds: float) -> Outcome:
    """A step from its start until what it left is delivered."""
    run = run_fresh if cell.fresh or cell.plan.client == OFFICIAL else run_forked
    with arranged(server, folder, cell.plan) as (gate, ready):
        interfere = wait_and_send(gate.board, 500, cell.signalled) if cell.signalled else None
        return settled(server, gate, ready, run(ready, seconds, interfere), slack=cell.slack)
