"""Writers one after the other, and one commit for those that wait for each other anyway.

A commit waits for the disk, much longer than most writes take. So a writer that others wait for leaves its transaction
open to the next, and the last commits for all. Nobody is told that it has written before the commit is through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, NestedTransaction, RootTransaction
from sqlalchemy.exc import OperationalError

from zenml_comet_tracker.local.store.faults import BusyError

# The first of a group waits for all that follow.
MOST_TOGETHER = 16
_OPEN_SECONDS = 0.05


@dataclass
class _Group:
    """Writes that are committed together, or not at all."""

    connection: Connection
    transaction: RootTransaction
    opened: float = field(default_factory=time.monotonic)
    members: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    @property
    def full(self) -> bool:
        """Whether nobody else is to come in."""
        return self.members >= MOST_TOGETHER or time.monotonic() - self.opened > _OPEN_SECONDS

    @property
    def alive(self) -> bool:
        """Whether the database still holds the writes: at some faults it takes back the whole transaction by itself."""
        driver: Any = self.connection.connection.driver_connection
        return bool(driver.in_transaction)


class Turns:
    """Gives writers their turns. `connect` makes a connection whose transactions write."""

    def __init__(self, connect: Callable[[], Connection], wait_seconds: float) -> None:
        self._connect = connect
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        # While it is held nobody comes to wait or gives up: to leave the transaction to the next is sound then.
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The only writer's connection. What it wrote is committed when the block is left, and undone when it raises;
        what others wrote before and after stays."""
        self._enter()
        try:
            group = self._join()
            own = group.connection.begin_nested() if group.members > 1 else None
            try:
                yield group.connection
                if own is not None:
                    own.commit()
            except BaseException as error:
                self._failed(group, own, error)
                raise
        except BaseException:
            self._leave()
            raise
        self._leave()
        group.over.wait()
        if group.error is not None:
            raise group.error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody writes until the block ends, and all that was written is committed."""
        self._enter()
        try:
            self._commit()
            yield
        finally:
            self._lock.release()

    def _enter(self) -> None:
        with self._counting:
            self._waiting += 1
        entered = self._lock.acquire(timeout=self._wait_seconds)
        with self._counting:
            self._waiting -= 1
            # The last writer may have left its transaction to us in this moment.
            entered = entered or self._lock.acquire(blocking=False)
        if not entered:
            raise BusyError("other writes take long")

    def _join(self) -> _Group:
        if self._group is None:
            connection = self._connect()
            try:
                self._group = _Group(connection, connection.begin())
            except BaseException:
                connection.close()
                raise
        self._group.members += 1
        return self._group

    def _failed(self, group: _Group, own: NestedTransaction | None, error: BaseException) -> None:
        """After a write that raised: what others wrote stays, unless the database took it back too."""
        if own is not None and group.alive:
            own.rollback()
        else:
            group.error = error
            self._commit()

    def _leave(self) -> None:
        with self._counting:
            if self._waiting and self._group is not None and not self._group.full:
                self._lock.release()
                return
        try:
            self._commit()
        finally:
            self._lock.release()

    def _commit(self) -> None:
        """Ends the group, if there is one; whoever waits for it learns how."""
        group, self._group = self._group, None
        if group is None:
            return
        try:
            if group.error is None and not group.alive:
                raise OperationalError("COMMIT", None, Exception("the database took the transaction back"))
            if group.error is None:
                group.transaction.commit()
            else:
                group.transaction.rollback()
        except BaseException as error:
            group.error = group.error or error
            # It may still be in the transaction; closed for good it is not.
            group.connection.invalidate()
        finally:
            try:
                group.connection.close()
            finally:
                group.over.set()
