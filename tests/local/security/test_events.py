"""What the server never does, whatever is logged: connect, start a program, load code, open a path of a request.

An audit hook in the server's own process writes down every such event while everything is called.
"""

from __future__ import annotations

import ast
import itertools
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.fixtures.local_server import LocalServer
from tests.local.security.hostile import TABS, attacked
from tests.local.security.routes import every_route
from tests.local.security.test_files import upload
from tests.local.security.watched_server import watch
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local import folder

ROOT = Path(__file__).parents[3]


@dataclass
class Watched:
    """A server process and what it did since it last was asked."""

    server: LocalServer
    log: Path
    seen: int = 0

    def events(self) -> list[tuple[str, str]]:
        """Event and argument, in their order."""
        lines = self.log.read_text("utf-8").splitlines()[self.seen :]
        self.seen += len(lines)
        return [tuple(line.split("\t", 1)) for line in lines]  # type: ignore[misc]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, local_server: LocalServer) -> Iterator[Watched]:
    """A server of its own that has been asked for everything once, so that what is loaded late is loaded."""
    place = tmp_path_factory.mktemp("watched")
    log, data = place / "events", place / "data"
    command = [sys.executable, "-m", "tests.local.security.watched_server", str(log), "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ}) as process:
        try:
            deadline = time.monotonic() + 60
            while folder.read_record(data) is None:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            record, key = folder.read_record(data), folder.read_api_key(data)
            assert record is not None
            with requests.Session() as session:
                session.trust_env = False
                server = LocalServer(record.url, key or "", data, local_server.store, session)
                use_everything(server)
                yield Watched(server, log)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def use_everything(server: LocalServer) -> None:
    """Logs hostile values into every field, then calls every route, as program and as browser."""
    key, pages = attacked(server)
    kinds = itertools.cycle(("asset", "text-sample", "confusion-matrix", "image", "notebook", "histogram3d"))
    for _ in range(2):
        for (name, content), kind in zip(DANGEROUS.items(), kinds, strict=False):
            upload(server, key, name, content, type=kind)
    with sign_in(server) as browser:
        for asset in server.get("experiment/asset/list", experimentKey=key)["assets"]:
            query = {"experimentKey": key, "assetId": asset["assetId"]}
            browser.get(f"{server.url}/page-data/experiments/{key}/assets/{asset['assetId']}", timeout=30)
            server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=query)
        for path in [*pages, *(f"{pages[2]}/{key}?experiment-tab={tab}" for tab in TABS)]:
            assert browser.get(server.url + path, timeout=30).status_code == 200
        for route in every_route(server, key):
            method, path = route
            if route.is_alias or path.endswith("/rotate"):
                continue
            query = {"experimentKey": key, "assetId": "x", "url": "http://127.0.0.1:9/", "path": "/etc/passwd"}
            server.call(method, path[1:], params=query, json={**query, "values": []} if method != "GET" else None)
            if method == "GET":
                browser.get(server.url + path, params=query, timeout=30)


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


DANGEROUS = {
    "model.pkl": pickle.dumps(Bomb()),
    "model.joblib": pickle.dumps(Bomb()),
    "config.yaml": b"!!python/object/apply:os.system ['touch pwned']",
    "template.html": b"{{ ''.__class__.__mro__[1].__subclasses__() }}{% import os %}",
    "code.py": b"import os; os.system('touch pwned')",
    "entity.svg": b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg'>&e;</svg>",
    "matrix.json": b'{"$ref": "file:///etc/passwd", "url": "http://127.0.0.1:9/"}',
}


def test_the_hook_sees_what_it_is_to_see(tmp_path: Path) -> None:
    """Without this the others would pass with a hook that is deaf."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.local.security.watched_server import watch; watch(sys.argv[2])\n"
        "import socket, subprocess, pickle, os\n"
        "try: socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError: pass\n"
        "subprocess.run(['true']); os.system('true'); (lambda: exec('1'))()\n"
        "open(os.devnull); pickle.loads(pickle.dumps(print))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(ROOT), str(tmp_path / "log")], check=True, timeout=60)
    seen = {line.split("\t")[0] for line in (tmp_path / "log").read_text().splitlines()}
    assert {"socket.connect", "subprocess.Popen", "os.system", "exec", "open", "pickle.find_class", "import"} <= seen
    assert callable(watch)


@pytest.mark.long
def test_while_it_is_used_the_server_connects_to_nobody_and_starts_nothing(watched: Watched) -> None:
    # From the process's first moment on: what a start asks of the outside counts too.
    events = watched.events()
    kinds = {event for event, _ in events}
    assert "open" in kinds
    assert not kinds & {
        "socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen",
        "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "pty.spawn", "pickle.find_class",
        "urllib.Request", "webbrowser.open",
    }  # fmt: skip
    assert not list(ROOT.glob("pwned"))
    assert not list(watched.server.data.rglob("pwned"))


def test_logged_content_is_never_loaded_and_no_path_of_a_request_opened(watched: Watched) -> None:
    """Everything has been asked for once, so that what is loaded late is loaded."""
    watched.events()
    use_everything(watched.server)
    events = watched.events()
    loaded = [each for each in events if each[0] in ("import", "exec", "marshal.load", "ctypes.dlopen")]
    # SQLAlchemy writes methods for its own classes of expressions when one is first met.
    assert [each for each in loaded if not each[1].endswith("/sqlalchemy/sql/visitors.py'")] == []
    opened = {str(ast.literal_eval(what)) for event, what in events if event == "open" and what[0] in "'b"}
    data, package = str(watched.server.data), str(ROOT / "zenml_comet_tracker")
    # Uploads wait in the temporary folder; the time zone and the types of files are the machine's.
    known = (data, package, "/tmp/", "/usr/share/", "/usr/lib/", "/etc/mime.types", "/etc/localtime", str(sys.prefix))
    assert [path for path in opened if not path.startswith(known)] == []


def test_the_package_holds_nothing_that_runs_what_was_logged() -> None:
    """No import of what could: the events above only tell of what was called."""
    forbidden = {"pickle", "marshal", "shelve", "yaml", "subprocess", "dill", "joblib", "cloudpickle", "pty", "code"}
    forbidden |= {"urllib.request", "http.client", "ftplib", "smtplib", "xmlrpc", "webbrowser"}
    # Whoever starts the server starts a process; the server does not load this module.
    starters = {"launch.py"}
    for path in (ROOT / "zenml_comet_tracker" / "local").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        calls = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"eval", "exec", "compile", "__import__"}, path
        if path.name not in starters:
            assert not names & forbidden, path
            assert "from_string(" not in path.read_text("utf-8"), path
