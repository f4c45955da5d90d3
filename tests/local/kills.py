"""`kill -9` of the server again and again while sixteen writers log: what was answered is there, marked values once.

python -m tests.local.kills [KILLS]
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import sys
import tempfile
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.local import launch, lock
from zenml_comet_tracker.local.store.integrity import examine

PATIENCE_SECONDS = 60.0


class Board:
    """What the writers and the killer know of each other."""

    def __init__(self, data: Path, seed: int) -> None:
        self.data = data
        self.seed = seed
        self.server = launch.ensure(data)
        self.answered = 0
        self.stop = threading.Event()
        self.given_up = threading.Event()
        self._changed = threading.Condition()

    def note_answer(self) -> None:
        """One more request was answered by 200."""
        with self._changed:
            self.answered += 1
            self._changed.notify_all()

    def wait_for_answers(self, count: int) -> None:
        """Waits until there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.answered >= count, PATIENCE_SECONDS), "nobody is answered"

    def reader(self) -> LocalServer:
        """The server as tests call it."""
        session = requests.Session()
        session.trust_env = False
        return LocalServer(self.server.url, self.server.api_key, self.data, None, session)


class Writer(ABC, threading.Thread):
    """Sends one thing after the other to its experiment; what has no answer is sent again when it is `marked`."""

    lane = ""

    def __init__(self, board: Board, key: str, number: int, *, marked: bool) -> None:
        super().__init__(name=f"{type(self).__name__}-{number}", daemon=True)
        self.board, self.key, self.number, self.marked = board, key, number, marked
        self.chance = random.Random(f"{board.seed}/{number}")
        self.label = f"{type(self).__name__.lower()}-{number}"
        self.sent = 0
        self.answered: list[int] = []
        self.refusals: list[str] = []
        self._writer = uuid.uuid4().hex
        self._face = board.reader()

    def run(self) -> None:
        """Sends until it is told to stop; what is marked and under way is brought to its end."""
        while not self.board.stop.is_set():
            first, count = self.sent + 1, self.size()
            self.sent += count
            while not self._goes_well(first, count):
                time.sleep(0.02)
                if not self.marked or self.board.given_up.is_set():
                    break

    def size(self) -> int:
        """How many values the next request is to carry."""
        return 1

    @abstractmethod
    def request(self, first: int, count: int) -> tuple[str, dict[str, Any]]:
        """Path and arguments of the request that carries these values."""

    @abstractmethod
    def faults(self, server: LocalServer) -> list[str]:
        """What of this writer's is not as it should be."""

    def _goes_well(self, first: int, count: int) -> bool:
        path, arguments = self.request(first, count)
        headers = {"X-Comet-Lane": f"{self._writer}/{self.lane}/{first}"} if self.marked else {}
        try:
            answer = self._face.call("POST", path, headers=headers, **arguments)
        except requests.RequestException:
            return False
        if answer.status_code != 200:
            self.refusals.append(answer.text[:300])
            return False
        self.answered += range(first, first + count)
        self.board.note_answer()
        return True

    def compare(self, found: list[int]) -> list[str]:
        """What is wrong with the values that are there."""
        wrong = [f"{self.label}: refused: {text}" for text in self.refusals[:3]]
        counted = Counter(found)
        lost = [value for value in self.answered if value not in counted]
        repeated = [value for value, count in counted.items() if count > 1]
        invented = [value for value in counted if not 1 <= value <= self.sent]
        for what, values in (("lost", lost), ("repeated", repeated), ("invented", invented)):
            if values:
                wrong.append(f"{self.label}: {len(values)} {what}, the first is {min(values)}")
        if self.marked and found != list(range(1, self.sent + 1)):
            wrong.append(f"{self.label}: {len(found)} of {self.sent} are there in order")
        return wrong


class Metrics(Writer):
    """Batches of values, which count up."""

    lane = "metrics"

    def size(self) -> int:
        return self.chance.choice([1, 7, 100, 400])

    def request(self, first: int, count: int) -> tuple[str, dict[str, Any]]:
        values = [{"metricName": self.label, "metricValue": n, "step": n} for n in range(first, first + count)]
        return "clientlib/batch/logger/experiment/metric", {"json": {"experimentKey": self.key, "values": values}}

    def faults(self, server: LocalServer) -> list[str]:
        points = server.get("experiment/metrics/get-metric", experimentKey=self.key, metricName=self.label)["metrics"]
        return self.compare([int(float(point["metricValue"])) for point in points])


