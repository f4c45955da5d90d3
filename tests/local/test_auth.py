"""Nobody gets in without the key or a signed-in browser, and no other site through the user's own browser."""

from __future__ import annotations

import contextlib
import html
import http.client
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.fixtures.local_server import KEY, LocalServer, TurnedClock, begin
from zenml_comet_tracker.local import auth
from zenml_comet_tracker.local.app import create_app
from zenml_comet_tracker.local.headers import FIXED_HEADERS
from zenml_comet_tracker.local.origin import is_ours

FIXED = {name.lower(): value for name, value in FIXED_HEADERS.items()}
NAVIGATION = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def raw(server: LocalServer, method: str, path: str, headers: list[tuple[str, str]]) -> tuple[int, dict[str, str]]:
    """Status and headers of a request exactly as written: no header is added."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def sign_in(server: LocalServer, **params: str) -> requests.Session:
    """A browser's session, signed in by a code."""
    session = requests.Session()
    session.trust_env = False
    code = server.call("POST", "api/local/sign-in-codes", json={}).json()["code"]
    answer = session.get(f"{server.url}/sign-in", params={"code": code, **params}, allow_redirects=False)
    assert answer.status_code == 303
    return session


@pytest.fixture
def browser(local_server: LocalServer) -> Iterator[requests.Session]:
    with sign_in(local_server) as session:
        yield session


PAGES = ["/", "/ws", "/ws/p", "/ws/p/", "/ws/p/key", "/page-data/changes", "/static/x/page.css", "/api", "/clientlib"]


def every_call(server: LocalServer) -> list[tuple[str, str]]:
    """Method and path of everything that the application answers to."""
    app: Any = create_app(server.store, KEY, 1)
    described = app.app._app.openapi()["paths"]
    calls = [
        (method.upper(), re.sub("{[^}]*}", "x", path)) for path, methods in described.items() for method in methods
    ]
    assert len(calls) > 100
    return calls + [("GET", path) for path in PAGES]


def test_everything_but_health_and_sign_in_asks_who_is_there(local_server: LocalServer) -> None:
    welcome = set()
    for method, path in every_call(local_server):
        answer = local_server.session.request(method, local_server.url + path, allow_redirects=False, timeout=10)
        if answer.status_code == 200:
            welcome.add(path)
        else:
            assert answer.status_code == 401, (method, path)
    assert welcome == {"/health"}


@pytest.mark.parametrize(
    "path", ["//", "/health/", "//health", "/HEALTH", "/docs", "/openapi.json", "/static/x/page.css", "/a%2f..%2fb"]
)
def test_odd_paths_open_nothing(local_server: LocalServer, path: str) -> None:
    host = local_server.url.removeprefix("http://")
    assert raw(local_server, "GET", path, [("Host", host)])[0] == 401
    assert raw(local_server, "HEAD", path, [("Host", host)])[0] == 401


@pytest.mark.parametrize("key", ["", "x", KEY[:-1], KEY + "0", KEY.upper(), f"Bearer {KEY}", "é"])
def test_only_the_exact_key_is_taken(local_server: LocalServer, key: str) -> None:
    answer = requests.get(
        f"{local_server.url}/api/rest/v2/workspaces", headers={"Authorization": key.encode()}, timeout=10
    )
    assert (answer.status_code, answer.json()["sdk_error_code"]) == (401, 90212)
    assert answer.headers["Content-Type"] == "application/json"


def test_a_wrong_key_is_not_made_good_by_a_session(local_server: LocalServer, browser: requests.Session) -> None:
    assert browser.get(f"{local_server.url}/", timeout=10).status_code == 200
    assert browser.get(f"{local_server.url}/", headers={"Authorization": "x"}, timeout=10).status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        "10.evil.example", "192.168.1.evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0",
        "[::]", "LOCALHOST", "localhost.", "evil.localhost", "evillocalhost",
        "evil.example", "127.0.0.1@evil.example", "2130706433", "0x7f000001", "",
    ],
)  # fmt: skip
def test_other_hosts_are_refused_before_anything_else(local_server: LocalServer, name: str) -> None:
    port = urlsplit(local_server.url).port
    status, headers = raw(local_server, "GET", "/health", [("Host", f"{name}:{port}"), ("Authorization", KEY)])
    assert status == 403
    assert FIXED.items() <= headers.items()


