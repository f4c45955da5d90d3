"""Nobody and nothing gets in by what a request merely says of itself, on any route there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner

from tests.fixtures.local_server import LocalServer
from tests.local.security.routes import every_route
from tests.local.test_auth import raw, sign_in
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import listener

# In words here, so that whoever weakens one of the server's has to weaken it twice.
FIXED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def asked(server: LocalServer, method: str, path: str, **headers: str) -> requests.Response:
    """The answer to a request without key and cookie, save for those in the headers."""
    return requests.request(method, server.url + path, headers=headers, allow_redirects=False, timeout=20)


def assert_fixed(headers: dict[str, str]) -> None:
    """Every header is there; only logged content has another policy, and only ours outlives a visit."""
    assert not {"server", "x-powered-by", "set-cookie", "access-control-allow-origin"} & headers.keys()
    assert FIXED.keys() <= headers.keys()
    differs = {name for name in FIXED if headers[name] != FIXED[name]}
    if headers["content-security-policy"].startswith("sandbox"):
        differs -= {"content-security-policy", "x-frame-options"}
    if headers["cache-control"].startswith("private, max-age="):
        differs -= {"cache-control"}
    assert not differs


@pytest.mark.long
def test_every_route_denies_who_brings_neither_key_nor_session(local_server: LocalServer) -> None:
    let_in = set()
    for route in every_route(local_server):
        method, path = route
        odd_ones = (f"{path}/", f"/{path}", f"{path}?x=1", path.replace("x", "%2e%2e"))
        for odd in (path, *(() if route.is_alias else odd_ones)):
            answer = asked(local_server, method, odd)
            # A bad key is a 400 where the official SDK starts an experiment; no key is a 401 everywhere.
            if answer.status_code != 401:
                let_in.add((method, odd.partition("?")[0]))
    # Signing in without a code is refused as well, by the page that says how to.
    assert let_in == {("GET", "/health")}


def test_every_route_checks_the_host_even_of_who_has_the_key(local_server: LocalServer) -> None:
    port = urlsplit(local_server.url).port
    for method, path in every_route(local_server):
        answer = local_server.call(method, path[1:], headers={"Host": f"127.0.0.1.evil.example:{port}"})
        assert answer.status_code == 403, (method, path)


def test_nothing_a_request_says_of_its_sender_opens_a_route(local_server: LocalServer) -> None:
    claims = {
        "User-Agent": "zenml-comet-tracker/0.1.0",
        "Referer": f"{local_server.url}/",
        "Origin": local_server.url,
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-For": "127.0.0.1",
        "X-Real-IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1;host=localhost",
        "X-API-KEY": "x",
        "X-CSRF-Token": "x",
    }
    for path in ("/", "/api/rest/v2/workspaces", "/clientlib/isAlive/ver", "/static/x/page.css", "/optimizer/spec"):
        assert asked(local_server, "GET", path, **claims).status_code == 401
    foreign = {**claims, "Sec-Fetch-Site": "cross-site"}
    assert local_server.call("GET", "api/rest/v2/workspaces", headers=foreign).status_code == 403


def test_a_key_in_the_address_opens_nothing(local_server: LocalServer) -> None:
    for name in ("token", "apiKey", "api_key", "key"):
        assert asked(local_server, "GET", f"/api/rest/v2/workspaces?{name}={local_server.api_key}").status_code == 401


def test_every_write_takes_only_the_type_of_body_that_a_form_cannot_send(local_server: LocalServer) -> None:
    """What a form of another site can send needs no preflight: such a body is not even read."""
    for method, path in every_route(local_server):
        if method not in ("POST", "PUT", "PATCH", "DELETE"):
            continue
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json-patch", ""):
            answer = local_server.call(method, path[1:], data=b"{}", headers={"Content-Type": kind})
            assert answer.status_code == 415, (method, path, kind)
            assert "application/json" in answer.json()["msg"]
    json = {"Content-Type": "application/json; charset=UTF-8"}
    assert local_server.call("POST", "clientlib/notification/experiment", data=b"{}", headers=json).status_code == 200


@pytest.mark.long
def test_every_refusal_carries_the_fixed_headers_and_names_no_program(local_server: LocalServer) -> None:
    port = urlsplit(local_server.url).port
    with sign_in(local_server) as browser:
        for method, path in every_route(local_server):
            answers = [
                asked(local_server, method, path),
                asked(local_server, method, path, Host=f"evil.example:{port}"),
                local_server.call(method, path[1:], allow_redirects=False),
                browser.request(method, local_server.url + path, allow_redirects=False, timeout=20),
            ]
            for answer in answers:
                assert answer.status_code in range(200, 500) or answer.status_code == 501, (method, path)
                assert_fixed({name.lower(): value for name, value in answer.headers.items()})


def test_a_request_that_is_none_is_answered_with_the_fixed_headers_too(local_server: LocalServer) -> None:
    host = local_server.url.removeprefix("http://")
    status, headers = raw(local_server, "GET", "/health", [("Host", host), ("Host", host)])
    assert status == 400
    assert_fixed(headers)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.1"])
def test_no_option_and_no_variable_makes_it_listen_elsewhere(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option in ("--host", "--bind", "--listen"):
        assert CliRunner().invoke(main, ["up", option, address, "--data", str(tmp_path)]).exit_code == 2
    server = [sys.executable, "-m", "zenml_comet_tracker.local", "--data", str(tmp_path / "d"), "--host", address]
    done = subprocess.run(server, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []
    for name in ("UVICORN_HOST", "HOST", "ZENML_COMET_LOCAL_HOST"):
        monkeypatch.setenv(name, address)
    with listener.listen(tmp_path) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