class Lines(Writer):
    """Lines of output, numbered."""

    lane = "rest"

    def request(self, first: int, count: int) -> tuple[str, dict[str, Any]]:
        lines = [{"output": f"{self.label} {first}"}]
        return "api/rest/v2/write/experiment/output", {"json": {"experimentKey": self.key, "outputLines": lines}}

    def faults(self, server: LocalServer) -> list[str]:
        lines = server.get("experiment/output", experimentKey=self.key)["output"].splitlines()
        return self.compare([int(line.split()[1]) for line in lines if line.startswith(f"{self.label} ")])


class Files(Writer):
    """Files, small and large, whose content tells their number."""

    lane = "files"

    def request(self, first: int, count: int) -> tuple[str, dict[str, Any]]:
        params = {"experimentId": self.key, "fileName": f"{self.label} {first}"}
        return "clientlib/asset/upload", {"params": params, "files": {"file": self._content(first)}}

    def faults(self, server: LocalServer) -> list[str]:
        listed = server.get("experiment/asset/list", experimentKey=self.key)["assets"]
        own = [asset for asset in listed if asset["fileName"].startswith(f"{self.label} ")]
        wrong: list[str] = []
        for asset in own:
            got = server.call("GET", "api/rest/v2/experiment/asset/get-asset", params={"assetId": asset["assetId"]})
            expected = self._content(int(asset["fileName"].split()[1]))
            if hashlib.sha256(got.content).digest() != hashlib.sha256(expected).digest():
                wrong.append(f"{asset['fileName']} has another content: {got.status_code}, {len(got.content)} bytes")
        return wrong + self.compare(sorted(int(asset["fileName"].split()[1]) for asset in own))

    def _content(self, number: int) -> bytes:
        repeats = (1, 3000, 150_000)[number % 3]
        return f"{self.label} {number}\n".encode() * repeats


# Six marked and four plain writers of metrics, two and one of output, two and one of files.
WRITERS: list[tuple[type[Writer], bool]] = [
    *[(Metrics, True)] * 6,
    *[(Metrics, False)] * 4,
    *[(Lines, True)] * 2,
    (Lines, False),
    *[(Files, True)] * 2,
    (Files, False),
]
_EXPERIMENTS = 4


@dataclass
class Outcome:
    """What came of it: `problems` is empty when all is well."""

    kills: int = 0
    answered: int = 0
    unanswered: int = 0
    points: int = 0
    files: int = 0
    orphans: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def play(data: Path, kills: int, seed: int, most: int = 150) -> Outcome:
    """Kills the server of the data folder so many times, each after up to `most` answers and a random moment."""
    started, chance, outcome = time.monotonic(), random.Random(seed), Outcome(kills)
    board = Board(data, seed)
    keys = [uuid.uuid4().hex for _ in range(_EXPERIMENTS)]
    for key in keys:
        board.reader().sdk("logger/add/run", experimentKey=key)
    turn = itertools.cycle(keys)
    writers = [kind(board, next(turn), number, marked=marked) for number, (kind, marked) in enumerate(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        for number in range(kills):
            board.wait_for_answers(board.answered + chance.randint(1, most))
            time.sleep(chance.random() * 0.02)
            _kill(board)
            outcome.problems += [f"after kill {number + 1}: {problem}" for problem in examine(data).problems]
            board.server = launch.ensure(data)
        # The last start is to work too.
        board.wait_for_answers(board.answered + most // 3)
    except BaseException:
        board.given_up.set()
        raise
    finally:
        board.stop.set()
        for writer in writers:
            writer.join(PATIENCE_SECONDS)
    outcome.problems += [f"{writer.name} does not end" for writer in writers if writer.is_alive()]
    for writer in writers:
        outcome.problems += writer.faults(board.reader())
        outcome.answered += len(writer.answered)
        outcome.unanswered += writer.sent - len(writer.answered)
    launch.stop(data)
    report = examine(data)
    outcome.problems += report.problems
    outcome.points, outcome.files, outcome.orphans = report.points, report.files, report.orphans
    outcome.seconds = time.monotonic() - started
    return outcome


def _kill(board: Board) -> None:
    os.kill(board.server.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while lock.holder(board.data) is not None:
        assert time.monotonic() < deadline, "the server does not die"
        time.sleep(0.005)


def main() -> int:
    """The long form: says what came of it, and fails when anything was lost."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory(prefix="zenml-comet-kills-") as folder:
        data = Path(folder) / "data"
        try:
            outcome = play(data, kills, seed=random.randrange(1 << 32))
        finally:
            launch.stop(data)
    print(
        f"{outcome.kills} kills in {outcome.seconds:.0f} s: {outcome.answered:,} values were answered, "
        f"{outcome.unanswered:,} were not; {outcome.points:,} points, {outcome.files} files, {outcome.orphans} orphans "
        f"are there; {len(outcome.problems)} problems"
    )
    for problem in outcome.problems:
        print(problem)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
