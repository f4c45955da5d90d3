"""How a process ends, and its experiments with it, on every way that lets Python run.

At the end of the program (`atexit`), at the end of a child of `multiprocessing` (which never gets to `atexit` when it
was forked), by SIGTERM (see `sigterm`), and, in a forked child, not at all: what belongs to the parent is let go of.
Experiments are known here only as something that can be closed and waited for.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Protocol

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.stats import DeliveryReport

logger = logging.getLogger(__name__)

FINISH_TIMEOUT = 30.0
SAY_SECONDS = 0.5
# Behind the joining of multiprocessing's queues (-5), so that results of the user's never wait for ours, and before its
# temporary folder goes (-100).
CHILD_EXIT_PRIORITY = -50


class Mortal(Protocol):
    """One process's part of an experiment, as the end of the process sees it."""

    def close(self, error: str | None) -> None:
        """Writes the end status, so that nothing can be logged any more, and waits for nothing."""

    def end(self, error: str | None, timeout: float) -> DeliveryReport:
        """Closes, and waits for delivery."""

    def expect_kin(self) -> None:
        """Said before a fork: another process may open the experiment first."""

    def become_child(self) -> None:
        """Said in a forked child: lets go of what belongs to the parent."""

    def describe(self, report: DeliveryReport) -> str:
        """One line for whoever reads the log: whose the report is, and what it says."""


# Held here, so that one that the program forgot is still ended when the program is. With each, the last exception that
# an interactive session had seen when it began.
_living: dict[Mortal, BaseException | None] = {}
# Those that a forked child has to let go of, ended or not.
_known: weakref.WeakSet[Mortal] = weakref.WeakSet()
_behind: list[Callable[[], object]] = []
# The process whose multiprocessing ends us, and whether multiprocessing was asked to call at the start of a child.
_finalized_process = 0
_bootstrap_watched = False
_forked = False
# What the bootstrap of a child of multiprocessing returns, once it is through.
_exit_code = 0


def know(mortal: Mortal) -> None:
    """Lets go of it in forked children."""
    _known.add(mortal)


def begin(mortal: Mortal) -> None:
    """Ends it with the process, unless `forget` comes first."""
    _living.setdefault(mortal, getattr(sys, "last_value", None))
    _watch_multiprocessing()


def forget(mortal: Mortal) -> None:
    """It is ended, or being ended."""
    _living.pop(mortal, None)


def any_living() -> bool:
    """Whether anything would be ended with the process."""
    return bool(_living)


def in_child() -> bool:
    """Whether another process is there that may wait for the end of this one: its parent, by fork or otherwise."""
    process = sys.modules.get("multiprocessing.process")
    return _forked or (process is not None and process.parent_process() is not None)


