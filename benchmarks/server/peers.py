"""What the local Comet is measured beside: the bare work, a table with a row for every point, and mlflow's server."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import requests

from zenml_comet_tracker.local.store.points import pack_integers, pack_numbers

_START_SECONDS = 120


def database(path: Path) -> sqlite3.Connection:
    """A database that keeps what was committed as ours does."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


class Floor:
    """The least there is to do: orjson, and packed chunks into one table, a commit a batch."""

    def __init__(self, path: Path) -> None:
        self._database = database(path)
        self._database.execute(
            "CREATE TABLE chunk (id INTEGER PRIMARY KEY, count, vals BLOB, steps BLOB, epochs BLOB, millis BLOB)"
        )

    def ingest(self, body: bytes) -> None:
        """Stores one batch of one metric."""
        values = orjson.loads(body)["values"]
        columns = (
            pack_numbers(np.array([value["metricValue"] for value in values], np.float64)),
            pack_integers(np.array([value["step"] for value in values], np.int64)),
            pack_numbers(np.array([value["epoch"] for value in values], np.float64)),
            pack_integers(np.array([value["timestamp"] for value in values], np.int64)),
        )
        self._database.execute("BEGIN IMMEDIATE")
        insert = "INSERT INTO chunk (count, vals, steps, epochs, millis) VALUES (?, ?, ?, ?, ?)"
        self._database.execute(insert, (len(values), *columns))
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Closes the database."""
        self._database.close()


class RowAPoint:
    """A plain table with one row a point, and the index by which a metric's points are found in their order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = database(path)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS point (metric_id INTEGER, step INTEGER, value REAL, epoch REAL, millis INTEGER)"
        )
        self._database.execute("CREATE INDEX IF NOT EXISTS point_of_metric ON point (metric_id, step)")

    def ingest(self, body: bytes) -> None:
        """Stores one batch."""
        values = orjson.loads(body)["values"]
        rows = [(1, value["step"], value["metricValue"], value["epoch"], value["timestamp"]) for value in values]
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT INTO point VALUES (?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def read(self) -> list[Any]:
        """Every point of the metric, in order."""
        query = "SELECT step, value, epoch, millis FROM point WHERE metric_id = 1 ORDER BY step"
        return self._database.execute(query).fetchall()

    def chart(self, buckets: int, steps: int) -> list[Any]:
        """Minimum and maximum of each bucket."""
        query = "SELECT step * ? / ? AS bucket, min(value), max(value) FROM point WHERE metric_id = 1 GROUP BY bucket"
        return self._database.execute(query, (buckets, steps)).fetchall()

    def close(self) -> int:
        """Closes the database; gives its size in bytes."""
        self._database.close()
        return self._path.stat().st_size


class Mlflow:
    """mlflow's server on SQLite, and one run on it."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._session = requests.Session()
        self._session.trust_env = False
        answer = self._post("runs/create", {"experiment_id": "0", "start_time": 0})
        self._run = answer["run"]["info"]["run_id"]

    def ingest(self, body: bytes) -> None:
        """Logs one batch."""
        metrics = [
            {"key": value["metricName"], "value": value["metricValue"]}
            | {"step": value["step"], "timestamp": value["timestamp"]}
            for value in orjson.loads(body)["values"]
        ]
        self._post("runs/log-batch", {"run_id": self._run, "metrics": metrics})

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        url, headers = f"{self._root}/api/2.0/mlflow/{path}", {"Content-Type": "application/json"}
        answer = self._session.post(url, data=orjson.dumps(body), headers=headers, timeout=120)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def mlflow(folder: Path, pinned: list[str]) -> Iterator[Mlflow | None]:
    """mlflow's server with one process; None, said on the error stream, when it is not installed or does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*pinned, sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "mlflow.log").open("wb") as log:
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            root = f"http://127.0.0.1:{port}"
            yield Mlflow(root) if _answers(process, root) else None
        finally:
            # Its workers are in its session.
            _end(process)


def _answers(process: subprocess.Popen[bytes], root: str) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(f"{root}/health", timeout=5, proxies={"no": "*"}).ok:
                return True
        except requests.RequestException:
            time.sleep(0.2)
    print("mlflow's server did not start and is left out; `make bench` brings it.", file=sys.stderr)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, 15)
        process.wait(20)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
