"""SIGTERM, where nobody else handles it: the experiments of the process are ended, and it dies of the signal as before.

Python runs a handler only between two steps of the main thread, so a process that sits in one long call of a C library
dies when the call returns; a child, for whose end somebody may wait, is killed after a while. `ZENML_COMET_SIGTERM=0`
leaves the signal alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType

from zenml_comet_tracker.comet import exits, forks, watchdog

VARIABLE = "ZENML_COMET_SIGTERM"
STOPPED = "The process was stopped by SIGTERM."
# Half of what `docker stop` grants before it kills.
SECONDS = 5.0
# For what must not take long, such as saying what is left, and still may.
GRACE_SECONDS = 1.0


def install() -> None:
    """Handles the signal if nobody does, and if this is the main thread: no other may say who handles one."""
    if os.environ.get(VARIABLE) == "0" or not _in_main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # ValueError: the main thread of another interpreter than the main one. OSError: no descriptor is left.
        with contextlib.suppress(ValueError, OSError):
            signal.signal(signal.SIGTERM, _on_sigterm)
            if exits.in_child():
                watchdog.begin(signal.SIGTERM, _on_sigterm, SECONDS + GRACE_SECONDS)


def remove() -> None:
    """Restores the default when nothing is left to end, unless somebody else handles the signal by now."""
    if _in_main_thread() and not exits.any_living() and signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        watchdog.end()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _on_sigterm(number: int, _: FrameType | None) -> None:
    if signal.getsignal(number) is not _on_sigterm:
        # Called by a handler that took this one's place: what becomes of the process is for that one to say.
        return
    # First of all, so that a second signal kills at once.
    signal.signal(number, signal.SIG_DFL)
    try:
        exits.end_all(STOPPED, SECONDS)
    finally:
        os.kill(os.getpid(), number)


def _in_child() -> None:
    """Nothing lives in a forked child yet that would have to be ended: it dies of the signal, whatever it is at."""
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


forks.change_handlers(_in_child)
