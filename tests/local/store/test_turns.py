"""Writers in turn: those that wait for each other share a commit, and nobody else's fault."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from zenml_comet_tracker.local.store import turns
from zenml_comet_tracker.local.store.database import make_engine
from zenml_comet_tracker.local.store.faults import BusyError
from zenml_comet_tracker.local.store.turns import Turns

SECONDS = 20


class Table:
    """A database of one table, its writers, and what is committed, read by a connection of its own."""

    def __init__(self, path: Path, wait_seconds: float = SECONDS) -> None:
        self.path = path
        self.engine = make_engine(path)
        self.commits = 0
        event.listen(self.engine, "commit", self._committed)
        self.turns = Turns(lambda: self.engine.connect().execution_options(writes=True), wait_seconds)
        with self.turns.write() as connection:
            connection.execute(text("CREATE TABLE number (value INTEGER)"))
        self.commits = 0

    def _committed(self, _: Any) -> None:
        self.commits += 1

    def add(self, value: int, do: Callable[[Any], Any] = lambda connection: None) -> list[int]:
        """Writes a number; what is committed when it has returned."""
        with self.turns.write() as connection:
            connection.execute(text("INSERT INTO number VALUES (:value)"), {"value": value})
            do(connection)
        return self.committed()

    def committed(self) -> list[int]:
        with closing(sqlite3.connect(self.path)) as connection:
            return sorted(value for (value,) in connection.execute("SELECT value FROM number"))

    def await_waiting(self, count: int) -> None:
        deadline = time.monotonic() + SECONDS
        while self.turns._waiting < count:
            assert time.monotonic() < deadline, "they never came"
            time.sleep(0.001)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    # A slow machine must not close a group before all who wait are in it.
    monkeypatch.setattr(turns, "_OPEN_SECONDS", SECONDS)
    made = Table(tmp_path / "numbers.db")
    yield made
    made.engine.dispose()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as executor:
        yield executor


def crowd(
    table: Table, pool: ThreadPoolExecutor, *writes: Callable[[Any], Any]
) -> tuple[Future[list[int]], list[Future[list[int]]]]:
    """A first writer, and those that came while it wrote: number 0, and 1, 2, 3, ..."""
    go = threading.Event()
    first = pool.submit(table.add, 0, lambda connection: go.wait(SECONDS))
    while not table.turns._lock.locked():
        time.sleep(0.001)
    others = []
    for number, do in enumerate(writes, 1):
        others.append(pool.submit(table.add, number, do))
        table.await_waiting(number)
    go.set()
    return first, others


def nothing(_: Any) -> None:
    return None


def fail(_: Any) -> None:
    raise LookupError("no such thing")


def test_those_who_wait_for_each_other_are_committed_together(table: Table, pool: ThreadPoolExecutor) -> None:
    first, others = crowd(table, pool, *[nothing] * 9)
    for future in (first, *others):
        assert future.result(SECONDS) == list(range(10))
    assert table.commits == 1


def test_one_that_nobody_waits_for_is_committed_at_once(table: Table) -> None:
    assert table.add(1) == [1]
    assert table.add(2) == [1, 2]
    assert table.commits == 2


def test_a_group_has_a_size(table: Table, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_TOGETHER", 3)
    first, others = crowd(table, pool, *[nothing] * 8)
    for future in (first, *others):
        future.result(SECONDS)
    assert table.commits == 3
    assert table.committed() == list(range(9))


def test_a_group_has_its_time(table: Table, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_OPEN_SECONDS", -1.0)
    first, others = crowd(table, pool, *[nothing] * 3)
    for future in (first, *others):
        future.result(SECONDS)
    assert table.commits == 4


def test_one_that_fails_takes_back_what_it_wrote_and_no_more(table: Table, pool: ThreadPoolExecutor) -> None:
    first, others = crowd(table, pool, nothing, fail, nothing, fail)
    for future in (first, others[0], others[2]):
        assert future.result(SECONDS) == [0, 1, 3]
    for future in (others[1], others[3]):
        with pytest.raises(LookupError):
            future.result(SECONDS)
    assert table.commits == 1


def test_a_first_one_that_fails_leaves_the_others_to_begin_anew(table: Table, pool: ThreadPoolExecutor) -> None:
    go = threading.Event()

    def wait_and_fail(_: Any) -> None:
        go.wait(SECONDS)
        fail(_)

    first = pool.submit(table.add, 0, wait_and_fail)
    while not table.turns._lock.locked():
        time.sleep(0.001)
    others = [pool.submit(table.add, number) for number in (1, 2)]
    table.await_waiting(2)
    go.set()
    with pytest.raises(LookupError):
        first.result(SECONDS)
    for future in others:
        assert future.result(SECONDS) == [1, 2]
    assert table.add(3) == [1, 2, 3]


def test_a_commit_that_fails_is_told_to_all_and_leaves_nothing(table: Table, pool: ThreadPoolExecutor) -> None:
    def refuse(_: Any) -> None:
        raise OSError("the disk is on fire")

    first, others = crowd(table, pool, nothing, lambda _: event.listen(table.engine, "commit", refuse))
    for future in (first, *others):
        with pytest.raises(OSError, match="on fire"):
            future.result(SECONDS)
    event.remove(table.engine, "commit", refuse)
    assert table.committed() == []
    assert table.add(7) == [7]


@pytest.mark.parametrize("raises", [False, True])
def test_writes_that_the_database_took_back_by_itself_are_not_called_written(
    table: Table, pool: ThreadPoolExecutor, raises: bool
) -> None:
    """As SQLite does when the disk is full in the middle of a statement."""

    def take_back(connection: Any) -> None:
        connection.connection.driver_connection.rollback()
        if raises:
            raise sqlite3.OperationalError("database or disk is full")

    first, others = crowd(table, pool, take_back)
    for future in (first, *others):
        with pytest.raises(Exception, match=r"full|took the transaction back|no such savepoint"):
            future.result(SECONDS)
    assert table.committed() == []
    assert table.add(7) == [7]


def test_one_that_is_alone_and_taken_back_is_not_called_written(table: Table) -> None:
    with pytest.raises(Exception, match="took the transaction back"):
        table.add(0, lambda connection: connection.connection.driver_connection.rollback())
    assert table.committed() == []
    assert table.add(7) == [7]


def test_nobody_goes_on_in_a_transaction_that_was_taken_back(table: Table, pool: ThreadPoolExecutor) -> None:
    """Else those before would be told that the commit of those after is theirs."""
    after: list[Future[list[int]]] = []

    def take_back(connection: Any) -> None:
        after.append(pool.submit(table.add, 9))
        table.await_waiting(1)
        connection.connection.driver_connection.rollback()
        raise sqlite3.OperationalError("database or disk is full")

    first, (other,) = crowd(table, pool, take_back)
    for future in (first, other):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            future.result(SECONDS)
    assert after[0].result(SECONDS) == [9]


class LateLock:
    """A lock whose waiters give up in the moment in which it is let go of."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self.released = threading.Event()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if timeout > 0 and self._lock.locked():
            assert self.released.wait(SECONDS)
            return False
        return bool(self._lock.acquire(blocking, timeout))

    def release(self) -> None:
        self._lock.release()
        self.released.set()

    def locked(self) -> bool:
        return bool(self._lock.locked())


