"""The door to what is kept: one database and one folder of files, in one data folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from zenml_comet_tracker.local.clock import Clock, system_clock
from zenml_comet_tracker.local.store import assets, experiments, lanes, projects
from zenml_comet_tracker.local.store.check import DATABASE
from zenml_comet_tracker.local.store.database import Database, Transaction
from zenml_comet_tracker.local.store.faults import ReadOnlyError, StoreError
from zenml_comet_tracker.local.store.files import Arriving, Files
from zenml_comet_tracker.local.store.lanes import LaneMark
from zenml_comet_tracker.local.store.series import batched

logger = logging.getLogger(__name__)

# Not an argument: it has to hold for every way to the database that a request takes.
_reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)


@contextmanager
def reading_only(active: bool = True) -> Iterator[None]:
    """Within the block writes raise `ReadOnlyError`, when `active`."""
    token = _reads_only.set(active)
    try:
        yield
    finally:
        _reads_only.reset(token)


@dataclass(frozen=True)
class Target:
    """A write to one experiment: `first_new` values at its front are stored already and must be dropped."""

    transaction: Transaction
    experiment: Row[Any]
    writer: str
    first_new: int

    @property
    def connection(self) -> Connection:
        """The connection of the write."""
        return self.transaction.connection

    @property
    def now_millis(self) -> int:
        """The time of the write."""
        return self.transaction.now_millis


class Store:
    """Everything in `folder`: `comet.db` and `files/`. Raises `DataFolderError` when it cannot be used."""

    def __init__(self, folder: Path, clock: Clock = system_clock) -> None:
        self.folder = folder
        self.clock = clock
        self.files = Files(folder / "files")
        self._database = Database(folder / DATABASE, clock)
        with self.write() as transaction:
            projects.ensure_workspace(transaction, projects.DEFAULT_WORKSPACE)
            self.files.sweep(assets.contents(transaction.connection))

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of everything."""
        with self._database.read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """The only writer until the block ends. Raises `ReadOnlyError` for who only reads."""
        if _reads_only.get():
            raise ReadOnlyError
        with self._database.write() as transaction:
            yield transaction
        if transaction.released or transaction.shrinks:
            self._give_back(transaction.released, shrinks=transaction.shrinks)

    @contextmanager
    def arriving(self) -> Iterator[Arriving]:
        """For a request that brings files; those that nobody names in the end are gone again: it may fail, or send what
        was stored before and deleted since."""
        brought: list[str] = []
        try:
            with self.files.arriving() as arriving:
                brought = arriving.contents
                yield arriving
        finally:
            self._give_back(brought)

    def free(self, contents: Iterable[str]) -> int:
        """Deletes those contents that nothing names any more; how many bytes that gives back."""
        freed = 0
        for some in batched(sorted(set(contents))):
            with self.files.unclaimed(some) as unclaimed, self.read() as connection:
                named = assets.named(connection, unclaimed)
                freed += sum(self.files.remove(sha256) for sha256 in unclaimed if sha256 not in named)
        return freed

    def shrink(self, *, rebuild: bool) -> None:
        """Gives the database's unused space back to the disk; with `rebuild` by writing the whole of it anew."""
        if rebuild:
            self._database.rebuild()
        else:
            self._database.shrink()
            self._database.fold()

    def database_bytes(self) -> int:
        """What the database takes on the disk, its log included."""
        return sum(path.stat().st_size for path in self.folder.glob(f"{DATABASE}*") if path.suffix != ".db-shm")

    def _give_back(self, contents: Iterable[str], *, shrinks: bool = False) -> None:
        """Gives the space of what is not needed any more back to the disk. That it cannot is no failure of the request:
        what is left is found by the next sweep."""
        try:
            self.free(contents)
            if shrinks:
                self._database.shrink()
        except (OSError, SQLAlchemyError, StoreError):
            logger.exception("The space of what was deleted could not be given back.")

    @contextmanager
    def write_to(
        self, key: str, mark: LaneMark | None = None, count: int = 1, *, quiet: bool = False
    ) -> Iterator[Target]:
        """A write of `count` values to the experiment `key`, with what `mark` says is stored already told apart.

        Whoever watches the experiment sees that it changed; a `quiet` write itself says whether it did.
        Raises `UnknownExperimentError`.
        """
        with self.write() as transaction:
            experiment = experiments.require(transaction.connection, key)
            first_new = lanes.advance(transaction.connection, experiment.id, mark, count) if mark else 0
            if not quiet:
                transaction.touch(experiment.id)
            yield Target(transaction, experiment, mark.writer if mark else "", first_new)
