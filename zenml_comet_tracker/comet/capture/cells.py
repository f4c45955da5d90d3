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
    running = shell()
    if running is None:
        return lambda: None
    running.events.register("pre_run_cell", act)

    def stop() -> None:
        # Whoever stops twice has nothing left to stop.
        with contextlib.suppress(ValueError):
            running.events.unregister("pre_run_cell", act)

    return stop
