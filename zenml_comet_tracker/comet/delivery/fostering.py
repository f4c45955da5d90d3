"""When a process adopts: in the background while its experiments live, and what its own children left at their end."""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable

from zenml_comet_tracker.comet.delivery.adoption import Adopter, Kin
from zenml_comet_tracker.comet.delivery.notices import Notices

logger = logging.getLogger(__name__)

SCAN_SECONDS = 30.0


class Adoption:
    """The one thread of the process that gives its adopters their passes, while any of them is enlisted."""

    def __init__(self, seconds_between: float = SCAN_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_between = seconds_between
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._condition = threading.Condition()
        self._enlisted: Counter[Kin] = Counter()
        self._adopters: dict[Kin, Adopter] = {}
        self._thread: threading.Thread | None = None
        self._news = False
        self._worked_since = 0.0

    def enlist(self, adopter: Adopter) -> None:
        """Lets an adopter begin; one of the same kin that is at it already goes on for both."""
        with self._condition:
            self._enlisted[adopter.kin] += 1
            self._adopters.setdefault(adopter.kin, adopter)
            self._news = True
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="zenml-comet-adoption", daemon=True)
                self._thread = thread if _started(thread) else None
            self._condition.notify_all()

    def dismiss(self, adopter: Adopter) -> None:
        """Lets it stop after the request it is at; nobody waits for that."""
        with self._condition:
            self._enlisted[adopter.kin] -= 1
            if self._enlisted[adopter.kin] <= 0:
                del self._enlisted[adopter.kin]
                self._adopters.pop(adopter.kin, None)
            self._news = True
            self._condition.notify_all()

    def forsake(self) -> None:
        """In a forked child: forgets what belongs to the parent, whatever another thread of it was doing."""
        self._reset()

    def _run(self) -> None:
        while self._sleep():
            for adopter in list(self._adopters.values()):
                self._worked_since = self._clock()
                guarded(functools.partial(adopter.adopt, functools.partial(self._pause, adopter.kin)))

    def _sleep(self) -> bool:
        """Waits until a pass is due; False when nobody is enlisted any more."""
        with self._condition:
            if not self._news:
                self._condition.wait(self._seconds_between)
            self._news = False
            if not self._adopters:
                self._thread = None
            return bool(self._adopters)

    def _pause(self, kin: Kin, wait: float) -> bool:
        """Leaves at least half of the time to the process's own delivery; whether to go on."""
        worked = self._clock() - self._worked_since
        with self._condition:
            dismissed = self._condition.wait_for(lambda: kin not in self._adopters, max(wait, worked))
        self._worked_since = self._clock()
        return not dismissed


class Fostering:
    """An experiment's share in the adoption: it begins when its server is known to be there, and ends with it."""

    def __init__(self, adopter: Adopter, adoption: Adoption | None = None) -> None:
        self._adopter = adopter
        self._adoption = adoption or process_adoption
        # Reentrant: a signal handler may end the experiment while its main thread does.
        self._lock = threading.RLock()
        self._begun = self._over = False

    def begin(self) -> None:
        """Lets the process adopt what dead ones left; does nothing behind `end`."""
        with self._lock:
            if not self._begun and not self._over:
                self._begun = True
                self._adoption.enlist(self._adopter)

    def end(self) -> None:
        """Wants no more adoption."""
        with self._lock:
            if self._begun and not self._over:
                self._adoption.dismiss(self._adopter)
            self._over = True

    def drain_children(self, writer: str, timeout: float) -> None:
        """Delivers what the dead children of a writer left, for at most `timeout` seconds."""
        over = threading.Event()
        task = functools.partial(self._adopter.adopt_children, writer, lambda wait: not over.wait(wait))
        # Not in the caller's thread, which no answer may hold up.
        thread = threading.Thread(target=guarded, args=(task,), name="zenml-comet-children", daemon=True)
        if not _started(thread):
            return
        try:
            thread.join(max(0.0, timeout))
        finally:
            over.set()


def _started(thread: threading.Thread) -> bool:
    """Whether the thread runs; at its end Python 3.12 starts none any more, and other processes have to adopt."""
    try:
        thread.start()
    except RuntimeError as error:
        logger.debug("Nothing is adopted any more: %s", error)
        return False
    return True


def guarded(task: Callable[[], object]) -> None:
    """Runs a task that must not cost its process anything, whatever nobody foresaw in a journal."""
    try:
        task()
    except Exception as error:
        _notices.warn(type(error).__name__, "An adoption stumbled (%s: %s).", type(error).__name__, error)


_notices = Notices(logger)
process_adoption = Adoption()


def _in_child() -> None:
    global _notices
    _notices = Notices(logger)
    process_adoption.forsake()


os.register_at_fork(after_in_child=_in_child)
