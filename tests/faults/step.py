"""The step: it works, logs, counts the calls that came back, and returns what it computed.

Runs as a process of its own, forked from one that has imported everything (`run_forked`) or started from nothing
(`python -m tests.faults.step PLAN`).
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults import hurry, touches
from tests.faults.board import Board
from tests.faults.catalog import OUTAGE_SECONDS, number_of
from tests.faults.plan import OFFICIAL, Plan, Report

hurry.install()
touches.install()

# How often in a step's life it logs the rarer kinds, each in a request of its own.
RARER = 6


class Step:
    """One step under way: its experiment, its counters, the times its calls took."""

    def __init__(self, plan: Plan, board: Board, *, writer: int = 0, timed: bool = True) -> None:
        self.plan = plan
        self.board = board
        self.writer = writer
        self.every = max(1, plan.points // RARER)
        self.nanoseconds: deque[int] = deque(maxlen=None if timed else 1)
        self.logged = 0
        self.total = 0.0
        self.experiment: Any = None
        self.opened_seconds = 0.0

    def open(self, **arguments: Any) -> None:
        """Makes the experiment."""
        start = time.monotonic()
        self.experiment = _open(self.plan, arguments)
        self.opened_seconds = time.monotonic() - start

    def log(self, points: int) -> None:
        """Works and logs, counting each call once it is back."""
        log_metric, now, name = self.experiment.log_metric, time.perf_counter_ns, f"m{self.writer}"
        for number in range(self.logged, self.logged + points):
            value = number * 0.5
            self.total += value
            before = now()
            log_metric(name, value, step=number)
            self.nanoseconds.append(now() - before)
            self.board.returned("metrics", self.writer)
            if number % self.every == 0:
                self._log_rarer_kinds(number // self.every)
        self.logged += points

    @property
    def points_of_rarer_kinds(self) -> int:
        """How many of each of the rarer kinds have been logged."""
        return -(-self.logged // self.every)

    def _log_rarer_kinds(self, number: int) -> None:
        writer = self.writer
        self.experiment.log_parameter(f"p{writer}.{number}", number)
        self.board.returned("parameters", writer)
        self.experiment.log_html(f"<p>{writer}.{number}</p>")
        self.board.returned("html", writer)
        # The official command uploads again under known asset ids, which the local Comet takes for somebody else's.
        if self.plan.client != OFFICIAL:
            self.experiment.log_asset_data(f"{writer}.{number}", name=f"a{writer}.{number}")
            self.board.returned("assets", writer)

    def log_over(self, points: int, seconds: float, parts: int = 10) -> None:
        """Logs in parts, while so many seconds of the step's clock go by."""
        for part in range(parts):
            self.log(points * (part + 1) // parts - points * part // parts)
            hurry.pause(seconds / parts)

    def meet(self, fault: str) -> None:
        """Asks the gate for a fault, and waits until it is there; "" for none: then until the last one has struck."""
        number = number_of(fault) if fault else 0
        _break_names(fault == "DNS failure")
        self.board["fault"] = number
        while self.board["applied"] != number or (number == 0 and self.board["struck"]):
            hurry.pause(0.02)

    def end(self) -> Report:
        """Ends the experiment and tells how that went."""
        self.board["closing"] = 1
        start = time.monotonic()
        if self.plan.client == OFFICIAL:
            self.experiment.end()
            said: dict[str, Any] = {}
        else:
            report = self.experiment.end(self.plan.timeout)
            said = {"delivered": report.delivered, "reason": report.reason, "stats": _plain(self.experiment.stats())}
        return self.report(end_seconds=time.monotonic() - start, **said)

    def report(self, **said: Any) -> Report:
        """The figures so far."""
        times = sorted(self.nanoseconds) or [0]
        return Report(
            opened_seconds=self.opened_seconds,
            mean_us=sum(times) / len(times) / 1000,
            p99_us=times[len(times) * 99 // 100] / 1000,
            **said,
        )


def _plain(stats: Any) -> dict[str, Any]:
    names = ("accepted", "sent", "pending", "refused", "dropped")
    return {name: _whole(getattr(stats, name)) for name in names}


def _whole(count: Any) -> int:
    """A count that may be one by reason."""
    return sum(count.values()) if isinstance(count, dict) else int(count)


_resolve: Callable[..., Any] = __import__("socket").getaddrinfo


def _break_names(broken: bool) -> None:
    import socket

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "comet.invalid":
            return _resolve(host, *arguments, **options)
        if broken:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return _resolve("127.0.0.1", *arguments, **options)

    socket.getaddrinfo = resolve


def _open(plan: Plan, arguments: dict[str, Any]) -> Any:
    if plan.client == OFFICIAL:
        from tests.faults import official

        return official.open_experiment(plan)
    from zenml_comet_tracker.comet.experiment import Experiment

    given = {
        "api_key": plan.api_key,
        "url": plan.root,
        "experiment_key": plan.experiment_key,
        "workspace": "w",
        "project_name": "faults",
        "journal_folder": plan.journals,
        **plan.arguments,
        **arguments,
    }
    return Experiment(**given)


def network(plan: Plan, board: Board) -> Step:
    """The network's faults: one of them, in one of the windows."""
    step = Step(plan, board)
    third = plan.points // 3
    if plan.window == "start":
        step.meet(plan.fault)
    step.open()
    if plan.window == "start":
        step.log_over(third, OUTAGE_SECONDS)
        step.meet("")
    else:
        # The experiment is open and something is delivered when the fault comes.
        step.log_over(third, 2.0)
    if plan.window in ("middle", "on"):
        step.meet(plan.fault)
    step.log_over(third, OUTAGE_SECONDS if plan.window in ("middle", "on") else 2.0)
    if plan.window == "middle":
        step.meet("")
    # The client has read what became of its requests in the fault by the time that the step comes to its end.
    step.log_over(plan.points - 2 * third, 10.0 if plan.window in ("start", "middle") else 2.0)
    if plan.window == "end":
        step.meet(plan.fault)
    step.end().save(plan.report_file)
    return step


def run(plan: Plan) -> float:
    """Runs the step; what it computed."""
    from tests.faults import stories

    os.environ.update(plan.environment)
    _break_names(False)
    hurry.turn_at(plan.rate)
    board = Board(plan.board_file)
    board["pid"] = os.getpid()
    story = network if plan.story == "network" else getattr(stories, plan.story)
    total: float = story(plan, board).total
    return total


def run_forked(text: str) -> None:
    """Runs the step in a forked process, its output in files of the plan's folder; ends it with exit code 0."""
    plan = Plan.loads(text)
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(Path(plan.folder) / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    print(run(plan), flush=True)


if __name__ == "__main__":
    import signal

    from tests.faults import step as itself

    # A shell lets what it runs in the background ignore an interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(itself.run(Plan.loads(sys.argv[1])), flush=True)
