"""How long a step waits for ZenML's store."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

THREAD = "comet-zenml"


def in_time(call: Callable[[], None], seconds: float) -> None:
    """Makes a call in the caller's context, and goes on when it is done or the seconds are over.

    The call sees to what it raises. At the end of Python, which starts no thread any more, it is not made.
    """
    # In a thread, because ZenML's client repeats what its server does not answer, for minutes.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(call,), name=THREAD, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        logger.debug("ZenML is neither asked nor told anything more: %s", error)
        return
    thread.join(seconds)
