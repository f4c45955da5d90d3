"""What a program prints, gathered to lines and to few records."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.capture import redaction, streams
from zenml_comet_tracker.comet.capture.screen import Screen
from zenml_comet_tracker.comet.capture.sink import Sink
from zenml_comet_tracker.comet.guard import interrupts
from zenml_comet_tracker.comet.texts import divided

logger = logging.getLogger(__name__)

GATHER_SECONDS = 1.0
# A bar that runs for hours is shown as it stands once in a while, and so is a line without an end.
STANDING_SECONDS = 60.0
MAX_RECORD_CHARACTERS = 64 << 10
# More than this is not left to the thread.
MAX_PENDING_CHARACTERS = 1 << 20


class Output:
    """The output of one experiment's program. Any thread may write; the first line goes at once, later ones gathered.

    Writing takes no lock, so that a signal handler may print too, and raises nothing but what such a handler does; when
    a record cannot be written, a warning says so, and capture of this output is over.
    """

    def __init__(self, sink: Sink, secrets: Sequence[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._secrets = tuple(secrets)
        self._clock = clock
        self._failed = False
        self._anew()

    def _anew(self) -> None:
        self._lock = threading.RLock()
        self._pending: deque[tuple[bool, str]] = deque()
        self._characters = 0
        self._screens = {False: Screen(), True: Screen()}
        # Nothing that was gathered is lost to a child that ends soon: what it prints first makes its journal begin.
        self._begun = False
        self._stood = self._clock()

    def become_child(self) -> None:
        """In a forked child: leaves to the parent what the parent printed."""
        self._anew()

    def write(self, text: str, *, stderr: bool) -> None:
        """Takes what was printed."""
        if self._failed:
            return
        self._pending.append((stderr, text))
        self._characters += len(text)
        if not self._begun or self._characters > MAX_PENDING_CHARACTERS:
            self.drain()
            _gatherer.watch(self)

    def drain(self, *, final: bool = False) -> None:
        """Records the lines that are whole, and with `final` the rest."""
        try:
            with self._lock:
                self._record_runs(final)
        except Exception as error:
            if interrupts(error):
                raise
            self._failed = True
            self._pending.clear()
            logger.warning("What the program prints is logged no longer: %s: %s", type(error).__name__, error)

    def _record_runs(self, final: bool) -> None:
        runs = list(self._taken())
        now = self._clock()
        if final:
            runs += [(stderr, screen.rest()) for stderr, screen in self._screens.items()]
        elif now - self._stood >= STANDING_SECONDS:
            self._stood = now
            runs += [(stderr, screen.standing()) for stderr, screen in self._screens.items()]
        for stderr, text in runs:
            # Before it is divided, which may be in the middle of a secret.
            for piece in divided(redaction.without(text, self._secrets), MAX_RECORD_CHARACTERS):
                self._sink.output(values.text_of(piece), stderr=stderr)
                self._begun = True

    def _taken(self) -> Iterator[tuple[bool, str]]:
        """What settled, in the order of both streams."""
        self._characters = 0
        while self._pending:
            stderr, text = self._pending.popleft()
            while self._pending and self._pending[0][0] == stderr and len(text) < MAX_RECORD_CHARACTERS:
                text += self._pending.popleft()[1]
            screen = self._screens[stderr]
            screen.write(text)
            yield stderr, screen.settled()


class _Gatherer:
    """The thread that drains every output of the process once a second."""

    def __init__(self) -> None:
        self.anew()

    def anew(self) -> None:
        # Reentrant: a signal handler that prints, or ends the experiment, may come in between.
        self._lock = threading.RLock()
        self._outputs: tuple[Output, ...] = ()
        self._thread: threading.Thread | None = None

    def watch(self, output: Output) -> None:
        """Drains it from now on."""
        with self._lock:
            if output in self._outputs:
                return
            self._outputs = (*self._outputs, output)
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="zenml-comet-output", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                # Python starts no thread at its end; the end of the experiment drains.
                logger.debug("Output is gathered without a thread: %s", error)
            else:
                self._thread = thread

    def forget(self, output: Output) -> None:
        """Drains it no longer; the thread ends with the last."""
        with self._lock:
            self._outputs = tuple(known for known in self._outputs if known is not output)

    def _run(self) -> None:
        streams.keep_out()
        while True:
            time.sleep(GATHER_SECONDS)
            streams.renew()
            for output in self._outputs:
                output.drain()
            with self._lock:
                if not self._outputs:
                    self._thread = None
                    return


_gatherer = _Gatherer()


def forget(output: Output) -> None:
    """Leaves it to whoever drains it by hand."""
    _gatherer.forget(output)


os.register_at_fork(after_in_child=_gatherer.anew)