def test_who_gives_up_when_the_transaction_is_left_to_him_takes_it(table: Table, pool: ThreadPoolExecutor) -> None:
    table.turns._lock = LateLock(table.turns._lock)  # type: ignore[assignment]
    first, others = crowd(table, pool, nothing)
    for future in (first, *others):
        assert future.result(SECONDS) == [0, 1]


def test_who_waits_too_long_is_told_and_nobody_is_left_uncommitted(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(tmp_path / "numbers.db", wait_seconds=0.05)
    go = threading.Event()
    first = pool.submit(table.add, 0, lambda connection: go.wait(SECONDS))
    while not table.turns._lock.locked():
        time.sleep(0.001)
    with pytest.raises(BusyError):
        table.add(1)
    go.set()
    assert first.result(SECONDS) == [0]
    table.engine.dispose()


def test_many_that_come_and_give_up_leave_nobody_uncommitted(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Some give up in the very moment in which a transaction is left to them."""
    table = Table(tmp_path / "numbers.db", wait_seconds=0.002)
    written: list[int] = []

    def write(number: int) -> None:
        try:
            table.add(number, lambda connection: time.sleep(0.002))
        except BusyError:
            return
        written.append(number)

    for future in [pool.submit(write, number) for number in range(200)]:
        future.result(SECONDS)
    assert table.committed() == sorted(written)
    assert table.turns._group is None
    table.engine.dispose()


def test_who_is_alone_finds_everything_committed(table: Table, pool: ThreadPoolExecutor) -> None:
    go = threading.Event()
    seen: list[list[int]] = []

    def alone() -> None:
        with table.turns.alone():
            seen.append(table.committed())

    first = pool.submit(table.add, 0, lambda connection: go.wait(SECONDS))
    while not table.turns._lock.locked():
        time.sleep(0.001)
    other = pool.submit(alone)
    table.await_waiting(1)
    go.set()
    other.result(SECONDS)
    first.result(SECONDS)
    assert seen == [[0]]
