"""What the official SDK returned, and what it complained of, for each row of calls.

A session is a program of its own (`python -m tests.local.sdk.sessions.NAME URL KEY FOLDER`, in an environment that
leads the SDK there), because the SDK patches what it finds, keeps threads and takes two seconds to import.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

URL, KEY, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
WORKSPACE = "sdk"
# What an `Experiment` logs of itself; what rows are about is switched on by them.
QUIET: dict[str, Any] = {
    "auto_metric_logging": False,
    "auto_param_logging": False,
    "auto_output_logging": False,
    "auto_histogram_weight_logging": False,
    "auto_log_co2": False,
    "log_code": False,
    "log_graph": False,
    "log_git_metadata": False,
    "log_git_patch": False,
    "log_env_details": False,
    "log_env_gpu": False,
    "log_env_cpu": False,
    "log_env_network": False,
    "log_env_disk": False,
    "log_env_host": False,
    "parse_args": False,
    "display_summary_level": 0,
}


class Recorder(logging.Handler):
    """Rows of calls: what each returned or raised, and the SDK's warnings and errors while it ran."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._rows: dict[str, dict[str, Any]] = {}
        self._complaints: list[str] = []
        logging.getLogger("comet_ml").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Notes a line that the SDK logs at warning level or above, on whatever thread."""
        self._complaints.append(f"{record.levelname}: {record.getMessage()}")

    def row(self, name: str, call: Callable[[], T]) -> T | None:
        """Makes the calls of one row and notes what came of them; gives what they returned."""
        seen = len(self._complaints)
        value: T | None = None
        error: str | None = None
        try:
            value = call()
        except Exception as raised:
            error = repr(raised)
        self._rows[name] = {"value": value, "error": error, "complaints": self._complaints[seen:]}
        return value

    def finish(self) -> None:
        """Writes all rows to `rows.json` in the session's folder."""
        rows = {"rows": self._rows, "complaints": self._complaints}
        (FOLDER / "rows.json").write_text(json.dumps(rows, default=str))


def png(name: str) -> str:
    """The path of a small image."""
    from PIL import Image

    Image.new("RGB", (2, 2), "red").save(FOLDER / name)
    return str(FOLDER / name)
