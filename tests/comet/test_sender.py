"""The thread that gives couriers their turns: when it waits, and for what."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from zenml_comet_tracker.comet.delivery.sender import Sender


class Turns:
    """A courier whose turns are counted; after each it asks for the next one after `wait` seconds."""

    stopped = False

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.taken = threading.Semaphore(0)

    def take(self) -> float:
        self.taken.release()
        return self.wait


def test_what_is_due_is_not_held_up_by_what_gathers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second attempt to open an experiment is due after milliseconds, and a step waits for what becomes of it."""
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.sender.GATHER_SECONDS", 3600.0)
    sender = Sender("test-sender", lambda courier: courier.take())  # type: ignore[attr-defined]
    courier: Any = Turns(0.01)
    sender.add(courier)
    try:
        for _ in range(5):
            assert courier.taken.acquire(timeout=30)
            sender.wake()
    finally:
        courier.stopped = True
        sender.wake(urgent=True)
