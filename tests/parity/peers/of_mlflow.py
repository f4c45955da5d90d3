"""MLflow: its store is the SQLite file that ZenML keeps beside the artifacts."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Any

from tests.parity.peers.guard import NOBODY
from tests.parity.peers.stores import Kept, Peer


class Mlflow(Peer):
    """With no address it needs no server and takes no key."""

    flavor = "mlflow"
    key, key_variable = "tracking_token", "MLFLOW_TRACKING_TOKEN"
    with_key = {"tracking_uri": f"http://127.0.0.1:{NOBODY}"}
    away = {**with_key, key: "a-token"}, {}

    def log(self, values: dict[str, float]) -> None:
        import mlflow

        mlflow.log_metrics(values)

    def settle(self) -> None:
        import mlflow

        while mlflow.active_run() is not None:
            mlflow.end_run()
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
            os.environ.pop(name, None)

    def tags(self, word: str) -> Any:
        return {word: "yes"}

    def kept(self) -> list[Kept]:
        found = []
        for path in sorted(self.folder.rglob("mlflow.db")):
            with contextlib.closing(sqlite3.connect(path)) as store:
                rows = store.execute("select run_uuid, name, status from runs order by start_time").fetchall()
                found += [_run(store, *row) for row in rows]
        return found


def _run(store: sqlite3.Connection, run: str, name: str, status: str) -> Kept:
    found = Kept(run, name, status.lower())
    for metric, value in store.execute("select key, value from metrics where run_uuid = ? order by timestamp", (run,)):
        found.values.setdefault(metric, []).append(value)
    tags = dict(store.execute("select key, value from tags where run_uuid = ?", (run,)).fetchall())
    found.tags = set(tags)
    found.about = {**tags, **dict(store.execute("select key, value from params where run_uuid = ?", (run,)))}
    return found
