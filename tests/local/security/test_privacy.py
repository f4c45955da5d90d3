"""What the server says and leaves behind: no secret in logs and answers, no file for others, nothing fetched."""

from __future__ import annotations

import importlib.metadata
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin
from tests.local.security.routes import every_route
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local import errors, folder, launch

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "zenml_comet_tracker" / "local"


def test_the_log_holds_no_secret_and_no_query(daemon: launch.RunningServer, daemon_folder: Path) -> None:
    server = LocalServer(daemon.url, daemon.api_key, daemon_folder, None)
    named = server.call("POST", "api/local/keys/add", json={"name": "ci"}).json()["apiKey"]
    wrong = "wrong-key-of-somebody"
    code = server.call("POST", "api/local/sign-in-codes", json={}).json()["code"]
    with sign_in(server) as browser:
        cookie = next(iter(browser.cookies.values()))
        browser.get(f"{daemon.url}/?q=secret-query&token={named}", timeout=20)
    requests.get(f"{daemon.url}/sign-in?code={code}", timeout=20)
    for key in (named, wrong):
        headers = {"Authorization": key, "Cookie": f"c={cookie}"}
        requests.get(f"{daemon.url}/api/rest/v2/experiments?projectName=secret-query", headers=headers, timeout=20)
        requests.post(f"{daemon.url}/clientlib/logger/add/run", json={"apiKey": key}, headers=headers, timeout=20)
    launch.stop(daemon_folder)
    logs = sorted(daemon_folder.glob("*.log*"))
    assert daemon_folder / "server.log" in logs
    log = "\n".join(path.read_text("utf-8") for path in logs)
    for secret in (daemon.api_key, named, wrong, code, cookie, "secret-query"):
        assert secret not in log, secret


def test_a_failure_of_ours_is_logged_and_answered_without_secrets_and_paths(
    clocked_server: LocalServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = begin(clocked_server)
    with sign_in(clocked_server) as browser:
        cookie = next(iter(browser.cookies.values()))

    def fails() -> int:
        raise RuntimeError(f"in {clocked_server.data}")

    monkeypatch.setattr(clocked_server.store, "clock", fails)
    headers = {"Authorization": clocked_server.api_key, "Cookie": f"c={cookie}"}
    answers = [
        # A connection each: the server closes one on which it failed.
        requests.request(method, clocked_server.url + path, json={"experimentKey": key}, headers=headers, timeout=20)
        for method, path in ROUTES
    ]
    assert 500 in {answer.status_code for answer in answers}
    for answer in answers:
        assert "Traceback" not in answer.text
        assert str(clocked_server.data) not in answer.text
        assert str(PACKAGE) not in answer.text
        assert clocked_server.api_key not in answer.text
    assert clocked_server.api_key not in caplog.text
    assert cookie not in caplog.text


ROUTES = [
    ("GET", "/"),
    ("GET", "/ws"),
    ("GET", "/api/rest/v2/experiments"),
    ("POST", "/clientlib/logger/add/run"),
    ("POST", "/api/rest/v2/write/experiment/tags"),
]


def test_no_answer_names_a_path_of_the_machine_or_a_secret(local_server: LocalServer) -> None:
    secrets = (
        str(local_server.data),
        str(ROOT),
        str(sys.prefix),
        "Traceback",
        local_server.api_key,
        "sqlite3",
        "SELECT",
    )
    for route in every_route(local_server):
        method, path = route
        if route.is_alias or path.endswith("/rotate"):
            continue
        for body in ({}, {"experimentKey": "x"}, {"experimentKey": "\0", "values": None}):
            answer = local_server.call(method, path[1:], json=body if method != "GET" else None, params=body)
            if path.startswith("/static/") or "json" not in answer.headers.get("Content-Type", ""):
                continue
            assert not any(secret in answer.text for secret in secrets), (method, path)


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_whatever_the_umask_all_is_for_its_owner_only(daemon_folder: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        server = launch.ensure(daemon_folder)
    finally:
        os.umask(before)
    whole = LocalServer(server.url, server.api_key, daemon_folder, None)
    key = begin(whole)
    query = {"experimentKey": key}
    whole.call("POST", "api/rest/v2/write/experiment/upload-asset", params=query, files={"file": ("n", b"x")})
    whole.call("POST", "api/local/keys/rotate", json={})
    found = [daemon_folder, *daemon_folder.rglob("*")]
    assert {"comet.db", "comet.db-wal", "api_key", "server.log", "server.lock"} <= {path.name for path in found}
    for path in found:
        assert stat.S_IMODE(path.lstat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o720, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    with pytest.raises(errors.DataFolderError, match="chmod 700"):
        launch.ensure(data)
    assert list(data.iterdir()) == []


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    monkeypatch.setattr(folder.os, "getuid", lambda: data.stat().st_uid + 1)
    with pytest.raises(errors.DataFolderError, match="another user"):
        launch.ensure(data)
    assert list(data.iterdir()) == []


def test_the_pages_fetch_nothing_from_anywhere() -> None:
    files = [path for path in (PACKAGE / "pages").rglob("*") if path.suffix in (".html", ".js", ".css")]
    assert len(files) > 15
    for path in files:
        text = path.read_text("utf-8")
        # Names of namespaces are no addresses.
        addresses = set(re.findall(r"""(?:https?:)?//[a-z0-9-]+\.[a-z][^\s"')<]*""", text)) - {
            "http://www.w3.org/2000/svg"
        }
        assert addresses == set(), path
    assert "plotly" in {name.lower() for name in importlib.metadata.packages_distributions()}


def test_a_wheel_carries_every_asset(tmp_path: Path) -> None:
    configuration = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'packages = ["zenml_comet_tracker"]' in configuration
    ignored = subprocess.run(
        ["git", "check-ignore", *map(str, (PACKAGE / "pages").rglob("*.*"))], cwd=ROOT, capture_output=True, text=True
    )
    assert [line for line in ignored.stdout.splitlines() if "__pycache__" not in line] == []


def test_the_checks_of_a_change_audit_its_dependencies() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "\naudit:" in makefile
    assert "pip_audit" in makefile
    assert "make audit" in (ROOT / ".ci" / "run").read_text("utf-8")
