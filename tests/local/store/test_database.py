"""The database: private, migrated, refused when newer, one writer at a time while readers go on."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fixtures.local_server import TurnedClock
from tests.local.store.conftest import KEY
from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.store import check, database, documents, facts, migrations, schema, views
from zenml_comet_tracker.local.store.store import Store


def sql(store: Store, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        return connection.execute(statement).fetchall()


def test_a_new_database_records_every_migration(store: Store, clock: TurnedClock) -> None:
    expected = [(step.number, step.name, clock.now) for step in migrations.MIGRATIONS]
    assert sql(store, "SELECT number, name, applied_millis FROM migration") == expected
    assert migrations.MIGRATIONS[-1].number == check.SCHEMA_NUMBER


def test_opening_again_changes_nothing(store: Store) -> None:
    before = sql(store, "SELECT * FROM migration"), sql(store, "SELECT * FROM experiment")
    store.close()
    again = Store(store.folder)
    again.close()
    assert (sql(store, "SELECT * FROM migration"), sql(store, "SELECT * FROM experiment")) == before


def test_a_newer_database_is_refused_with_advice(store: Store) -> None:
    store.close()
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection, connection:
        connection.execute("INSERT INTO migration VALUES (99, 'from the future', 0)")
    for opening in (lambda: Store(store.folder), lambda: check.check(store.folder)):
        with pytest.raises(DataFolderError, match=r"newer version.*99.*Upgrade"):
            opening()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "comet.db").write_bytes(b"something else" * 100)
    with pytest.raises(DataFolderError, match="cannot be used as a database"):
        check.check(tmp_path)
    check.check(tmp_path / "empty")


def test_a_migration_that_fails_leaves_no_trace(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def half_way(connection: object) -> None:
        connection.exec_driver_sql("CREATE TABLE half (x)")  # type: ignore[attr-defined]
        raise RuntimeError("half way")

    store.close()
    steps = (*migrations.MIGRATIONS, migrations.Migration(99, "broken", half_way))
    monkeypatch.setattr(check, "SCHEMA_NUMBER", 99)
    monkeypatch.setattr(migrations.pending, "__defaults__", (steps,))
    with pytest.raises(RuntimeError, match="half way"):
        Store(store.folder)
    assert sql(store, "SELECT name FROM sqlite_master WHERE name = 'half'") == []
    assert sql(store, "SELECT max(number) FROM migration") == [(migrations.MIGRATIONS[-1].number,)]


def test_files_are_for_their_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(tmp_path / "store")
        with store.write() as transaction:
            transaction.connection.execute(schema.setting.insert().values(name="a", value="b"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store").iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert {name: mode for name, mode in modes.items() if name.startswith("comet.db")} == {
        "comet.db": 0o600,
        "comet.db-wal": 0o600,
        "comet.db-shm": 0o600,
    }
    assert modes["files"] == 0o700


def test_a_write_that_raises_is_undone(store: Store) -> None:
    def fail() -> None:
        with store.write_to(KEY) as target:
            facts.add_tags(target.connection, target.experiment.id, ["half"])
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert sql(store, "SELECT * FROM tag") == []


def test_readers_go_on_while_a_write_is_open(store: Store) -> None:
    seen: list[int] = []

    def look() -> None:
        with store.read() as connection:
            seen.append(len(connection.execute(select(schema.tag)).all()))

    with store.write_to(KEY) as target:
        facts.add_tags(target.connection, target.experiment.id, ["a"])
        reader = threading.Thread(target=look)
        reader.start()
        reader.join(5)
        assert seen == [0], "the reader waited for the writer, or saw what was not committed"
    look()
    assert seen == [0, 1]


def test_a_writer_of_another_process_is_kept_out_from_the_first_moment(store: Store) -> None:
    with (
        closing(sqlite3.connect(store.folder / "comet.db", timeout=0)) as other,
        store.write(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_writers_take_turns(store: Store) -> None:
    def add(name: str) -> None:
        for number in range(20):
            with store.write_to(KEY) as target:
                facts.add_tags(target.connection, target.experiment.id, [f"{name}{number}"])

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sql(store, "SELECT count(*) FROM tag") == [(80,)]


def test_every_write_moves_the_change_number_of_what_it_touched(store: Store, clock: TurnedClock) -> None:
    def numbers() -> tuple[int, ...]:
        with store.read() as connection:
            experiment = connection.scalar(select(schema.experiment.c.change_number))
            project = connection.scalar(select(schema.project.c.change_number))
            return views.change_number(connection), experiment, project

    before = numbers()
    clock.turn(5)
    with store.write_to(KEY) as target:
        facts.add_tags(target.connection, target.experiment.id, ["a"])
    assert numbers() == (before[0] + 1,) * 3
    assert sql(store, "SELECT updated_millis FROM experiment") == [(clock.now,)]
    with store.write():
        pass
    assert numbers() == (before[0] + 1,) * 3


def test_the_log_stays_short_though_somebody_always_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOG_BYTES", 1 << 20)
    monkeypatch.setattr(store._database, "_fold_at", 1 << 20)
    done = threading.Event()

    def read_without_a_gap() -> None:
        last = ExitStack()
        while not done.is_set():
            following = ExitStack()
            following.enter_context(store.read()).execute(select(schema.tag)).all()
            last.close()
            last = following
        last.close()

    reader = threading.Thread(target=read_without_a_gap)
    reader.start()
    try:
        longest = 0
        for _ in range(120):
            with store.write_to(KEY) as target:
                documents.put(target.transaction, target.experiment.id, "html", os.urandom(50_000).hex())
            longest = max(longest, (store.folder / "comet.db-wal").stat().st_size)
    finally:
        done.set()
        reader.join(20)
    # Twelve megabytes were written.
    assert longest < 3 << 20