def test_a_missing_doubled_or_foreign_port_host_is_refused(local_server: LocalServer) -> None:
    host = local_server.url.removeprefix("http://")
    assert raw(local_server, "GET", "/health", [("Host", host)])[0] == 200
    # The HTTP parser turns these two away by itself, with 400.
    assert raw(local_server, "GET", "/health", [])[0] in (400, 403)
    assert raw(local_server, "GET", "/health", [("Host", host), ("Host", host)])[0] in (400, 403)
    for foreign in ("127.0.0.1", "127.0.0.1:1", "localhost:", f"{host} "):
        expected = 200 if foreign.strip() == host else 403
        assert raw(local_server, "GET", "/health", [("Host", foreign)])[0] == expected
    forwarded = [("Host", "evil.example"), ("X-Forwarded-Host", host)]
    assert raw(local_server, "GET", "/health", forwarded)[0] == 403


@pytest.mark.parametrize(
    ("host", "ours"), [("localhost:5", True), ("[::1]:5", True), ("127.8.9.1:5", True), ("::1:5", False)]
)
def test_the_loopback_has_several_names(host: str, ours: bool) -> None:
    assert is_ours(host, 5) is ours


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        NAVIGATION,
    ],
)
def test_writes_from_elsewhere_are_refused_even_with_the_key(
    local_server: LocalServer, headers: dict[str, str]
) -> None:
    key = begin(local_server)
    body = {"experimentKey": key, "addedTags": ["x"]}
    answer = local_server.call("POST", "api/rest/v2/write/experiment/tags", json=body, headers=headers)
    assert answer.status_code == 403
    assert local_server.get("experiment/tags", experimentKey=key) == {"tags": []}


def test_reads_from_elsewhere_are_refused_but_a_link_may_open_a_page(
    local_server: LocalServer, browser: requests.Session
) -> None:
    for site in ("cross-site", "same-site"):
        embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
        assert browser.get(f"{local_server.url}/", headers=embedded, timeout=10).status_code == 403
        framed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        assert browser.get(f"{local_server.url}/", headers=framed, timeout=10).status_code == 403
    assert browser.get(f"{local_server.url}/", headers=NAVIGATION, timeout=10).status_code == 200


def test_no_other_site_is_told_that_it_may_call(local_server: LocalServer) -> None:
    preflight = {"Origin": "http://localhost:1", "Access-Control-Request-Method": "GET"}
    answer = local_server.call("OPTIONS", "api/rest/v2/workspaces", headers=preflight)
    assert answer.status_code == 403
    read = local_server.call("GET", "api/rest/v2/workspaces", headers={"Origin": "http://localhost:1"})
    for headers in (answer.headers, read.headers):
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_every_answer_has_the_fixed_headers(local_server: LocalServer, browser: requests.Session) -> None:
    for path in ("/", "/none/none", "/health", "/sign-in", "/api/rest/v2/none", "/api/rest/v2/workspaces"):
        for session in (browser, requests.Session()):
            with session.get(local_server.url + path, timeout=10) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                assert FIXED.items() <= headers.items(), path
                assert "server" not in headers


