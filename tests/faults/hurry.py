"""A clock that runs faster than the world's, for everything that waits in this process.

Time limits, back-offs and pauses all shrink by the same rate, so that an outage of half a minute takes a second and the
code under test is none the wiser. `time.perf_counter` stays true: figures are measured with it.
"""

from __future__ import annotations

import _socket
import queue
import socket
import threading
import time
from typing import Any

_monotonic, _sleep = time.monotonic, time.sleep
_wait, _join = threading.Condition.wait, threading.Thread.join
_rate = 1.0
_base = 0.0


def _now() -> float:
    return _base + (_monotonic() - _base) * _rate


def _shrunk(seconds: float | None) -> float | None:
    return seconds if seconds is None else seconds / _rate


def install() -> None:
    """Puts the clock in place, at the world's own speed; before anything remembers the old one."""
    time.monotonic = _now
    time.sleep = lambda seconds: _sleep(seconds / _rate)
    for module in (threading, queue):
        for name in ("_time", "time"):
            if getattr(module, name, None) is _monotonic:
                setattr(module, name, _now)

    def wait(condition: threading.Condition, timeout: float | None = None) -> bool:
        return _wait(condition, _shrunk(timeout))

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        _join(thread, _shrunk(timeout))

    def settimeout(self: Any, seconds: float | None) -> None:
        _socket.socket.settimeout(self, _shrunk(seconds))

    threading.Condition.wait = wait  # type: ignore[method-assign]
    threading.Thread.join = join  # type: ignore[method-assign]
    socket.socket.settimeout = settimeout  # type: ignore[method-assign]


def turn_at(rate: float) -> None:
    """From now on, `rate` seconds pass in one second of the world."""
    global _rate, _base
    now = _monotonic()
    _base, _rate = now, rate


def pause(seconds: float) -> None:
    """Lets so many seconds of this clock pass."""
    _sleep(seconds / _rate)
