"""What this package does, written to a file: `COMET_LOGGING_FILE`, as much as `COMET_LOGGING_FILE_LEVEL` says.

With DEBUG every request stands there: method, path, status and time, never a body, a header or the API key. The console
shows what it showed before.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet import forks

logger = logging.getLogger(__name__)

PACKAGE = "zenml_comet_tracker"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DEFAULT_LEVEL = "INFO"
FORMAT = "%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s"

_lock = forks.Lock()
_disabled = False
_open: tuple[str, str] | None = None
_handlers: list[logging.Handler] = []
_level_before = logging.NOTSET


class _Onward(logging.Handler):
    """Gives on to the root's handlers what they would have got: that the file wants more is nothing to them."""

    def emit(self, record: logging.LogRecord) -> None:
        root = logging.getLogger()
        if record.levelno >= root.getEffectiveLevel():
            root.callHandlers(record)


def begin(path: str | None, level: str | None) -> None:
    """Logs to this file from now on, unless that was disabled; nothing changes without a path.

    A file that cannot be written and a level that is none are said in a warning, and harm nothing else.
    """
    global _open
    wanted = (path or "", (level or DEFAULT_LEVEL).strip().upper())
    if not path or _disabled or _open == wanted:
        return
    with _lock:
        if _open == wanted:
            return
        _close()
        _open = wanted
        if wanted[1] not in LEVELS:
            logger.warning(
                "COMET_LOGGING_FILE_LEVEL is %r, expected one of %s; INFO is used.", level, ", ".join(LEVELS)
            )
            wanted = (wanted[0], DEFAULT_LEVEL)
        try:
            handler = logging.FileHandler(Path(path).expanduser(), encoding="utf-8")
        except OSError as error:
            logger.warning("COMET_LOGGING_FILE cannot be written, and nothing is logged to it: %s", error)
            return
        _attach(handler, logging.getLevelName(wanted[1]))


def disable_logging() -> None:
    """Writes no more to `COMET_LOGGING_FILE` for the rest of the session."""
    global _disabled
    _disabled = True
    with _lock:
        _close()


def _attach(handler: logging.Handler, level: int) -> None:
    global _level_before
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(FORMAT))
    package = logging.getLogger(PACKAGE)
    _level_before = package.level
    _handlers.append(handler)
    if level < package.getEffectiveLevel() and package.propagate and package.level == logging.NOTSET:
        package.setLevel(level)
        package.propagate = False
        _handlers.append(_Onward())
    for one in _handlers:
        package.addHandler(one)
    logger.info("%s %s, Python %s", PACKAGE, __version__, sys.version.split()[0])


def _close() -> None:
    global _open
    _open = None
    package = logging.getLogger(PACKAGE)
    if any(isinstance(one, _Onward) for one in _handlers):
        package.setLevel(_level_before)
        package.propagate = True
    for one in _handlers:
        package.removeHandler(one)
        one.close()
    _handlers.clear()
