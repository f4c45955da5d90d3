"""Forks, in whose middle no signal may be handled: until a child has the handlers that are right for it, signals wait.

Python forgets the signals that reach a child before its first line of Python, where they are handled at all: a process
pool that is left at once would wait for ever for a worker that never hears of its SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable

_HELD = (signal.SIGTERM, signal.SIGINT)


class _Mask(threading.local):
    """The calling thread's mask of before its fork, None outside of forks and where nothing is held."""

    before: set[int | signal.Signals] | None = None


_mask = _Mask()
_handler_changes: list[Callable[[], None]] = []


def change_handlers(change: Callable[[], None]) -> None:
    """Has every child that is forked from now on call it, before any signal is handled there."""
    _handler_changes.append(change)


def _hold() -> None:
    # Where nobody handles it, it kills, at any time.
    if callable(signal.getsignal(signal.SIGTERM)):
        _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def _let_through() -> None:
    before, _mask.before = _mask.before, None
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_child() -> None:
    try:
        for change in _handler_changes:
            # Nothing that is about tracking may keep a child from starting.
            with contextlib.suppress(Exception):
                change()
    finally:
        _let_through()


os.register_at_fork(before=_hold, after_in_parent=_let_through, after_in_child=_in_child)
