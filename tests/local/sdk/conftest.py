"""Sessions of the official SDK against the local server: each is a program, and what it recorded is asserted on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, serving

# The interpreter whose comet_ml plays the rows; `make compat` names others.
PYTHON = os.environ.get("SDK_PYTHON", sys.executable)
ROOT = Path(__file__).parents[3]
# What the SDK says of its own methods and of what the rows do on purpose, whatever the server answers.
ITS_OWN = (
    "Logging embedding is experimental",
    "Deprecated: please use get_assets_by_name()",
    "has been deprecated",
    "experiment was already uploaded",
    "At least one experiment failed to upload",
)


@dataclass
class Session:
    """What a session recorded: for each row what the SDK returned, raised and complained of."""

    rows: dict[str, dict[str, Any]]
    complaints: list[str]
    stderr: str
    server: LocalServer

    def value(self, row: str) -> Any:
        """What the calls of a row returned, which neither raised nor made the SDK complain."""
        played = self.rows[row]
        assert played["error"] is None, played
        assert not real(played["complaints"])
        return played["value"]

    @property
    def unclean(self) -> list[str]:
        """The rows that raised or made the SDK complain."""
        return [name for name, row in self.rows.items() if row["error"] or real(row["complaints"])]


def real(complaints: list[str]) -> list[str]:
    """The complaints that the server is the cause of."""
    return [line for line in complaints if not any(own in line for own in ITS_OWN)]


@pytest.fixture(scope="module")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of the module's own: sessions make projects, artifacts and models of the same names."""
    with serving(tmp_path_factory.mktemp("sdk-server") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def play(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Session]:
    """Runs a session of `tests/local/sdk/sessions` by its name."""

    def run(name: str) -> Session:
        folder = tmp_path_factory.mktemp(f"sdk-{name}")
        done = subprocess.run(
            [PYTHON, "-m", f"tests.local.sdk.sessions.{name}", local_server.url, local_server.api_key, str(folder)],
            env=_environment(local_server, folder),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        record = json.loads((folder / "rows.json").read_text())
        return Session(record["rows"], record["complaints"], done.stderr, local_server)

    return run


def _environment(server: LocalServer, home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "COMET_URL_OVERRIDE": f"{server.url}/clientlib/",
        "COMET_API_KEY": server.api_key,
        "COMET_WORKSPACE": "sdk",
        "COMET_ERROR_TRACKING_ENABLE": "false",
        "COMET_DISABLE_AUTO_LOGGING": "1",
        "COMET_LOGGING_CONSOLE": "INFO",
        # What is not delivered by then is a failure, and shows before the test's own limit.
        "COMET_TIMEOUT_CLEANING": "20",
    }


def assert_clean(session: Session) -> None:
    """Asserts that no call raised, and that the SDK wrote no warning and no error, on whatever thread or stream."""
    assert session.unclean == []
    assert real(session.complaints) == []
    said = [line for line in session.stderr.splitlines() if "COMET WARNING" in line or "COMET ERROR" in line]
    assert real(said) == []
