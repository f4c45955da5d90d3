"""One measurement in a fresh process: `python -m benchmarks.cases CLIENT CASE ROOT`. Prints one JSON object."""

from __future__ import annotations

import importlib
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clients import COMET_ML, FLOOR, MODULES, OPENERS, OURS, TRACKIO, counted
from benchmarks.memory import Peak, resident_mb

Figures = dict[str, float]
Measure = Callable[[str, str], Figures]

TIMED_CALLS = 5_000
LOOP_CALLS = 20_000
DELIVERED_POINTS = 100_000
OUTAGE_POINTS = 1_000_000
STEP_POINTS = 10_000
SMALL_ASSETS = 1_000
LARGE_ASSET_BYTES = 100_000_000


def importing(client: str, _root: str) -> Figures:
    """Seconds and memory of importing the client."""
    start = time.perf_counter()
    for module in MODULES[client]:
        importlib.import_module(module)
    return {"seconds": time.perf_counter() - start, "memory_mb": resident_mb()}


def log_metric(client: str, root: str) -> Figures:
    """Microseconds of one call with one value."""
    opened = OPENERS[client](root)
    opened.started()
    figures = _call_cost(opened.metric, LOOP_CALLS)
    opened.end()
    return figures


def log_metrics(client: str, root: str) -> Figures:
    """Microseconds of one call with ten values."""
    opened = OPENERS[client](root)
    opened.started()
    figures = _call_cost(opened.ten_metrics, LOOP_CALLS // 5)
    opened.end()
    return figures


def _call_cost(call: Callable[[int], object], calls: int) -> Figures:
    """The mean of a bare loop; then median and 99th percentile of calls that are timed one by one."""
    start = time.perf_counter()
    for step in range(calls):
        call(step)
    mean = (time.perf_counter() - start) / calls * 1e6
    took = []
    for step in range(calls, calls + min(calls, TIMED_CALLS)):
        before = time.perf_counter_ns()
        call(step)
        took.append((time.perf_counter_ns() - before) / 1000)
    took.sort()
    return {"mean_us": mean, "median_us": statistics.median(took), "p99_us": took[int(len(took) * 0.99)]}


def create_and_end(client: str, root: str) -> Figures:
    """Seconds of making a run, one metric, and its end: the first of a process, and the second."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        opened = OPENERS[client](root)
        opened.metric(1)
        opened.end()
        seconds.append(time.perf_counter() - start)
    importing_too, warm = seconds
    return {"seconds": warm, "first_with_import_seconds": importing_too}


def deliver(client: str, root: str) -> Figures:
    """Seconds until every one of the points is on the other side, and the memory that takes."""
    opened = OPENERS[client](root)
    opened.started()
    peak = Peak()
    start = time.perf_counter()
    for step in range(DELIVERED_POINTS):
        opened.metric(step)
    logging_us = (time.perf_counter() - start) / DELIVERED_POINTS * 1e6
    opened.end()
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "log_metric_mean_us": logging_us,
        "peak_mb": peak.total_mb(),
        "above_idle_mb": peak.above_idle_mb(),
        "lost": DELIVERED_POINTS - opened.received(),
    }


def outage(client: str, root: str) -> Figures:
    """Memory of a long run above that of the idle client; our own against a port that refuses from the start on."""
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        opened = OPENERS[client](away if client == OURS else root)
        opened.metric(0)
        peak = Peak()
        start = time.perf_counter()
        for step in range(1, OUTAGE_POINTS):
            opened.metric(step)
        seconds = time.perf_counter() - start
        opened.end()
    figures = {"above_idle_mb": peak.above_idle_mb(), "peak_mb": peak.total_mb(), "logging_seconds": seconds}
    return figures | {"lost": OUTAGE_POINTS - opened.kept()}


def small_assets(client: str, root: str) -> Figures:
    """Seconds until many files of 1 kB are on the other side."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.txt" for i in range(SMALL_ASSETS)]
        for path in paths:
            path.write_text(path.name * 150, "utf-8")
        opened = OPENERS[client](root)
        opened.started()
        start = time.perf_counter()
        for path in paths:
            opened.asset(path)
        logged = time.perf_counter() - start
        opened.end()
        return {"seconds": time.perf_counter() - start, "logging_seconds": logged}


def large_asset(client: str, root: str) -> Figures:
    """Seconds until one file of 100 MB is on the other side, and the memory that takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.bin"
        path.write_bytes(bytes(LARGE_ASSET_BYTES))
        opened = OPENERS[client](root)
        opened.started()
        peak = Peak()
        start = time.perf_counter()
        opened.asset(path)
        opened.end()
        return {"seconds": time.perf_counter() - start, "above_idle_mb": peak.above_idle_mb()}


def step(client: str, root: str) -> Figures:
    """Requests of a step's worth of logging: a name, two tags, 10,000 points, the end."""
    opened = OPENERS[client](root)
    opened.started()
    until_started = counted(root)["requests"]
    opened.name_and_tags()
    for number in range(STEP_POINTS):
        opened.metric(number)
    opened.end()
    counts = counted(root)
    beside = counts["requests"] - counts["batches"]
    return {"requests_beside_batches": beside, "batches": counts["batches"], "requests_until_started": until_started}


@dataclass(frozen=True)
class Case:
    """A measurement, who takes part in it, and how often it is worth repeating."""

    measure: Measure
    clients: tuple[str, ...] = (OURS, COMET_ML, TRACKIO, FLOOR)
    most_rounds: int = 99


CASES = {
    "import": Case(importing),
    "log_metric": Case(log_metric),
    "log_metrics_of_10": Case(log_metrics),
    "create_and_end": Case(create_and_end, (OURS, COMET_ML, TRACKIO)),
    "deliver_100000_points": Case(deliver),
    "small_assets_1000": Case(small_assets),
    "large_asset_100_mb": Case(large_asset),
    "step_of_10000_points": Case(step, (OURS, COMET_ML)),
    # A run of the official SDK takes minutes, and its memory is the same each time.
    "outage_1000000_points": Case(outage, (OURS, COMET_ML, TRACKIO), most_rounds=1),
}


if __name__ == "__main__":
    client, case, root_url = sys.argv[1:4]
    print(json.dumps(CASES[case].measure(client, root_url)), flush=True)
