"""Batches of 1,000 points into a server on one core, and sixteen writers at once."""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.server import peers
from benchmarks.server.inside import Inside
from benchmarks.server.rows import Row
from benchmarks.server.wire import BATCH, BATCH_POINTS, Connection, batches
from zenml_comet_tracker.local import launch
from zenml_comet_tracker.local.launch import RunningServer

BATCHES = 150
# mlflow takes a second for a batch.
MLFLOW_BATCHES = 5
WRITERS = 16
WRITER_BATCHES = 40
WRITER_NAMES = 10


def ingest(folder: Path, rounds: int) -> Iterator[Row]:
    """Points a second of our server, of the bare work, of a row a point and of mlflow's server, each on one core."""
    key = uuid.uuid4().hex
    bodies = batches(key, BATCHES)
    pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    ours, inside, floor, rows, theirs = [], [], [], [], []
    with _server(folder / "ours", core=0) as server, peers.mlflow(folder, pinned) as mlflow:
        for number in range(rounds):
            with closing(peers.Floor(folder / f"floor{number}.db")) as bare:
                floor.append(_rate(bare.ingest, bodies))
            with closing(peers.RowAPoint(folder / f"rows{number}.db")) as plain:
                rows.append(_rate(plain.ingest, bodies))
            with closing(Inside(folder / f"inside{number}", key)) as stored:
                inside.append(_rate(stored.ingest, bodies))
            ours.append(_served(server, number == 0))
            if mlflow is not None:
                theirs.append(_rate(mlflow.ingest, bodies[:MLFLOW_BATCHES]))
    rate, alone, plain_rate = (statistics.median(rates) for rates in (ours, inside, rows))
    figure = "ingest in batches of 1,000, over HTTP"
    yield Row(figure, "points/s", rate, "least", 0.4, "orjson and packed chunks alone", statistics.median(floor))
    if theirs:
        yield Row(figure, "points/s", rate, "least", 20, "mlflow server on SQLite", statistics.median(theirs))
    yield Row(figure, "points/s", rate, "least", 2, "one row a point, without HTTP", plain_rate)
    yield Row("the same without HTTP", "points/s", alone, "least", 2, "one row a point, without HTTP", plain_rate)


def writers(folder: Path, rounds: int) -> Iterator[Row]:
    """Sixteen connections that send without a pause: what they are answered, how soon, and what is there in the end."""
    took: list[float] = []
    refused = 0
    sent = WRITERS * WRITER_BATCHES * BATCH_POINTS * rounds
    with _server(folder / "data") as server:
        for _ in range(rounds):
            keys = [uuid.uuid4().hex for _ in range(WRITERS)]
            answers = _at_once(server, {key: batches(key, WRITER_BATCHES, WRITER_NAMES) for key in keys})
            took += [seconds for _, seconds in answers]
            refused += sum(status != 200 for status, _ in answers)
    with closing(sqlite3.connect(folder / "data" / "comet.db")) as connection:
        (summed,) = connection.execute('SELECT sum("count") FROM metric').fetchone()
        (stored,) = connection.execute('SELECT sum("count") FROM chunk').fetchone()
    figure = f"{WRITERS} writers at once, 1,000 points of {WRITER_NAMES} metrics a batch"
    yield Row(f"{figure}: 99th percentile", "ms", sorted(took)[int(len(took) * 0.99)] * 1e3, "most", 250)
    yield Row(f"{figure}: refused", "answers", refused, "most", 0)
    yield Row(f"{figure}: missing or twice", "points", abs(sent - stored) + abs(sent - summed), "most", 0)


def _rate(store: Callable[[bytes], None], bodies: Sequence[bytes]) -> float:
    # The first batch finds code and connection cold.
    store(bodies[0])
    with _on_core(0):
        start = time.perf_counter()
        for body in bodies:
            store(body)
        return len(bodies) * BATCH_POINTS / (time.perf_counter() - start)


def _served(server: RunningServer, cold: bool) -> float:
    """Points a second with two connections, so that the server never waits for the client."""
    keys = [uuid.uuid4().hex for _ in range(2)]
    if cold:
        _at_once(server, {uuid.uuid4().hex: batches(uuid.uuid4().hex, 1)})
    bodies = {key: batches(key, BATCHES // 2) for key in keys}
    with _on_core((os.cpu_count() or 1) - 1):
        start = time.perf_counter()
        answers = _at_once(server, bodies)
        seconds = time.perf_counter() - start
    if any(status != 200 for status, _ in answers):
        raise ConnectionError("The server refused a batch.")
    return sum(map(len, bodies.values())) * BATCH_POINTS / seconds


def _at_once(server: RunningServer, bodies: dict[str, list[bytes]]) -> list[tuple[int, float]]:
    """Sends each experiment's batches over a connection of its own; gives status and seconds of each answer."""
    answers: list[tuple[int, float]] = []
    connections = {key: Connection(server) for key in bodies}
    for key, connection in connections.items():
        connection.begin(key)

    def send(key: str) -> None:
        for body in bodies[key]:
            start = time.perf_counter()
            status = connections[key].post(BATCH, body)
            answers.append((status, time.perf_counter() - start))

    _together([threading.Thread(target=send, args=(key,)) for key in bodies])
    for connection in connections.values():
        connection.close()
    return answers


def _together(threads: Iterable[threading.Thread]) -> None:
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


@contextmanager
def _server(folder: Path, core: int | None = None) -> Iterator[RunningServer]:
    """Our server as users get it, on one core if so asked."""
    with _on_core(core):
        server = launch.ensure(folder)
    try:
        yield server
    finally:
        launch.stop(folder)


@contextmanager
def _on_core(core: int | None) -> Iterator[None]:
    """This process, and what it starts, on one core for a while, where the system has a say in that."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
