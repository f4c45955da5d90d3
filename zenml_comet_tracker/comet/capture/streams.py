"""sys.stdout and sys.stderr, listened to at the level of the objects: what they are and how they behave stays theirs.

Only the method `write` of the object is wrapped, and only of that object. Whoever got hold of it earlier (logging
handlers, progress bars) is heard too; whoever is redirected elsewhere is not; `isatty`, `fileno`, `buffer`, `encoding`
and identity are untouched. Bytes written to `buffer` or to the file descriptor pass unheard.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from zenml_comet_tracker.comet.capture import cells
from zenml_comet_tracker.comet.guard import interrupts

logger = logging.getLogger(__name__)

# The threads of this package tell of delivery: that is not the program's output, and would be delivered in turn.
OWN_THREADS = "zenml-comet"

Listener = Callable[[str], None]


class Stream(Protocol):
    """What is needed of a stream."""

    def write(self, text: str, /) -> Any:
        """Writes a text."""


class _Hearing(threading.local):
    """Whether what this thread writes is heard, None until that was asked; and which stream it is writing to."""

    heard: bool | None = None
    inside: Tee | None = None


_hearing = _Hearing()
_lock = threading.RLock()
_tees: list[Tee] = []


def keep_out() -> None:
    """Nothing that the calling thread writes is heard from now on."""
    _hearing.heard = False


class Tee:
    """One stream whose `write` is wrapped while anybody listens."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._listeners: tuple[Listener, ...] = ()
        self._before: Any = None
        self._write: Any = None
        self.wrap()

    def wrap(self) -> None:
        """Wraps what is there now, unless that is the wrapped one still.

        Around it there may be another's wrapper, or it may be gone with one: of several layers the outermost tells.
        """
        before = vars(self.stream).get("write")
        if before is not None and before is self._write:
            return
        original = self.stream.write

        def write(*args: Any, **kwargs: Any) -> Any:
            outer = _hearing.inside
            if outer is self:
                return original(*args, **kwargs)
            _hearing.inside = self
            try:
                # First what the program asked for: what becomes of that is for it to see, whatever comes then.
                written = original(*args, **kwargs)
            finally:
                _hearing.inside = outer
            if self._listeners:
                self._tell(str(next(iter((*args, *kwargs.values())), "")))
            return written

        self.stream.write = write  # type: ignore[method-assign]
        self._write, self._before = write, before

    def listen(self, listener: Listener) -> None:
        """Tells the listener of every text from now on."""
        self._listeners = (*self._listeners, listener)

    def forget(self, listener: Listener) -> bool:
        """Tells it no longer; whether anybody is left."""
        self._listeners = tuple(known for known in self._listeners if known is not listener)
        return bool(self._listeners)

    def restore(self) -> None:
        """The stream's own method again, unless somebody wrapped ours in the meantime, whose it is then to restore."""
        if vars(self.stream).get("write") is not self._write:
            return
        if self._before is None:
            del self.stream.write
        else:
            self.stream.write = self._before  # type: ignore[method-assign]

    def _tell(self, text: str) -> None:
        # What a listener itself prints, or logs to the console, would come back to it for ever.
        if not _is_heard():
            return
        _hearing.heard = False
        try:
            for listener in self._listeners:
                listener(text)
        except Exception as error:
            if interrupts(error):
                raise
            logger.debug("A text was printed but not captured: %s", error)
        finally:
            _hearing.heard = True


def _is_heard() -> bool:
    if _hearing.heard is None:
        _hearing.heard = not threading.current_thread().name.startswith(OWN_THREADS)
    return _hearing.heard


def listen(stream: Stream | None, listener: Listener) -> Callable[[], None]:
    """Tells the listener of all that is written to the stream, until what this returns is called.

    A stream that is not there, as in a program without a console, is never heard. `TypeError` for one whose `write`
    cannot be wrapped.
    """
    if stream is None:
        return lambda: None
    with _lock:
        tee = next((known for known in _tees if known.stream is stream), None)
        if tee is None:
            try:
                tee = Tee(stream)
            except (AttributeError, TypeError) as error:
                raise TypeError(f"{type(stream).__name__} lets nobody listen") from error
            _tees.append(tee)
        tee.listen(listener)
        stop_renewing = cells.call_before_each(lambda *_: renew())

    def stop() -> None:
        stop_renewing()
        _forget(tee, listener)

    return stop


def renew() -> None:
    """Wraps again what IPython unwrapped, which takes back what a cell does to `write`; does nothing elsewhere."""
    if cells.shell() is None:
        return
    with _lock:
        for tee in _tees:
            tee.wrap()


def _forget(tee: Tee, listener: Listener) -> None:
    with _lock:
        if not tee.forget(listener) and tee in _tees:
            tee.restore()
            _tees.remove(tee)


def _become_child() -> None:
    """Another thread of the parent's may have held it."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_become_child)
