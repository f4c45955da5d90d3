"""Killing: of writers, of adopters, of servers, at random and at the worst places."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import requests

from tests.faults.board import Board
from tests.faults.cell import Outcome, arranged, run_forked, settled, wait_and_send
from tests.faults.gate import Gate, killing
from tests.faults.plan import Plan
from tests.faults.readback import balance, read
from tests.fixtures.local_server import KEY, LocalServer
from zenml_comet_tracker.local import launch

# Small segments, so that a short step rotates them; a clock fast enough to deliver a few batches meanwhile.
PLAN = Plan("", "", "", "", story="plain", rate=10.0, arguments={"journal_max_bytes": 256 << 10})
SECONDS = 60.0


def touches_of(server: LocalServer, folder: Path, plan: Plan = PLAN) -> list[str]:
    """How a healthy step touches its journal, in order."""
    with arranged(server, folder, replace(plan, story="notes_touches")) as (_, ready):
        ended = run_forked(ready, SECONDS)
    assert ended.exit_code == 0, ended.errors
    return (folder / "touches").read_text().splitlines()


def writer_at_touch(server: LocalServer, folder: Path, pattern: str, nth: int) -> Outcome:
    """A writer that dies at its n-th touch of the journal that looks like the pattern."""
    plan = replace(PLAN, story="dies_at", detail={"place": (pattern, nth)})
    with arranged(server, folder, plan) as (gate, ready):
        return settled(server, gate, ready, run_forked(ready, SECONDS), slack=1)


def writer_at_random(server: LocalServer, folder: Path, seed: int) -> Outcome:
    """A writer that dies after a random number of its calls."""
    calls = random.Random(seed).randrange(0, PLAN.points)
    with arranged(server, folder, PLAN) as (gate, ready):
        interfere = wait_and_send(gate.board, calls, signal.SIGKILL)
        return settled(server, gate, ready, run_forked(ready, SECONDS, interfere), slack=1)


def writer_in_request(server: LocalServer, folder: Path, request: int, moment: str) -> Outcome:
    """A writer that dies in the middle of its n-th request, or when that is stored and not yet answered."""
    folder.mkdir(parents=True, exist_ok=True)
    on_request = killing(Board(folder / "board"), request, moment)
    with arranged(server, folder, PLAN, on_request=on_request) as (gate, ready):
        return settled(server, gate, ready, run_forked(ready, SECONDS), slack=1)


@contextlib.contextmanager
def left_behind(server: LocalServer, folder: Path) -> Iterator[tuple[Gate, Plan]]:
    """A gate, and the plan of a step that died behind it while it was shut."""
    with arranged(server, folder, replace(PLAN, story="leaves")) as (gate, ready):
        gate.board["fault"] = 1
        run_forked(ready, SECONDS)
        gate.board["fault"] = 0
        wait_until(lambda: gate.board["applied"] == 0)
        yield gate, ready


def adopter(server: LocalServer, folder: Path, *, place: tuple[str, int] | None = None, request: int = 0) -> Outcome:
    """A `sync` that dies at a touch of the journal, or in its n-th request; another one follows."""
    with left_behind(server, folder) as (gate, ready):
        if request:
            gate.requests = 0
            gate.on_request = killing(gate.board, request, "answered")
        ended = run_forked(replace(ready, story="adopts", detail={"place": place}), SECONDS)
        gate.on_request = lambda number, moment: None
        return settled(server, gate, ready, ended, slack=1)


def successor_at_random(server: LocalServer, folder: Path, seed: int) -> Outcome:
    """A step that logs beside the journal of a dead one, which it delivers, and dies too; both are in the balance."""
    with left_behind(server, folder) as (gate, first):
        second = replace(
            first,
            folder=str(folder / "second"),
            story="plain",
            experiment_key=uuid.uuid4().hex,
            arguments={**first.arguments, "journal_folder": str(first.journals)},
        )
        (folder / "second").mkdir()
        board = Board(second.board_file)
        calls = random.Random(seed).randrange(PLAN.points // 2, PLAN.points)
        ended = run_forked(second, SECONDS, wait_and_send(board, calls, signal.SIGKILL))
        outcome = settled(server, gate, first, ended, slack=1)
        own = balance(board.counts(), read(server, second.experiment_key), slack=1)
        board.close()
        return replace(outcome, balance=outcome.balance + own)


def server_at_random(folder: Path, seed: int) -> Outcome:
    """A server, as users get it, that dies in the middle of things and is started again."""
    data = folder / "server"
    with (
        LocalServerDaemon(data) as daemon,
        arranged(daemon.face, folder, replace(PLAN, points=2000, timeout=600.0)) as (gate, ready),
    ):
        calls = random.Random(seed).randrange(100, 1900)

        def interfere(pid: int) -> None:
            wait_and_send(gate.board, calls, 0)(pid)
            daemon.kill()
            daemon.start()

        return settled(daemon.face, gate, ready, run_forked(ready, SECONDS, interfere))


class LocalServerDaemon:
    """The server of a data folder in a process of its own, at one port all the time.

    Its key is none of those that a server has to prove it knows: a gate at another port stands before it.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "api_key").write_text(KEY)
        (data / "api_key").chmod(0o600)

    def __enter__(self) -> LocalServerDaemon:
        self.start()
        return self

    def start(self) -> None:
        """Starts it, if it is not running."""
        self.running = launch.ensure(self.data)
        session = requests.Session()
        session.trust_env = False
        self.face = LocalServer(self.running.url, self.running.api_key, self.data, None, session)

    def kill(self) -> None:
        """Kills it without a warning."""
        os.kill(self.running.pid, signal.SIGKILL)
        wait_until(lambda: launch.find(self.data) is None)

    def __exit__(self, *_: object) -> None:
        launch.stop(self.data)
        self.face.session.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, at most a minute."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.001)