def test_a_failure_of_ours_tells_nothing_and_has_the_fixed_headers(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(local_server.store, "clock", lambda: 1 / 0)
    answer = local_server.call("GET", "api/rest/v2/experiments", params={"workspaceName": "ws", "projectName": "tests"})
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert FIXED.items() <= {name.lower(): value for name, value in answer.headers.items()}.items()


def test_a_code_signs_in_once_and_within_a_minute(clocked_server: LocalServer, clock: TurnedClock) -> None:
    answer = clocked_server.call("POST", "api/local/sign-in-codes", json={}).json()
    assert answer["url"] == f"{clocked_server.url}/sign-in?code={answer['code']}&next=/"
    assert answer["expiresSeconds"] == 60
    assert requests.get(answer["url"], allow_redirects=False, timeout=10).status_code == 303
    assert requests.get(answer["url"], allow_redirects=False, timeout=10).status_code == 401
    late = clocked_server.call("POST", "api/local/sign-in-codes", json={}).json()["url"]
    clock.turn(60)
    assert requests.get(late, allow_redirects=False, timeout=10).status_code == 401
    assert requests.get(f"{clocked_server.url}/sign-in?code=guess", timeout=10).status_code == 401


def test_codes_are_made_for_the_key_only(local_server: LocalServer, browser: requests.Session) -> None:
    assert browser.post(f"{local_server.url}/api/local/sign-in-codes", json={}, timeout=10).status_code == 403


def test_the_cookie_is_the_browsers_alone(local_server: LocalServer) -> None:
    code = local_server.call("POST", "api/local/sign-in-codes", json={}).json()["code"]
    answer = requests.get(f"{local_server.url}/sign-in?code={code}", allow_redirects=False, timeout=10)
    cookie = answer.headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    secret = rest.partition(";")[0]
    assert name == f"zenml_comet_{urlsplit(local_server.url).port}"
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert code not in answer.headers["Location"]
    as_key = requests.get(f"{local_server.url}/", headers={"Authorization": secret}, timeout=10)
    assert as_key.status_code == 401
    for path in local_server.data.glob("comet.db*"):
        assert secret.encode() not in path.read_bytes()


def test_a_session_ends_with_its_time(clocked_server: LocalServer, clock: TurnedClock) -> None:
    with sign_in(clocked_server) as session:
        clock.turn(30 * 24 * 3600 - 1)
        assert session.get(f"{clocked_server.url}/", timeout=10).status_code == 200
        clock.turn(1)
        assert session.get(f"{clocked_server.url}/", timeout=10).status_code == 401


def test_a_session_ends_with_the_key_it_was_made_under(local_server: LocalServer) -> None:
    secret = auth.Gate(local_server.store, "old key", 1).open_session()
    assert auth.Gate(local_server.store, "old key", 1).knows_session(secret)
    assert not auth.Gate(local_server.store, "new key", 1).knows_session(secret)


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/local/general/?sort=name", "/local/general/?sort=name"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("https:evil", "/"),
        ("/a\r\nSet-Cookie: b=c", "/"),
        ("", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_after_signing_in_one_stays_here(local_server: LocalServer, wanted: str, goes_to: str) -> None:
    code = local_server.call("POST", "api/local/sign-in-codes", json={}).json()["code"]
    answer = requests.get(
        f"{local_server.url}/sign-in", params={"code": code, "next": wanted}, allow_redirects=False, timeout=10
    )
    assert answer.headers["Location"] == goes_to
    assert "b=c" not in answer.headers["Set-Cookie"]


def test_a_browser_without_session_is_shown_how_to_sign_in(local_server: LocalServer) -> None:
    answer = requests.get(f"{local_server.url}/ws/p/key?experiment-tab=assets", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")
    assert command_of(answer) == f"zenml-comet open '{local_server.url}/ws/p/key?experiment-tab=assets'"
    assert 'href="/ws/p/key?experiment-tab=assets"' in answer.text
    assert command_of(requests.get(local_server.url, timeout=10)) == "zenml-comet open"
    # `zenml-comet open` knows the server by two of its names.
    port = urlsplit(local_server.url).port
    for asked, named in (("localhost", "localhost"), ("127.8.9.1", "127.0.0.1")):
        answer = requests.get(f"{local_server.url}/ws", headers={"Host": f"{asked}:{port}"}, timeout=10)
        assert command_of(answer) == f"zenml-comet open http://{named}:{port}/ws"


def command_of(answer: requests.Response) -> str:
    """What the sign-in page says to type, as a browser copies it."""
    assert answer.status_code == 401
    (command,) = re.findall(r"<pre><code>(.*?)</code></pre>", answer.text, re.DOTALL)
    return html.unescape(command)


@pytest.mark.parametrize(
    ("wanted", "typed"),
    [
        ("/ws/a%3Fb%23c%25/k%20%C3%A9", "/ws/a%3Fb%23c%25/k%20%C3%A9"),
        ("/$(touch%20owned)/`touch%20owned`;touch+owned", "/$(touch%20owned)/%60touch%20owned%60;touch+owned"),
        ("/x'%20;touch%20owned;'", "/x%27%20;touch%20owned;%27"),
        ("/a?next='$(id)'&b=\"c\"|d>owned", "/a?next=%27$(id)%27&b=%22c%22%7Cd%3Eowned"),
        ("/%0Atouch%20owned", "/%0Atouch%20owned"),
        ("/</code><script>alert(1)</script>", "/%3C/code%3E%3Cscript%3Ealert(1)%3C/script%3E"),
        ("//evil.example/x", None),
        ("/sign-in?code=old&next=/ws/it's%0A;id", None),
        ("/sign-in?code=old&next=/ws/it's", "/ws/it%27s"),
    ],
    ids=["name", "substitution", "quote", "query", "line", "markup", "elsewhere", "line of next", "quote of next"],
)
def test_the_command_of_the_sign_in_page_is_one_address_of_this_server_to_a_shell(
    local_server: LocalServer, wanted: str, typed: str | None, tmp_path: Path
) -> None:
    parts = urlsplit(local_server.url)
    for name in ("127.0.0.1", "localhost"):
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        # As it stands: libraries would mend the odd ones.
        connection._validate_path = lambda _: None  # type: ignore[attr-defined]
        connection.putrequest("GET", wanted, skip_host=True)
        connection.putheader("Host", f"{name}:{parts.port}")
        connection.endheaders()
        with contextlib.closing(connection):
            answer = connection.getresponse()
            text = answer.read().decode()
        assert answer.status == 401
        assert "<script>" not in text
        (shown,) = re.findall(r"<pre><code>(.*?)</code></pre>", text, re.DOTALL)
        words = f"printf '%s\\n' {html.unescape(shown)}"
        run = subprocess.run(["sh", "-c", words], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
        address = [] if typed is None else [f"http://{name}:{parts.port}{typed}"]
        assert run.stdout.splitlines() == ["zenml-comet", "open", *address]
    assert list(tmp_path.iterdir()) == []


def test_a_session_reads_the_api_but_never_writes_by_get(local_server: LocalServer, browser: requests.Session) -> None:
    key = begin(local_server)
    read = browser.get(f"{local_server.url}/api/rest/v2/experiment/tags", params={"experimentKey": key}, timeout=10)
    assert read.json() == {"tags": []}
    for path in ("api/rest/v2/write/experiment/archive", "clientlib/rest/v2/write/experiment/archive"):
        answer = browser.get(f"{local_server.url}/{path}", params={"experimentKey": key}, timeout=10)
        assert answer.status_code == 403
    assert local_server.get("experiment/metadata", experimentKey=key)["archived"] is False


def test_a_page_that_writes_has_to_show_its_token(local_server: LocalServer, browser: requests.Session) -> None:
    url = f"{local_server.url}/api/rest/v2/experiments/multi-metric-chart"
    body = {"targetedExperiments": [], "metrics": []}
    assert browser.post(url, json=body, timeout=10).status_code == 403
    secret = browser.cookies.get_dict()[f"zenml_comet_{urlsplit(local_server.url).port}"]
    token = {auth.CSRF_HEADER: auth._csrf_token(secret)}
    assert browser.post(url, json=body, headers=token, timeout=10).status_code == 200


def test_a_page_can_be_asked_for_by_head(local_server: LocalServer) -> None:
    for path in ("", "local", "api/rest/v2/workspaces"):
        answer = local_server.call("HEAD", path)
        assert answer.status_code in (200, 404)
        assert answer.content == b""
    assert local_server.call("HEAD", "api/rest/v2/write/experiment/set-status").status_code in (404, 405)


@pytest.mark.parametrize(
    ("host", "port", "ours"),
    [
        ("localhost", 80, True),
        ("127.0.0.1", 80, True),
        ("127.0.0.1", 8080, False),
        ("[::1]", 80, True),
        ("evil.example", 80, False),
    ],
)
def test_a_host_without_a_port_means_80(host: str, port: int, ours: bool) -> None:
    assert is_ours(host, port) is ours


def test_pages_are_answered_while_writes_wait(clocked_server: LocalServer) -> None:
    def beat() -> None:
        body = {"experimentKey": "0" * 32, "is_alive": True}
        headers = {"Authorization": clocked_server.api_key}
        requests.post(f"{clocked_server.url}/clientlib/status-report/update", json=body, headers=headers, timeout=60)

    writers = [threading.Thread(target=beat) for _ in range(60)]
    with clocked_server.store.write():
        for writer in writers:
            writer.start()
        until_waiting = time.monotonic() + 20
        port = urlsplit(clocked_server.url).port
        while sum(1 for c in psutil.Process().net_connections() if c.raddr and c.raddr.port == port) < 60:
            assert time.monotonic() < until_waiting
            time.sleep(0.02)
        assert clocked_server.call("GET", "").status_code == 200
    for writer in writers:
        writer.join(60)
