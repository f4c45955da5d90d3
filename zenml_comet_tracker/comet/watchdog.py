"""What sees to it that a child goes when it is told to: whoever ends a process pool waits for its workers for ever.

Python runs a handler in the main thread, and does not wake that for a signal that comes in the moment before it sleeps,
nor out of one long call of a C library.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Callable

from zenml_comet_tracker.comet import forks

NUDGE_SECONDS = 0.2

# The ends of the pipe into which Python writes the number of every signal it handles; None while nothing is watched.
_pipe: tuple[int, int] | None = None


def begin(number: signal.Signals, handler: Callable[..., object], seconds: float) -> None:
    """Watches that the handler, which is to set the default first, runs and ends within `seconds` of the signal.

    From the main thread alone. Does nothing where others, an event loop perhaps, are told of signals already.
    """
    global _pipe
    if _pipe is not None:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    others = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    task = functools.partial(_watch, reading, number, handler, seconds)
    thread = threading.Thread(target=task, name="zenml-comet-signals", daemon=True)
    if others == -1 and _started(thread):
        _pipe = reading, writing
    else:
        signal.set_wakeup_fd(others)
        os.close(reading)
        os.close(writing)


def end() -> None:
    """Watches no longer. From the main thread alone."""
    if (writing := _let_go()) is not None:
        # Which ends the thread, and that closes the other end.
        os.close(writing)


def _let_go() -> int | None:
    """The end to close of a pipe that Python writes to no longer."""
    global _pipe
    if _pipe is None:
        return None
    (_, writing), _pipe = _pipe, None
    others = signal.set_wakeup_fd(-1)
    if others not in (-1, writing):
        signal.set_wakeup_fd(others)
    return writing


def _started(thread: threading.Thread) -> bool:
    try:
        thread.start()
    except RuntimeError:
        # Python starts none at its end.
        return False
    return True


def _in_child() -> None:
    """What is told to the pipe from now on would be taken for the parent's, whose thread reads it."""
    inherited = _pipe
    _let_go()
    for descriptor in inherited or ():
        os.close(descriptor)


def _watch(reading: int, number: signal.Signals, handler: Callable[..., object], seconds: float) -> None:
    try:
        while said := os.read(reading, 64):
            if number in said:
                _insist(number, handler, seconds)
    finally:
        os.close(reading)


def _insist(number: signal.Signals, handler: Callable[..., object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (current := signal.getsignal(number)) in (handler, signal.SIG_DFL):
        if time.monotonic() > deadline:
            # By default the signal kills; before, nothing else does.
            os.kill(os.getpid(), number if current is signal.SIG_DFL else signal.SIGKILL)
        time.sleep(NUDGE_SECONDS)
        if signal.getsignal(number) is handler:
            signal.pthread_kill(threading.main_thread().ident or 0, number)


forks.change_handlers(_in_child)
