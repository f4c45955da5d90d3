"""Measures what a tracker adds to a trivial step of ZenML, ours beside ZenML's own: `python -m benchmarks steps`.

Each takes its turn in a fresh process, on one store and one local Comet, then against a port that refuses.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from benchmarks.page import write
from benchmarks.steps.inside import UNTRACKED
from zenml_comet_tracker.local import launch

OURS, BUILT_IN = "ours", "built_in"
MARK = "measured: steps"
LIMIT_SECONDS = 600
HEADINGS = ("figure", "no tracker", "ours adds", "ZenML's own adds", "ratio", "target", "verdict")


@dataclass(frozen=True)
class Row:
    """Seconds: without a tracker, and what each adds. The targets are seconds, and a share of what the peer adds."""

    figure: str
    untracked: float
    ours: float
    theirs: float
    limit: float | None = None
    share: float | None = None

    def cells(self) -> list[str]:
        """As the headings have them."""
        ratio = f"{self.ours / self.theirs:.3f} x" if self.theirs > 0 else ""
        told = [f"at most {self.limit:g} s"] if self.limit is not None else []
        told += [f"{self.share:g} x"] if self.share is not None else []
        figures = [f"{value:.3f} s" for value in (self.untracked, self.ours, self.theirs)]
        return [self.figure, *figures, ratio, ", ".join(told), self.verdict]

    @property
    def verdict(self) -> str:
        """Whether the strictest target is reached."""
        limits = [] if self.limit is None else [self.limit]
        limits += [] if self.share is None else [self.share * self.theirs]
        if not limits:
            return ""
        return "reached" if self.ours <= min(limits) else "missed"


class Bench:
    """A store with a stack for each tracker, and processes that run steps on them."""

    def __init__(self, home: Path, url: str, api_key: str) -> None:
        self._home = home
        foreign = ("COMET_", "ZENML_", "XDG_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self._environment = {
            **kept,
            "HOME": str(home),
            "ZENML_CONFIG_PATH": str(home / "zenml"),
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_LOGGING_VERBOSITY": "ERROR",
            "COMET_ERROR_TRACKING_ENABLE": "false",
            "COMET_LOGGING_CONSOLE": "CRITICAL",
        }
        same = {"api_key": api_key, "workspace": "w", "project_name": "p"}
        components = [
            # The folder is a temporary one here, and a disk that stays where pipelines run.
            {"name": OURS, "flavor": "comet_rest", "configuration": {**same, "journal_persistent": True}},
            {"name": BUILT_IN, "flavor": "comet", "configuration": same},
        ]
        self._child("make", json.dumps(components), url=url)

    def steps(self, stack: str, times: int, url: str) -> tuple[dict[str, list[float]], float]:
        """What `inside.run` measured, and the seconds of the whole process."""
        began = time.perf_counter()
        said = self._child(stack, str(times), url=url)
        return json.loads(said.splitlines()[-1]), time.perf_counter() - began

    def _child(self, *arguments: str, url: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.steps.inside", *arguments],
            env=self._environment | {"COMET_URL_OVERRIDE": f"{url}/clientlib/"},
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT_SECONDS,
            check=True,
        )
        return done.stdout


def figures(bench: Bench, url: str, rounds: int, times: int, stacks: Sequence[str]) -> dict[str, dict[str, float]]:
    """By stack, medians over the rounds: the first pipeline of a process, later ones, later steps, the process."""
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for stack in stacks:
            took, process = bench.steps(stack, times, url)
            mine = found.setdefault(stack, {"first": [], "later": [], "step": [], "processor": [], "process": []})
            mine["first"].append(took["pipeline"][0])
            mine["process"].append(process)
            if times > 1:
                mine["later"].append(statistics.median(took["pipeline"][1:]))
                mine["step"].append(statistics.median(took["step"][1:]))
                mine["processor"].append(statistics.median(took["processor"][1:]))
    return {stack: {name: statistics.median(v) for name, v in all_.items() if v} for stack, all_ in found.items()}


def rows(bench: Bench, url: str, dead: str, rounds: int) -> Iterator[Row]:
    """With a server that answers, and with none."""
    stacks = (UNTRACKED, OURS, BUILT_IN)
    alive = figures(bench, url, rounds, 6, stacks)
    told = {
        "a step": ("step", 0.1, 0.1),
        "a pipeline of one step": ("later", 0.1, 0.1),
        "the same, processor time": ("processor", None, None),
        "the first pipeline of a process": ("first", None, None),
        "the whole process, of six pipelines": ("process", None, None),
    }
    for figure, (name, limit, share) in told.items():
        plain = alive[UNTRACKED][name]
        yield Row(figure, plain, alive[OURS][name] - plain, alive[BUILT_IN][name] - plain, limit, share)
    ours = figures(bench, dead, rounds, 6, (UNTRACKED, OURS))
    # The peer takes half a minute for each.
    theirs = figures(bench, dead, 1, 1, (BUILT_IN,))
    plain = ours[UNTRACKED]
    added = theirs[BUILT_IN]["first"] - plain["first"]
    yield Row("a step, no server", plain["step"], ours[OURS]["step"] - plain["step"], added, 0.2)
    yield Row("a pipeline of one step, no server", plain["later"], ours[OURS]["later"] - plain["later"], added, 0.2)
    yield Row("the first pipeline, no server", plain["first"], ours[OURS]["first"] - plain["first"], added)


@contextmanager
def refusing() -> Iterator[str]:
    """The address of a port that refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def table(rounds: int) -> Iterator[str]:
    """The lines of the table, as they come."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{'---|' * len(HEADINGS)}"
    with tempfile.TemporaryDirectory(prefix="zenml-comet-bench-") as folder, refusing() as dead:
        home = Path(folder)
        server = launch.ensure(home / "comet")
        try:
            bench = Bench(home, server.url, server.api_key)
            for row in rows(bench, server.url, dead, rounds):
                yield f"| {' | '.join(row.cells())} |"
        finally:
            launch.stop(home / "comet")


def circumstances(rounds: int) -> str:
    """When and on what the figures were measured."""
    facts = [
        f"{datetime.now(timezone.utc):%Y-%m-%d}",
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
    ]
    facts += [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in ("zenml", "comet_ml"))]
    return f"{', '.join(facts)}, medians of {rounds} rounds:"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks steps", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--write", action="store_true", help="also put the table into the page on performance")
    options = parser.parse_args(arguments)
    lines = []
    for line in table(options.rounds):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        write(MARK, "\n".join([circumstances(options.rounds), "", *lines]))


if __name__ == "__main__":
    main(sys.argv[1:])
