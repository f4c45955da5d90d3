"""Several requests at the same time, where a server is far away and none depends on another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

# With the files' and the heartbeats' own, as many connections as a transport keeps.
MOST = 6

Call = Callable[[], None]


def call_all(calls: Sequence[Call]) -> None:
    """Makes all the calls, the first in this thread, and raises what the first of those raised that failed.

    At the end of Python, which starts no thread any more, one after the other.
    """
    errors: dict[int, Exception] = {}

    def make(number: int) -> None:
        try:
            calls[number]()
        except Exception as error:
            errors[number] = error

    threads: list[threading.Thread] = []
    for number in range(1, len(calls)):
        # A daemon: nothing waits for a server at the end of Python.
        thread = threading.Thread(target=make, args=(number,), name="zenml-comet-facts", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.debug("Sent one after the other: %s", error)
            make(number)
        else:
            threads.append(thread)
    if calls:
        make(0)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
