"""Finds, starts and stops the one server of a data folder. No network: a running server is one that holds its lock."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from zenml_comet_tracker import __version__
from zenml_comet_tracker.local import errors, folder, lock
from zenml_comet_tracker.local.errors import MissingExtraError, StartFailedError
from zenml_comet_tracker.local.folder import default_data_folder

__all__ = ["Address", "RunningServer", "address", "default_data_folder", "ensure", "find", "stop"]

# A server that was started by itself leaves after three days in which nobody looked. 0 = never.
IDLE_SECONDS = 3 * 24 * 3600.0
# A start takes a tenth of a second; a machine under load may take many times that.
START_SECONDS = 60.0
_NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "jinja2", "python_multipart", "plotly", "numpy")
_MODULE = "zenml_comet_tracker.local"
_LOG_BYTES = 5 << 20
_LOG_TAIL = 2_000


@dataclass(frozen=True)
class Address:
    """Where the server of a data folder is or will be: URL without a slash at its end, and its API key."""

    url: str
    api_key: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


@dataclass(frozen=True, repr=False)
class RunningServer(Address):
    """A server that runs: also its process, package version, data folder and start in seconds since the epoch."""

    pid: int
    version: str
    data: Path
    started: float


def address(data: Path | None = None) -> Address | None:
    """Where the server of the data folder listens, or listened last; None when none ever did."""
    data = _resolved(data)
    record, key = folder.read_record(data), folder.read_api_key(data)
    return Address(record.url, key) if record is not None and key is not None else None


def find(data: Path | None = None) -> RunningServer | None:
    """The server of the data folder, when it runs."""
    data = _resolved(data)
    pid = lock.holder(data)
    record, key = folder.read_record(data), folder.read_api_key(data)
    # Another process in the record: the holder of the lock has not come up yet.
    if pid is None or record is None or key is None or record.pid != pid:
        return None
    return RunningServer(record.url, key, pid, record.version, data, record.started)


def ensure(data: Path | None = None, *, port: int | None = None, idle_seconds: float | None = None) -> RunningServer:
    """The running server of the data folder, started when there is none, restarted when it is of an older version.

    A started one listens when this returns; its first answer takes as long as its modules take to load. It outlives
    this process, and stops after `idle_seconds` without a request: None = three days, 0 = never, which holds for one
    that runs already too.
    Raises a `LocalServerError`.
    """
    data = _resolved(data)
    running = find(data)
    if running is not None and _release(running.version) >= _release(__version__):
        if idle_seconds == 0:
            _let_stay(running)
        return running
    if running is not None:
        stop(data)
    require_extra()
    folder.prepare(data)
    _start(data, port, IDLE_SECONDS if idle_seconds is None else idle_seconds)
    return _wait_for(data)


def stop(data: Path | None = None, timeout: float = 10.0) -> bool:
    """Stops the server of the data folder, if need be by force after `timeout` seconds. Whether there was one."""
    data = _resolved(data)
    pid = lock.holder(data)
    if pid is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + timeout
        while (pid := lock.holder(data)) is not None and time.monotonic() < deadline:
            if pid:
                _signal(pid, number)
            _pause_until(lambda: lock.holder(data) is None, min(1.0, timeout))
        if pid is None:
            return True
    raise StartFailedError(f"The server with process id {pid} does not stop. End it yourself, then try again.")


def _signal(pid: int, number: signal.Signals) -> None:
    """Sends a signal, to a server only: until a new one writes its id, another process may have what is read."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if _MODULE in process.cmdline():
            process.send_signal(number)


def _let_stay(running: RunningServer) -> None:
    record = folder.read_record(running.data)
    if record is not None and record.pid == running.pid and not record.stays:
        folder.write_record(running.data, replace(record, stays=True))


def _release(version: str) -> list[int]:
    """The numbers of a version, to be compared."""
    return [int(number) for number in re.findall(r"\d+", version)]


def _pause_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _resolved(data: Path | None) -> Path:
    return default_data_folder() if data is None else Path(data).expanduser().absolute()


def require_extra() -> None:
    """Raises `MissingExtraError` when a package is missing that the server needs."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"The local Comet needs packages that are not installed ({', '.join(missing)}). "
            "Run: pip install 'zenml-comet-tracker[local]'"
        )


def _start(data: Path, port: int | None, idle_seconds: float) -> None:
    """Starts a server process that belongs to nobody, and waits until it listens or says why it does not."""
    command = [sys.executable, "-m", _MODULE, "--data", str(data)]
    if port is not None:
        command += ["--port", str(port)]
    if idle_seconds > 0:
        command += ["--idle-seconds", str(idle_seconds)]
    listening, reporting = os.pipe()
    try:
        with open(_log(data), "ab") as log:
            # The shell leaves at once, so that the server is nobody's child and no zombie remains of it.
            subprocess.run(  # noqa: S603
                ["/bin/sh", "-c", '"$@" &', "sh", *command, "--report", str(reporting)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[reporting],
                start_new_session=True,
                cwd=data,
                env=_environment(),
                check=True,
            )
        os.close(reporting)
        reporting = -1
        _check(_first_words(listening), data)
    finally:
        os.close(listening)
        if reporting != -1:
            os.close(reporting)


def _environment() -> dict[str, str]:
    """Ours, so that the server finds this package even where it runs from a checkout that is not installed."""
    home = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": home if not known else f"{home}{os.pathsep}{known}"}


def _log(data: Path) -> Path:
    """The log file, begun anew when it has grown large."""
    path = data / "server.log"
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(data / "server.log.1")
    path.touch(mode=0o600)
    return path


def _first_words(pipe: int) -> bytes | None:
    """What the server reports of its start; empty when it ended without a word, None when it takes too long."""
    readable, _, _ = select.select([pipe], [], [], START_SECONDS)
    return os.read(pipe, 1 << 16) if readable else None


def _check(words: bytes | None, data: Path) -> None:
    if not words:
        how = "ended" if words is not None else f"did not come up within {START_SECONDS:.0f} s"
        tail = (data / "server.log").read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
        raise StartFailedError(f"The local Comet {how}. The end of {data / 'server.log'} says:\n{tail}")
    said = json.loads(words)
    # Someone else started one in the same moment: as good as ours.
    if "error" not in said or said["error"] == "AlreadyRunning":
        return
    raise getattr(errors, said["error"], StartFailedError)(said["message"])


def _wait_for(data: Path) -> RunningServer:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        running = find(data)
        if running is not None:
            return running
        time.sleep(0.02)
    raise StartFailedError(f"The local Comet does not come up; {data / 'server.log'} may say why.")
