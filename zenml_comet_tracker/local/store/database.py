"""The SQLite database: one writer at a time, readers that never wait."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    Table,
    Update,
    bindparam,
    create_engine,
    event,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError

from zenml_comet_tracker.local.clock import Clock
from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.store import migrations, schema
from zenml_comet_tracker.local.store.disk import faults_told
from zenml_comet_tracker.local.store.faults import DiskFaultError, StoreError
from zenml_comet_tracker.local.store.turns import Turns

logger = logging.getLogger(__name__)

# A writer of another process (a backup, a curious sqlite3 shell) may hold the file for a moment.
BUSY_SECONDS = 30.0
# SQLite folds its log into the file now and then, but begins it anew only when nobody happens to read. At this length
# readers are waited for, as long as a writer's answer may take.
LOG_BYTES = 32 << 20
_FOLD_SECONDS = 0.2
# What SQLite says of a file whose free pages can be given back.
_INCREMENTAL = 2
# As many pages as are given back in one go: others write in between.
_SHRUNK_PAGES = 2000
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # An answered write survives a power cut: the client forgets what was answered.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)


def _stamp(table: Table, *touched: ColumnElement[bool]) -> Update:
    number = select(schema.change.c.number).scalar_subquery()
    return update(table).where(or_(*touched)).values(change_number=number, updated_millis=bindparam("now"))


def _listing(of_experiment: ColumnElement[int], project_id: ColumnElement[str]) -> ColumnElement[bool]:
    return schema.project.c.id.in_(select(project_id).where(of_experiment.in_(_TOUCHED_EXPERIMENTS)))


# Built once: these end every write, and putting them together would take longer than running them.
_TOUCHED_EXPERIMENTS: BindParameter[int] = bindparam("touched_experiments", expanding=True)
_NEXT_NUMBER = update(schema.change).values(number=schema.change.c.number + 1)
_STAMP_EXPERIMENTS = _stamp(schema.experiment, schema.experiment.c.id.in_(_TOUCHED_EXPERIMENTS))
_STAMP_PROJECTS = _stamp(
    schema.project,
    schema.project.c.id.in_(bindparam("touched_projects", expanding=True)),
    _listing(schema.experiment.c.id, schema.experiment.c.project_id),
    _listing(schema.symlink.c.experiment_id, schema.symlink.c.project_id),
)


@dataclass
class Transaction:
    """One write: its connection, its time, and the experiments and projects it touched.

    `released` are contents of files that it took a name from; `shrinks` says that it deletes much.
    """

    connection: Connection
    now_millis: int
    experiments: set[int] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    shrinks: bool = False

    def touch(self, experiment_id: int) -> None:
        """Says that the experiment changed, so that whoever watches it sees a new change number."""
        self.experiments.add(experiment_id)

    def touch_project(self, project_id: str) -> None:
        """Says that the project changed."""
        self.projects.add(project_id)

    def number_changes(self) -> None:
        """Gives all that was touched the next change number."""
        if not self.experiments and not self.projects:
            return
        touched = {
            "now": self.now_millis,
            "touched_experiments": list(self.experiments),
            "touched_projects": list(self.projects),
        }
        self.connection.execute(_NEXT_NUMBER)
        for stamp in (_STAMP_PROJECTS, _STAMP_EXPERIMENTS):
            self.connection.execute(stamp, touched)


class Database:
    """The database file at `path`, made when missing and brought to this version's schema."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._fold_at = LOG_BYTES
        self._file: tuple[int, int] | None = None
        _make_private(path)
        self._engine = make_engine(path)
        self._turns = Turns(lambda: self._engine.connect().execution_options(writes=True), BUSY_SECONDS)
        try:
            self._migrate()
        except DatabaseError as error:
            self.close()
            raise DataFolderError(f"{path} is not a usable database: {error.orig}.") from error
        except StoreError as error:
            self.close()
            raise DataFolderError(f"{path} cannot be used: {error}") from error
        except BaseException:
            self.close()
            raise
        self._learn_to_shrink()
        self._file = _identity(path)

    def close(self) -> None:
        """Closes all connections; the write-ahead log is folded into the file."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database for as long as it is held."""
        with faults_told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """The only writer until the block ends: committed then, undone when the block raises."""
        if self._file is not None and _identity(self._path) != self._file:
            # What is written now would be gone with the file that has no name any more.
            raise DiskFaultError("its database was moved away or deleted while it ran; start it anew")
        with faults_told(), self._turns.write() as connection:
            transaction = Transaction(connection, self._clock())
            yield transaction
            transaction.number_changes()
        if self._log_bytes() > self._fold_at:
            # What was written is committed, whatever becomes of this.
            with suppress(StoreError):
                self.fold()

    def rebuild(self) -> None:
        """Writes the whole file anew, without gaps."""
        with faults_told(), self._turns.alone(), self._engine.connect() as connection:
            driver = connection.connection.cursor()
            driver.execute("VACUUM")
            self._fold()

    def fold(self) -> None:
        """Brings the write-ahead log into the file, as far as readers let it."""
        with faults_told(), self._turns.alone():
            self._fold()

    def _log_bytes(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    def _fold(self) -> None:
        """Waits for a moment in which nobody reads what the log alone has, and begins it anew. Where none comes, it is
        tried again when the log has grown by as much."""
        try:
            with closing(sqlite3.connect(self._path, timeout=_FOLD_SECONDS)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            # What was written is safe in the log.
            logger.warning("The write-ahead log could not be folded: %s", error)
        left = self._log_bytes()
        self._fold_at = left + LOG_BYTES if left > LOG_BYTES else LOG_BYTES

    def shrink(self) -> None:
        """Gives the pages that deletions left free back to the disk."""
        left = True
        while left:
            with self.write() as transaction:
                before = _free_pages(transaction.connection)
                # The driver's own cursor: it gives back one page with every row that is fetched, of no column.
                driver = transaction.connection.connection.cursor()
                driver.execute(f"PRAGMA incremental_vacuum({_SHRUNK_PAGES})")
                driver.fetchall()
                left = 0 < _free_pages(transaction.connection) < before

    def _migrate(self) -> None:
        """Brings the database to this version's schema. Raises `DataFolderError` when it lacks a table even then."""
        with self.read() as connection:
            steps = migrations.pending(connection)
            new = not migrations.applied(connection)
        for step in steps:
            with self.write() as transaction:
                migrations.apply(transaction.connection, step, transaction.now_millis, new=new)
        with self.read() as connection:
            missing = sorted(set(schema.metadata.tables) - set(inspect(connection).get_table_names()))
        if missing:
            raise DataFolderError(
                f"{self._path} is damaged: it has no table {missing[0]!r}. Put a backup in its place."
            )

    def _learn_to_shrink(self) -> None:
        """Writes the file anew, once in its life: only so can it give back what deletions leave free.

        When it cannot be done now, the next start tries again.
        """
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                if connection.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
                    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
                    connection.execute("VACUUM")
        except sqlite3.Error as error:
            logger.warning("%s could not be written anew (%s); what is deleted frees no disk yet.", self._path, error)


def _free_pages(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _make_private(path: Path) -> None:
    """Makes the file with its mode first: SQLite gives the same mode to its log beside it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DataFolderError(f"{path} cannot be opened for writing: {error.strerror}.") from error


def make_engine(path: Path) -> Engine:
    """Connections to the file, prepared as every one has to be."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        # As many as the threads that answer requests, so that none waits for a connection.
        pool_size=40,
        # Errors go to the log; what was logged by the user does not.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transaction handling knows no BEGIN IMMEDIATE; the listener below begins instead.
        connection.isolation_level = None
        # SQLite's own lower() and LIKE know the letters of ASCII only.
        connection.create_function("casefold", 1, lambda text: text and text.casefold(), deterministic=True)
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
