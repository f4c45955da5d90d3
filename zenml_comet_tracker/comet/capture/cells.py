"""The IPython that the program runs in, in a terminal or behind a notebook, if it does."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any


def shell() -> Any:
    """The running IPython, None where there is none; it is never loaded for this."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def call_before_each(act: Callable[..., None]) -> Callable[[], None]:
    """Has IPython call `act` before each cell, until what this returns is called."""
    return _call_at("pre_run_cell", act)


def call_after_each(act: Callable[..., None]) -> Callable[[], None]:
    """As `call_before_each`, behind each cell."""
    return _call_at("post_run_cell", act)


def _call_at(event: str, act: Callable[..., None]) -> Callable[[], None]:
    running = shell()
    if running is None:
        return lambda: None
    running.events.register(event, act)

    def stop() -> None:
        # Whoever stops twice has nothing left to stop.
        with contextlib.suppress(ValueError):
            running.events.unregister(event, act)

    return stop
