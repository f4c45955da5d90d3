"""What ZenML is told while its steps go on: nobody waits for it, except the end of the process."""

from __future__ import annotations

import contextvars
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from zenml_comet_tracker.comet import exits
from zenml_comet_tracker.tracker.patience import LAST_SECONDS

logger = logging.getLogger(__name__)


class Background:
    """One thread that makes calls in the order in which they came; what they raise becomes a warning."""

    def __init__(self) -> None:
        self.anew()

    def anew(self) -> None:
        """As at first: in a forked child there is no thread, and the calls are the parent's."""
        self._changed = threading.Condition()
        self._calls: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        # What is called later, and when.
        self._later: dict[Callable[[], None], float] = {}
        self._closed = False

    def submit(self, call: Callable[[], None]) -> None:
        """Has it called soon, in the context of who submits it."""
        context = contextvars.copy_context()
        with self._changed:
            if self._started():
                self._calls.append(lambda: context.run(call))
                self._changed.notify_all()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Has it called once, in so many seconds, or when it is to be called anyway, if that is sooner; nobody waits.

        In no context, because it would hold that of a whole step meanwhile.
        """
        with self._changed:
            due = time.monotonic() + seconds
            if self._later.get(call, math.inf) > due and self._started():
                self._later[call] = due
                self._changed.notify_all()

    def settle(self, timeout: float = LAST_SECONDS) -> bool:
        """Whether all that was submitted is done; waits `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._calls, timeout)

    def close(self, timeout: float = LAST_SECONDS) -> bool:
        """Begins no further call but those that wait; whether these are done, which it waits `timeout` seconds for."""
        with self._changed:
            self._later.clear()
            done = self.settle(timeout)
            self._closed = True
            return done

    def _started(self) -> bool:
        """Whether there is a thread that makes the calls."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="zenml-comet-background", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                # At its end Python 3.12 starts no thread any more, and nobody waits for ZenML's server there.
                logger.debug("ZenML is told nothing more: %s", error)
                return False
            self._thread = thread
        return True

    def _await_call(self) -> None:
        """Waits until there is a call to make, of those that come at once or of those whose time has come."""
        while not self._calls:
            now = time.monotonic()
            for call in [call for call, due in self._later.items() if due <= now]:
                del self._later[call]
                self._calls.append(call)
            if not self._calls:
                self._changed.wait(min(self._later.values()) - now if self._later else None)

    def _run(self) -> None:
        while True:
            with self._changed:
                # It stays, for what there is to tell when Python ends and starts no thread any more.
                self._await_call()
                if self._closed:
                    return
                call = self._calls[0]
            try:
                call()
            except Exception:
                logger.warning("ZenML is not told all of an experiment.", exc_info=True)
            # The wait for the next one may be long, and a call holds the context of a whole step.
            del call
            with self._changed:
                self._calls.popleft()
                self._changed.notify_all()


background = Background()
# By then it is known what was delivered late.
exits.behind_all(background.close)
os.register_at_fork(after_in_child=background.anew)
