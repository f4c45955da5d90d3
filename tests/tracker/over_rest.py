"""`python -m tests.tracker.over_rest`: the tracker's tests on a real server of ZenML, over its REST API.

The suite has ZenML's store in a database of its own process, which takes what a server refuses. The server needs other
packages than the tests do, and gets them in `.venv-server`; making that takes minutes. Also a plugin of pytest, which
points the tests at the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ADDRESS = "TRACKER_ZENML_SERVER"
TESTS = ["test_component.py", "test_concurrency.py", "test_remote.py", "test_nested.py", "test_losses.py"]


def main(arguments: list[str]) -> int:
    """What pytest answers; `arguments` are its own, in place of the files that are played."""
    python = _environment(ROOT / ".venv-server")
    chosen = arguments or [str(Path(__file__).with_name(name)) for name in TESTS]
    with tempfile.TemporaryDirectory() as folder, _server(python, Path(folder)) as address:
        environment = os.environ | {ADDRESS: address}
        command = [sys.executable, "-m", "pytest", "-n", "0", "-p", __spec__.name, "--timeout", "600", *chosen]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def pytest_sessionstart() -> None:
    from tests.fixtures import zenml_store

    os.environ |= {"ZENML_STORE_TYPE": "rest", "ZENML_STORE_URL": os.environ[ADDRESS]}
    # There is no database to copy for processes with a store of their own.
    zenml_store._copy = lambda source, target: None


def _environment(folder: Path) -> Path:
    """The Python of an environment that has ZenML's server, in the version that the tests run with."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = f"zenml[server]=={version('zenml')}"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], check=True, cwd=folder)
    return python


@contextmanager
def _server(python: Path, folder: Path) -> Iterator[str]:
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "ZENML_LOCAL_STORES_PATH": str(folder / "stores"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_SERVER": "true",
        "ZENML_SERVER_AUTH_SCHEME": "NO_AUTH",
        "ZENML_SERVER_AUTO_ACTIVATE": "true",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "local",
    }
    app = ["-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([python, *app], env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            _wait(server, f"http://127.0.0.1:{port}", folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(60)


def _wait(server: subprocess.Popen[Any], address: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text()) from None
            time.sleep(0.5)


def _free_port() -> int:
    import socket

    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