def error_text(error: BaseException | str | None) -> str | None:
    """The text that a failed experiment carries: a traceback, or what the caller says; none for success."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return None
    if isinstance(error, str):
        return values.text_of(error)
    return values.text_of("".join(traceback.format_exception(type(error), error, error.__traceback__)))


def behind_all(call: Callable[[], object]) -> None:
    """Has it called at the end of the program, once the experiments have ended; the last that was named first."""
    _behind.append(call)


def end_all(error: str | None, timeout: float) -> None:
    """Ends what lives; `timeout` is in seconds, and for all of them together."""
    _end(dict.fromkeys(list(_living), error), timeout)


def _end(errors: Mapping[Mortal, str | None], timeout: float) -> None:
    for mortal, error in errors.items():
        mortal.close(error)
    deadline = time.monotonic() + timeout
    for mortal in errors:
        try:
            report = mortal.end(None, max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            # Whoever presses Ctrl-C waits no longer; the journals keep the rest.
            deadline = 0.0
            report = mortal.end(None, 0.0)
        if not report.delivered:
            _say(mortal.describe(report))


def _say(line: str) -> None:
    if not _forked:
        logger.warning("%s", line)
        return
    # A thread of the parent's may have been writing to the same stream, which then is locked here for ever.
    thread = threading.Thread(target=logger.warning, args=("%s", line), name="zenml-comet-say", daemon=True)
    with contextlib.suppress(RuntimeError):
        thread.start()
        thread.join(SAY_SECONDS)


def _at_exit() -> None:
    """At the end of the program: failed when it dies of an exception.

    An exit code cannot be known here: Python forgets a `SystemExit` before it calls.
    """
    # In an interactive session the last exception is one of many that the user has seen and gone on from.
    failure: BaseException | None = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
    text, code_text = error_text(failure), _exit_code_text()
    errors = {mortal: code_text if failure is seen else text or code_text for mortal, seen in list(_living.items())}
    _end(errors, FINISH_TIMEOUT)
    for call in reversed(_behind):
        try:
            call()
        except KeyboardInterrupt:
            break
        except Exception:
            logger.warning("What was to follow the end of the experiments failed.", exc_info=True)
    if type(failure) is KeyboardInterrupt:
        _die_of_the_interrupt()


def _die_of_the_interrupt() -> None:
    """Has Python end the process by SIGINT after all, as it does when Ctrl-C ended the program.

    It forgets that it should as soon as any thread compiles a text, which the import of a named tuple does.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt", {})  # noqa: S102


def _watch_multiprocessing() -> None:
    """In a child that multiprocessing started: asks it to call when the child is through."""
    global _finalized_process, _bootstrap_watched
    # A process that multiprocessing started has loaded it; nobody else should have to.
    if "multiprocessing.util" not in sys.modules:
        return
    from multiprocessing import parent_process, util

    if not _bootstrap_watched:
        # A spawned child runs the program's module before its bootstrap forgets all that was registered.
        _bootstrap_watched = True
        util.register_after_fork(_watch_multiprocessing, lambda watch: watch())
    if parent_process() is not None and _finalized_process != os.getpid():
        _finalized_process = os.getpid()
        util.Finalize(None, _at_child_exit, exitpriority=CHILD_EXIT_PRIORITY)
        threading._register_atexit(_note_exit_code)  # type: ignore[attr-defined]


def _note_exit_code() -> None:
    """When the bootstrap of a child is through, and only its frame knows how; from Python 3.13 on."""
    global _exit_code
    from multiprocessing.process import BaseProcess

    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not BaseProcess._bootstrap.__code__:  # type: ignore[attr-defined]
        frame = frame.f_back
    _exit_code = 0 if frame is None else frame.f_locals.get("exitcode", 0)


def _exit_code_text() -> str | None:
    return f"The process ended with exit code {_exit_code}." if _exit_code else None


def _at_child_exit() -> None:
    """At the end of a child: up to Python 3.12 while the exception that ended it is on its way, later behind it."""
    error = error_text(sys.exc_info()[1]) or _exit_code_text()
    if not _other_threads():
        end_all(error, FINISH_TIMEOUT)
        return
    # Multiprocessing waits for the child's threads only after this, and they may log until they are through.
    threading.Thread(target=_end_behind_threads, args=(error,), name="zenml-comet-exit", daemon=False).start()


def _end_behind_threads(error: str | None) -> None:
    while others := _other_threads():
        others[0].join()
    end_all(error, FINISH_TIMEOUT)


def _other_threads() -> list[threading.Thread]:
    """The threads that Python waits for before the process ends, but the main one and the calling one."""
    out = (threading.main_thread(), threading.current_thread())
    return [thread for thread in threading.enumerate() if not thread.daemon and thread not in out]


def _before_fork() -> None:
    for mortal in list(_living):
        with contextlib.suppress(OSError):
            mortal.expect_kin()


def _in_child() -> None:
    global _forked
    _forked = True
    for mortal in list(_known):
        with contextlib.suppress(OSError):
            mortal.become_child()


atexit.register(_at_exit)
os.register_at_fork(before=_before_fork, after_in_child=_in_child)
