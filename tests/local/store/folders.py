"""Data folders with something in them, and what they hold, read without the code under test."""

from __future__ import annotations

import io
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from zenml_comet_tracker.local.store import assets, experiments, facts, metrics, projects
from zenml_comet_tracker.local.store.assets import NewAsset
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.metrics import MetricValue
from zenml_comet_tracker.local.store.store import Store


def upload(store: Store, key: str, content: bytes) -> str:
    """Stores a file as a request does; the SHA-256 of its content."""
    with store.arriving() as arriving:
        stored = arriving.add(io.BytesIO(content))
        new = NewAsset(os.urandom(16).hex(), "a", "asset", created_millis=1, size=stored.size, sha256=stored.sha256)
        with store.write_to(key) as target:
            assets.add(target.transaction, target.experiment.id, new, overwrite=False)
    return stored.sha256


def fill(store: Store, key: str, *, seed: int = 1) -> None:
    """An experiment with points of two writers, gaps, NaN and infinities, a long series, tags and files."""
    chance = random.Random(seed)
    with store.write() as transaction:
        experiments.create(transaction, NewExperiment(key, projects.ensure(transaction, "ws", "p"), running=True))
    for batch in range(12):
        with store.write_to(key) as target:
            writer = chance.choice(["", "a" * 32, "b" * 32])
            values = [
                MetricValue(
                    chance.choice(["loss", "acc"]),
                    chance.choice([chance.gauss(0, 1), 3.0, float("nan"), float("inf")]),
                    chance.choice([None, batch * 100 + n]),
                    None,
                    chance.choice(["", "train"]),
                    1_700_000_000_000 + chance.randrange(10**6),
                )
                for n in range(40)
            ]
            metrics.add(target.connection, target.experiment.id, writer, values)
            long = [
                MetricValue("long", n / 7, n, n / 10, "", 1_700_000_000_000 + n)
                for n in range(batch * 400, (batch + 1) * 400)
            ]
            metrics.add(target.connection, target.experiment.id, "c" * 32, long)
            facts.add_tags(target.connection, target.experiment.id, [f"t{batch}"])
    for number in range(3):
        upload(store, key, f"{key} {number}".encode() * 1000)


def everything(folder: Path) -> dict[str, Any]:
    """Every row of every table, and every content, by its name."""
    found: dict[str, Any] = {}
    with closing(sqlite3.connect(folder / "comet.db")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found[name] = sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
    for path in (folder / "files").glob("??/*"):
        found[path.name] = path.read_bytes()
    return found
