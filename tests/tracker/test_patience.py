"""How long ZenML is waited for, and that a process comes to its end whatever ZenML is still asked or told."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from zenml_comet_tracker.tracker import patience
from zenml_comet_tracker.tracker.background import Background

PROGRAM = """
import itertools, threading
from pydantic import BaseModel, field_validator
from zenml_comet_tracker.tracker import patience
from zenml_comet_tracker.tracker.background import background

begun = threading.Event()

class Slow(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def wait(cls, number: int) -> int:
        begun.set()
        for _ in itertools.repeat(None, 2_000):
            pass
        return number

def call():
    for _ in range(5_000):
        Slow(number=1)
    print("done ", end="", flush=True)

background.submit(call)
patience.in_time(call, 0.01)
assert begun.wait(30)
"""


def test_a_process_that_ends_while_zenml_is_spoken_to_is_not_aborted() -> None:
    """Python throws daemon threads out of whatever they are at, and pydantic's Rust answers that with an abort."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done done ", "")


def test_a_call_that_does_not_end_holds_no_end_up_and_none_begins_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_over", threading.Event())
    background = Background()
    begun, go_on, late = threading.Semaphore(0), threading.Event(), threading.Event()

    def wait() -> None:
        begun.release()
        go_on.wait(60)

    patience.in_time(wait, 0.01)
    background.submit(wait)
    assert begun.acquire(timeout=30)
    assert begun.acquire(timeout=30)
    assert not background.close(0.01)
    patience.close(0.01)
    background.submit(late.set)
    patience.in_time(late.set, 30)
    thread = background._thread
    go_on.set()
    assert thread is not None
    thread.join(30)
    assert not thread.is_alive()
    assert not late.is_set()
