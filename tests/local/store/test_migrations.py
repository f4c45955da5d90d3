"""Databases of every earlier schema become what a new database is, with all that was in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, inspect

from tests.fixtures.local_server import TurnedClock
from zenml_comet_tracker.local.store import assets, database, experiments, facts, metrics, migrations
from zenml_comet_tracker.local.store.store import Store

SCHEMAS = Path(__file__).parent / "schemas"
# A dump of a database of each earlier schema, written by that version of the package.
EARLIER = {1: "first.sql", 2: "second.sql", 3: "third.sql"}
KEY = "a" * 32


def _opened(folder: Path, number: int, clock: Callable[[], int]) -> Store:
    """A store whose database was written at schema `number`."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "comet.db")) as connection:
        connection.executescript((SCHEMAS / EARLIER[number]).read_text())
    return Store(folder, clock)


def _structure(path: Path) -> dict[str, Any]:
    """Tables, columns, keys and indexes as SQLite has them."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        found = inspect(engine)
        return {
            table: {
                "columns": {
                    column["name"]: (str(column["type"]), column["nullable"], column["default"])
                    for column in found.get_columns(table)
                },
                "primary key": found.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(unique["column_names"] for unique in found.get_unique_constraints(table)),
                "references": sorted(
                    (key["constrained_columns"], key["referred_table"], key["options"])
                    for key in found.get_foreign_keys(table)
                ),
                "indexes": sorted((index["name"], index["column_names"]) for index in found.get_indexes(table)),
            }
            for table in found.get_table_names()
        }
    finally:
        engine.dispose()


def test_every_earlier_schema_is_tested() -> None:
    assert list(EARLIER) == [step.number for step in migrations.MIGRATIONS[:-1]]


@pytest.mark.parametrize("number", EARLIER)
def test_an_older_database_gets_the_structure_of_a_new_one(number: int, tmp_path: Path, clock: TurnedClock) -> None:
    _opened(tmp_path / "old", number, clock).close()
    Store(tmp_path / "new", clock).close()
    assert _structure(tmp_path / "old" / "comet.db") == _structure(tmp_path / "new" / "comet.db")


@pytest.mark.parametrize("number", EARLIER)
def test_nothing_is_lost_on_the_way(number: int, tmp_path: Path, clock: TurnedClock) -> None:
    store = _opened(tmp_path / "old", number, clock)
    with store.read() as connection:
        experiment = experiments.require(connection, KEY)
        series = {row.name: points for row, points in metrics.points(connection, experiment.id)}
        files = assets.of_experiment(connection, experiment.id)
        parameters = [(row.name, row.value) for row in facts.parameters(connection, experiment.id)]
        tags = facts.tags(connection, experiment.id)
    store.close()
    assert series["acc"].values.tolist() == [0.5]
    np.testing.assert_array_equal(series["train_loss"].values, [*(1 / (i + 1) for i in range(100)), np.nan])
    assert series["train_loss"].steps.tolist() == list(range(101))
    assert [(file.asset_id, file.file_name, file.type, file.size, file.link) for file in files] == [
        ("0" * 32, "w.bin", "model-element", 7, None),
        ("1" * 32, "r.bin", "asset", 0, "s3://b/r.bin"),
    ]
    assert parameters == [("lr", "0.1")]
    assert tags == ["one", "zwei ü"]


@pytest.mark.parametrize("number", EARLIER)
def test_an_older_database_learns_to_shrink_at_the_latest_at_the_next_start(
    number: int, tmp_path: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mode() -> int:
        with closing(sqlite3.connect(tmp_path / "old" / "comet.db")) as connection:
            return int(connection.execute("PRAGMA auto_vacuum").fetchone()[0])

    with monkeypatch.context() as patched:
        patched.setattr(database, "closing", _full_disk)
        _opened(tmp_path / "old", number, clock).close()
    assert "frees no disk yet" in caplog.text
    assert mode() == 0
    Store(tmp_path / "old", clock).close()
    assert mode() == 2


def _full_disk(connection: sqlite3.Connection) -> Any:
    connection.close()
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize("number", EARLIER)
def test_a_step_that_fails_leaves_the_old_database(
    number: int, tmp_path: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_way(connection: Any) -> None:
        following.apply(connection)
        raise RuntimeError("half way")

    following = migrations.MIGRATIONS[number]
    steps = (*migrations.MIGRATIONS[:number], migrations.Migration(following.number, following.name, half_way))
    monkeypatch.setattr(migrations.pending, "__defaults__", (steps,))
    with pytest.raises(RuntimeError, match="half way"):
        _opened(tmp_path / "old", number, clock)
    with closing(sqlite3.connect(tmp_path / "old" / "comet.db")) as connection:
        left = "\n".join(connection.iterdump())
    assert left == (SCHEMAS / EARLIER[number]).read_text().rstrip("\n")
