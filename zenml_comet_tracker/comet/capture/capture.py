"""Everything that is captured for one experiment, from its beginning to its end."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.capture import cells, code, git, output, redaction, streams, system_details
from zenml_comet_tracker.comet.capture.options import CaptureOptions
from zenml_comet_tracker.comet.capture.output import Output
from zenml_comet_tracker.comet.capture.part import Part
from zenml_comet_tracker.comet.capture.sink import Sink
from zenml_comet_tracker.comet.capture.system_metrics import sampler
from zenml_comet_tracker.comet.guard import interrupts

logger = logging.getLogger(__name__)

# For what is found out once, in the background: before a fork, whose child would inherit its locks, and at the end.
WAIT_SECONDS = 3.0

_captures: weakref.WeakSet[Capture] = weakref.WeakSet()


class Capture:
    """What one experiment takes along of its program. Nothing here raises, and nothing waits for the network.

    `secrets` are texts that nothing captured may hold, such as the API key. `wished_seconds` says how often the server
    wants system metrics, None while it has not said.
    """

    def __init__(
        self, options: CaptureOptions, sink: Sink, secrets: Sequence[str], wished_seconds: Callable[[], float | None]
    ) -> None:
        self._options = options
        self._sink = sink
        self._secrets = tuple(secrets)
        self._wished_seconds = wished_seconds
        self._owner = os.getpid()
        self._over = False
        self._code: code.Code | None = None
        # What there was of a notebook behind its last cell.
        self._cells: code.Code | None = None
        self._facts: threading.Thread | None = None
        self._waited = False
        self._output: Output | None = None
        self._stops: list[Callable[[], None]] = []
        _captures.add(self)

    def begin(self) -> None:
        """Starts what the options ask for."""
        options = self._options
        if options.log_output or options.log_error:
            _guarded("output", self._listen)
        if options.log_code:
            _guarded("code", self._begin_code)
        if options.log_system_metrics:
            _guarded("system metrics", lambda: sampler.add(self._take_sample, self._sample_seconds))
        if options.log_system_details or options.log_git_info or (options.part and options.part.parameters):
            _guarded("system details", self._find_out)

    def flush(self) -> None:
        """Records what was printed until now."""
        if self._output is not None:
            self._output.drain()

    def end(self) -> None:
        """Stops, and records what is left. A second call does nothing."""
        if self._over:
            return
        self._over = True
        for stop in self._stops:
            _guarded("the end", stop)
        if self._output is not None:
            output.forget(self._output)
            self._output.drain(final=True)
        if os.getpid() != self._owner:
            return
        sampler.remove(self._take_sample)
        if self._cells is not None:
            self._note_cells()
            _guarded("code", lambda: self._log_code(self._cells))
        self._wait_for_facts()
        if self._facts is not None and self._facts.is_alive():
            logger.warning("Parameters, system details or git information are not whole: the program ended before.")

    def become_child(self) -> None:
        """In a forked child: goes on with what the child prints; the rest is the parent's."""
        self._facts = None
        if self._output is not None:
            self._output.become_child()

    def before_fork(self) -> None:
        """Waits for the background, so that a child inherits no lock of its."""
        # Once: a program that forks often is not to wait each time for what takes long.
        if os.getpid() == self._owner and not self._waited:
            self._waited = True
            self._wait_for_facts()

    def _wait_for_facts(self) -> None:
        facts = self._facts
        if facts is not None and facts is not threading.current_thread():
            facts.join(WAIT_SECONDS)

    def _listen(self) -> None:
        self._output = taken = Output(self._sink, self._secrets)
        wanted: list[tuple[bool, streams.Stream | None]] = []
        if self._options.log_output:
            wanted.append((False, sys.stdout))
        if self._options.log_error and not (self._options.log_output and sys.stderr is sys.stdout):
            wanted.append((True, sys.stderr))
        part = self._options.part
        if part is not None:
            wanted += [(False, stream) for stream in part.consoles()]
        for stderr, stream in wanted:
            self._stops.append(streams.listen(stream, _listener(taken, part, stderr=stderr)))

    def _begin_code(self) -> None:
        found = self._options.part.code() if self._options.part is not None else None
        self._log_code(found or code.of_program())
        if found is not None:
            return
        # IPython in a terminal forgets its cells before it ends.
        self._stops.append(cells.call_after_each(self._note_cells))

    def _log_code(self, found: code.Code | None) -> None:
        if found is None or found == self._code:
            return
        self._code = found
        self._sink.code(redaction.without(found.text, self._secrets), found.file_name)
        if found.path is not None:
            self._sink.file_path(found.path)

    def _note_cells(self, *_: object) -> None:
        found = code.of_cells()
        if found is not None and (self._cells is None or len(found.text) > len(self._cells.text)):
            self._cells = found

    def _sample_seconds(self) -> float | None:
        return self._options.system_metrics_seconds or self._wished_seconds()

    def _take_sample(self, values: dict[str, float]) -> None:
        if not self._over:
            self._sink.system_metrics(values)

    def _find_out(self) -> None:
        """In the background: packages and patches take longer than a program should wait for them."""
        # As they are now: the program may change both.
        arguments, folder = list(sys.argv), _folder()
        # A forked child must not find a half imported module.
        if self._options.log_git_info:
            git.load()

        def find_out() -> None:
            streams.keep_out()
            if self._options.part is not None and self._options.part.parameters is not None:
                _guarded("parameters", functools.partial(self._log_parameters, self._options.part.parameters))
            if self._options.log_system_details:
                _guarded("system details", lambda: self._log_details(arguments))
            if self._options.log_git_info:
                _guarded("git information", lambda: self._log_git(folder))

        self._facts = threading.Thread(target=find_out, name="zenml-comet-facts", daemon=True)
        self._facts.start()

    def _log_parameters(self, find: Callable[[], Mapping[str, Any]]) -> None:
        if found := find():
            self._sink.parameters(redaction.holder(found, self._secrets), None, None)

    def _log_details(self, arguments: list[str]) -> None:
        # Together: each record is a request.
        process = system_details.of_process(arguments, self._secrets)
        self._sink.system_details(process | system_details.of_packages() | system_details.of_gpus())

    def _log_git(self, folder: Path) -> None:
        part = self._options.part
        state = git.state_of(folder) if part is None else part.git()
        if state is None:
            return
        self._sink.git(state.metadata)
        if state.patch is not None:
            # One character a byte, whatever the encodings of the files.
            patch = redaction.without(state.patch.decode("latin-1"), self._secrets).encode("latin-1")
            self._sink.git_patch(git.zipped(patch))


def begin(
    options: CaptureOptions,
    sink: Sink,
    secrets: Sequence[str] = (),
    wished_seconds: Callable[[], float | None] = lambda: None,
) -> Capture:
    """The capture of one experiment, begun. Never raises: what cannot be captured is said in a warning."""
    capture = Capture(options, sink, secrets, wished_seconds)
    capture.begin()
    return capture


def _listener(taken: Output, part: Part | None, *, stderr: bool) -> streams.Listener:
    if part is None:
        return lambda text: taken.write(text, stderr=stderr)
    return lambda text: taken.write(text, stderr=stderr) if part.speaks() else None


def _folder() -> Path:
    """Where the program's code lies: the script's folder, else the working one."""
    path = code.program_path()
    return Path.cwd() if path is None else path.parent


def _guarded(what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        if interrupts(error):
            raise
        logger.warning("Not captured: %s: %s: %s", what, type(error).__name__, error)


def _before_fork() -> None:
    for capture in forks.members(_captures):
        capture.before_fork()


def _in_child() -> None:
    for capture in list(_captures):
        with contextlib.suppress(Exception):
            capture.become_child()


os.register_at_fork(before=_before_fork, after_in_child=_in_child)
