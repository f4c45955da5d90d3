"""A long step against a server that comes and goes: memory and disk stay flat, and nothing is lost.

python -m tests.faults.soak [SECONDS]
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from tests.faults.catalog import NAMES
from tests.faults.cell import Outcome, arranged, run_forked, settled
from tests.faults.kills import LocalServerDaemon
from tests.faults.plan import Plan

PLAN = Plan("", "", "", "", story="soak", points=600, timeout=120.0)
SAMPLES = 60
# What the allocator may keep for itself; a leak of a hundred bytes a point would be far more.
GROWTH_MB = 8.0
# TLS needs a gate of its own, and a refusal for good is allowed to lose.
_UNFIT = ("TLS error", "DNS failure", "400")


@dataclass(frozen=True)
class Sample:
    """The step at one moment: memory and journal in megabytes."""

    memory: float
    disk: float


@dataclass(frozen=True)
class Soaked:
    """What came of it: `growth` is how much the memory's median rose from the second third to the last."""

    outcome: Outcome
    samples: list[Sample]
    growth: float
    left_on_disk: float

    @property
    def faults(self) -> list[str]:
        """What should not have been; empty when all is well."""
        found = list(self.outcome.balance.faults)
        if self.outcome.exit_code != 0:
            found.append(f"exit code {self.outcome.exit_code}: {self.outcome.errors[-500:]}")
        if self.outcome.balance.lost or self.outcome.balance.repeated:
            found.append(f"{self.outcome.balance.lost} lost, {self.outcome.balance.repeated} repeated")
        if self.growth > GROWTH_MB:
            found.append(f"memory grew by {self.growth:.1f} MB")
        if self.left_on_disk:
            found.append(f"{self.left_on_disk:.1f} MB of journals are left")
        return found


def soak(folder: Path, seconds: float, *, points_a_second: int = 100, seed: int = 1) -> Soaked:
    """Runs a step for so long, with an outage in a third of the time, each of another kind."""
    samples: list[Sample] = []
    plan = replace(PLAN, detail={"seconds": seconds, "points_a_second": points_a_second})
    with LocalServerDaemon(folder / "server") as daemon, arranged(daemon.face, folder, plan) as (gate, ready):
        over = threading.Event()

        def interfere(pid: int) -> None:
            watcher = threading.Thread(target=_watch, args=(pid, ready.journals, seconds, samples))
            trouble = threading.Thread(target=_trouble, args=(daemon, gate, seconds, over, random.Random(seed)))
            watcher.start()
            trouble.start()
            watcher.join()
            over.set()
            trouble.join()

        ended = run_forked(ready, 300.0, interfere)
        left = _megabytes(ready.journals)
        outcome = settled(daemon.face, gate, ready, ended)
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    growth = statistics.median(s.memory for s in last) - statistics.median(s.memory for s in middle)
    return Soaked(outcome, samples, growth, left)


def _trouble(
    daemon: LocalServerDaemon, gate: Any, seconds: float, over: threading.Event, chance: random.Random
) -> None:
    """Lets the server fail for a third of the time; one time in four it is killed and started again."""
    period = min(60.0, seconds / 6)
    faults = [name for name in NAMES if name not in _UNFIT]
    while not over.wait(period * 2 / 3):
        if chance.random() < 0.25:
            daemon.kill()
            over.wait(period / 3)
            daemon.start()
        else:
            gate.board["fault"] = NAMES.index(chance.choice(faults)) + 1
            over.wait(period / 3)
            gate.board["fault"] = 0


def _watch(pid: int, journals: Path, seconds: float, samples: list[Sample]) -> None:
    process = psutil.Process(pid)
    for _ in range(SAMPLES):
        time.sleep(seconds / SAMPLES)
        try:
            memory = process.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            return
        samples.append(Sample(memory, _megabytes(journals)))


def _megabytes(folder: Path) -> float:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            # Delivered between the two looks.
            continue
    return total / 1e6


def main() -> int:
    """Soaks for as many seconds as the first argument says, an hour when it says none."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0
    with tempfile.TemporaryDirectory(prefix="zenml-comet-soak-") as folder:
        soaked = soak(Path(folder), seconds)
    memory, disk = [s.memory for s in soaked.samples], [s.disk for s in soaked.samples]
    print(f"{soaked.outcome.balance.logged} values logged, {soaked.outcome.balance.lost} lost, ", end="")
    print(f"{soaked.outcome.balance.repeated} repeated")
    print(f"memory {min(memory):.1f} to {max(memory):.1f} MB, grown by {soaked.growth:.1f} MB")
    print(f"journals at most {max(disk):.2f} MB, at the end {soaked.left_on_disk:.2f} MB")
    for fault in soaked.faults:
        print(f"FAULT: {fault}")
    return 1 if soaked.faults else 0


if __name__ == "__main__":
    sys.exit(main())
