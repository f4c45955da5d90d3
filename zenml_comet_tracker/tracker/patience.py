"""How long a step waits for ZenML's store, and how long a program does at its end."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable

from zenml_comet_tracker.comet import exits

logger = logging.getLogger(__name__)

THREAD = "comet-zenml"
# At the end of the program, for all that ZenML is still asked or told.
LAST_SECONDS = 5.0

_under_way: set[threading.Thread] = set()
_over = threading.Event()


def in_time(call: Callable[[], None], seconds: float) -> None:
    """Makes a call in the caller's context, and goes on when it is done or the seconds are over.

    The call sees to what it raises. At the end of Python, which starts no thread any more, it is not made.
    """

    def make() -> None:
        try:
            call()
        finally:
            _under_way.discard(thread)

    if _over.is_set():
        return
    # In a thread, because ZenML's client repeats what its server does not answer, for minutes.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(make,), name=THREAD, daemon=True)
    _under_way.add(thread)
    try:
        thread.start()
    except RuntimeError as error:
        _under_way.discard(thread)
        logger.debug("ZenML is neither asked nor told anything more: %s", error)
        return
    thread.join(seconds)


def close(seconds: float = LAST_SECONDS) -> None:
    """Lets no further call begin, and waits for those that their callers have left, in so many seconds.

    Python cuts daemon threads off where it ends, up to 3.13. Cut off within pydantic, whose Rust no thread can be
    thrown out of, one would abort a process that has done its work.
    """
    _over.set()
    deadline = time.monotonic() + seconds
    for thread in list(_under_way):
        thread.join(max(0.0, deadline - time.monotonic()))


exits.behind_all(close)
os.register_at_fork(after_in_child=_under_way.clear)
