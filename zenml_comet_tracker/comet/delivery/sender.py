"""The background threads: for each server one that delivers records, one for files, one for heartbeats."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable

from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.delivery.pace import GATHER_SECONDS

logger = logging.getLogger(__name__)


class Sender:
    """One thread that gives each courier its turns. It starts with the first courier and ends with the last.

    `awake` is read without a lock by every logging call, which wakes the sender only when it is not.
    """

    def __init__(self, name: str, turn: Callable[[Courier], float | None]) -> None:
        self._name = name
        self._turn = turn
        # Taken as it is where a signal may interrupt: a condition's own entering can be cut short with the lock held.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._couriers: list[Courier] = []
        self._thread: threading.Thread | None = None
        self._urgent = False
        self.awake = False

    def add(self, courier: Courier) -> None:
        """Takes a courier on and starts the thread if there is none."""
        with self._lock:
            self._couriers.append(courier)
            self._urgent = True
            if self._thread is None:
                self._start()
            self._condition.notify()
            self.awake = True

    @property
    def running(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError as error:
            # At its end Python 3.12 starts no thread any more; the journal keeps everything.
            logger.debug("%s cannot start: %s", self._name, error)
            self._thread = None

    def wake(self, *, urgent: bool = False) -> None:
        """Says that there is something to deliver; `urgent` also skips the gathering."""
        with self._lock:
            self._urgent = self._urgent or urgent
            self._condition.notify()
            # Last: when an interrupt cuts this short, the next call has to wake the sender.
            self.awake = True

    def _run(self) -> None:
        wait: float | None = 0.0
        while self._sleep(wait):
            self.awake = False
            waits = [self._take_turn(courier) for courier in self.couriers()]
            wait = min((w for w in waits if w is not None), default=None)

    def _sleep(self, wait: float | None) -> bool:
        """Waits until something is due; False when the thread has nothing left to live for."""
        with self._condition:
            self._couriers = [courier for courier in self._couriers if not courier.stopped]
            if not self._couriers:
                self._thread = None
                return False
            due = math.inf if wait is None else time.monotonic() + wait
            if not self.awake:
                self._condition.wait(wait)
            if self.awake and not self._urgent and wait != 0.0:
                # What is due before holds no gathering up, and is held up by none.
                deadline = min(due, time.monotonic() + GATHER_SECONDS)
                while not self._urgent and (left := deadline - time.monotonic()) > 0:
                    self._condition.wait(left)
            self._urgent = False
            return True

    def couriers(self) -> list[Courier]:
        """Those that are given turns now."""
        with self._condition:
            return list(self._couriers)

    def _take_turn(self, courier: Courier) -> float | None:
        try:
            return self._turn(courier)
        except Exception as error:
            # The thread serves every experiment of the process: a fault in one must not silence the others.
            return courier.broke(error)


class Senders:
    """The threads for one server: one that does not answer holds up no other, and heartbeats wait for nothing."""

    def __init__(self) -> None:
        self.records = Sender("zenml-comet-records", Courier.deliver_records)
        self.files = Sender("zenml-comet-files", Courier.deliver_files)
        self.beats = Sender("zenml-comet-beats", Courier.beat)

    def add(self, courier: Courier) -> None:
        """Takes a courier on for its records and, once the handshake is done, its files and heartbeats."""
        courier.wake_senders = self._wake_the_others
        courier.when_answered = self._answered
        for sender in (self.records, self.files, self.beats):
            sender.add(courier)

    @property
    def running(self) -> bool:
        """Whether anything is delivered."""
        return self.records.running

    def wake(self) -> None:
        """Wakes the threads that deliver, without gathering."""
        self.records.wake(urgent=True)
        self.files.wake(urgent=True)

    def _answered(self) -> None:
        """The server answers one of them: those that it left without an answer need not wait out their back-off."""
        sooner = [courier.answers_again() for courier in self.records.couriers()]
        if any(sooner):
            self._wake_the_others()

    def _wake_the_others(self) -> None:
        for sender in (self.records, self.files, self.beats):
            sender.wake(urgent=True)


_by_root: dict[str, Senders] = {}


def senders(root: str) -> Senders:
    """The threads of this process for one server; a forked child gets its own."""
    return _by_root.setdefault(root, Senders())


# Threads do not survive a fork and their locks may be held for ever; the parent delivers its own journals.
os.register_at_fork(after_in_child=_by_root.clear)
