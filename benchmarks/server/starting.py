"""How long a server takes to come up, until it is announced and until it answers, and to go."""

from __future__ import annotations

import statistics
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.server.rows import Row
from zenml_comet_tracker.local import launch


def starting(folder: Path, rounds: int) -> Iterator[Row]:
    """A start from nothing running, in an empty data folder and in one that has been used; and a stop."""
    announced: list[float] = []
    answered: list[float] = []
    stopped: list[float] = []
    for at in range(rounds + 1):
        began = time.perf_counter()
        server = launch.ensure(folder)
        known = time.perf_counter()
        _ask(server)
        answers = time.perf_counter()
        launch.stop(folder)
        if at == 0:
            # The first makes key, folder and tables, and reads modules that the disk has not read yet.
            yield Row("first start until the first answer", "s", answers - began, "most", 2.5)
            continue
        announced.append(known - began)
        answered.append(answers - began)
        stopped.append(time.perf_counter() - answers)
    yield Row("start until it is announced", "s", statistics.median(announced), "most", 2.5)
    yield Row("start until the first answer to a key", "s", statistics.median(answered), "most", 2.5)
    yield Row("stop, with the write-ahead log folded", "s", statistics.median(stopped), "most", 2.5)


def _ask(server: launch.RunningServer) -> None:
    request = urllib.request.Request(f"{server.url}/api/rest/v2/workspaces", headers={"Authorization": server.api_key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
