"""What a forked child begins with: locks that are free, handlers that are right for it, and every signal it got.

Until then signals wait. Python forgets those that reach a child before its first line of Python, where they are handled
at all: a process pool that is left at once would wait for ever for a worker that never hears of its SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

Known = TypeVar("Known")

_HELD = (signal.SIGTERM, signal.SIGINT)


class Lock:
    """A lock for `with`, which no forked child finds held by a thread that is the parent's alone."""

    def __init__(self) -> None:
        self.renew()
        _locks.add(self)

    def renew(self) -> None:
        """Makes it free, whoever holds it."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        taken = self._lock
        taken.acquire()
        self._taken = taken

    def __exit__(self, *_: object) -> None:
        self._taken.release()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
_heirlooms: weakref.WeakSet[object] = weakref.WeakSet()
_kept: list[object] = []


class _Fork(threading.local):
    """A thread's fork: what the child is to keep, and the masks of before, None where no signal is held: several, when
    a signal's handler forks meanwhile."""

    def __init__(self) -> None:
        self.masks: list[set[int | signal.Signals] | None] = []
        self.kept: list[object] | None = None


_fork = _Fork()
_handler_changes: list[Callable[[], None]] = []


def change_handlers(change: Callable[[], None]) -> None:
    """Has every child that is forked from now on call it, before any signal is handled there."""
    _handler_changes.append(change)


def keep(thing: object) -> None:
    """Never frees it in forked children, where what is done for that may wait for a thread of the parent's."""
    _heirlooms.add(thing)


def members(known: weakref.WeakSet[Known]) -> list[Known]:
    """What there is in a set to which other threads may add."""
    while True:
        with contextlib.suppress(RuntimeError):
            return list(known)


def _before() -> None:
    # Where nobody handles it, it kills, at any time.
    handled = callable(signal.getsignal(signal.SIGTERM))
    # Known before it changes: either call may raise what a handler does.
    _fork.masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()) if handled else None)
    if handled:
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    _fork.kept = members(_heirlooms)


def _in_parent() -> None:
    _fork.kept = None
    _let_through(_fork.masks.pop() if _fork.masks else None)


def _let_through(before: set[int | signal.Signals] | None) -> None:
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_child() -> None:
    try:
        _kept.append(_fork.kept)
        for lock in _locks:
            lock.renew()
        for change in _handler_changes:
            # Nothing that is about tracking may keep a child from starting.
            with contextlib.suppress(Exception):
                change()
    finally:
        # A child that is born in the middle of a further fork has no part in that one.
        before = next((mask for mask in _fork.masks if mask is not None), None)
        _fork.masks.clear()
        _let_through(before)


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
