"""How long ZenML is waited for, and that a process comes to its end whatever ZenML is still asked or told."""

from __future__ import annotations

import subprocess
import sys
import textwrap

# A moment within pydantic.
HEAD = """
import itertools, threading, sys
from pydantic import BaseModel, field_validator
from zenml_comet_tracker.comet import exits
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
    print("done")
"""


def _run(program: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(HEAD) + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_process_that_ends_while_zenml_is_spoken_to_is_not_aborted() -> None:
    """Python throws daemon threads out of whatever they are at, and pydantic's Rust answers that with an abort."""
    done = _run("background.submit(call)\npatience.in_time(call, 0.01)\nassert begun.wait(30)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\ndone\n", "")


def test_a_call_that_does_not_end_holds_no_process_up_and_none_begins_behind_it() -> None:
    done = _run(
        """
        def wait():
            begun.set()
            threading.Event().wait()

        patience.close(0)
        patience._over.clear()
        patience.in_time(wait, 0.01)
        assert begun.wait(30)
        patience.close(0.01)
        patience.in_time(call, 30)
        background.submit(wait)
        assert background.close(0.01) is False
        background.submit(call)
        patience.close = background.close = None
        exits._behind.clear()
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
