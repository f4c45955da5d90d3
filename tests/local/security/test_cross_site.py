"""Other pages in the user's own browser: nothing they can send is obeyed, nothing they can load is answered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from tests.fixtures.local_server import KEY, LocalServer, begin
from tests.local.security.routes import every_route
from tests.local.security.test_markup import state
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local.auth import CSRF_HEADER, _csrf_token

ORIGINS = [
    "null", "http://localhost:1", "http://127.0.0.1:1", "https://evil.example", "http://127.0.0.1", "file://",
    "http://[::1]:1", "http://localhost.evil.example", "", "http://evil.example#{own}", "{own}.evil.example", "{own}/",
    "HTTP://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://localhost:{port}", "http://a@127.0.0.1:{port}",
]  # fmt: skip


@pytest.fixture
def browser(local_server: LocalServer) -> Iterator[requests.Session]:
    with sign_in(local_server) as session:
        yield session


def secret_of(browser: requests.Session) -> str:
    return next(value for name, value in browser.cookies.items() if name.startswith("zenml_comet_"))


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_write_of_any_other_origin_is_refused_whoever_sends_it(
    local_server: LocalServer, browser: requests.Session, origin: str
) -> None:
    given = origin.format(own=local_server.url, port=urlsplit(local_server.url).port)
    sent = {"Origin": given, CSRF_HEADER: _csrf_token(secret_of(browser))}
    body = {"targetedExperiments": [], "metrics": []}
    path = "api/rest/v2/experiments/multi-metric-chart"
    by_key = local_server.call("POST", path, json=body, headers={"Origin": given})
    by_cookie = browser.post(f"{local_server.url}/{path}", json=body, headers=sent, timeout=20)
    assert (by_key.status_code, by_cookie.status_code) == (403, 403)


def test_our_own_page_with_its_token_is_obeyed(local_server: LocalServer, browser: requests.Session) -> None:
    """So that the refusals above are for the origin."""
    sent = {"Origin": local_server.url, "Sec-Fetch-Site": "same-origin", CSRF_HEADER: _csrf_token(secret_of(browser))}
    url = f"{local_server.url}/api/rest/v2/experiments/multi-metric-chart"
    body = {"targetedExperiments": [], "metrics": []}
    assert browser.post(url, json=body, headers=sent, timeout=20).status_code == 200
    for token in ("", "x", _csrf_token("another session")):
        answer = browser.post(url, json=body, headers={**sent, CSRF_HEADER: token}, timeout=20)
        assert answer.status_code == 403


def test_a_session_writes_on_no_route_whatever_it_sends(clocked_server: LocalServer) -> None:
    key = begin(clocked_server)
    with sign_in(clocked_server) as browser:
        sent = {"Origin": clocked_server.url, CSRF_HEADER: _csrf_token(secret_of(browser))}
        before = state(clocked_server)
        for method, path in every_route(clocked_server, key):
            if method in ("POST", "PUT", "PATCH", "DELETE"):
                body = {"experimentKey": key, "addedTags": ["x"], "name": "x", "html": "x", "key": "x", "value": 1}
                url = clocked_server.url + path
                browser.request(method, url, json=body, headers=sent, timeout=20)
                browser.request(method, url, params=body, files={"file": ("n", b"x")}, headers=sent, timeout=20)
        assert state(clocked_server) == before


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_nothing_is_loaded_into_another_page(local_server: LocalServer, browser: requests.Session, site: str) -> None:
    modes = itertools.cycle((
        ("no-cors", "script"), ("no-cors", "image"), ("no-cors", "style"), ("cors", "empty"), ("navigate", "iframe"),
        ("navigate", "object"), ("navigate", "embed"), ("websocket", "websocket"), ("no-cors", "empty"),
    ))  # fmt: skip
    for (method, path), (mode, kind) in zip(every_route(local_server), modes, strict=False):
        if method == "GET":
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}
            answer = browser.get(local_server.url + path, headers=headers, timeout=20)
            assert answer.status_code == 403, (path, mode, kind)
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_no_answer_allows_another_page_to_read_it(local_server: LocalServer) -> None:
    asks = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
        "Access-Control-Request-Private-Network": "true",
        "Access-Control-Request-Local-Network": "true",
    }
    for _, path in sorted({("", path) for _, path in every_route(local_server)}):
        assert local_server.call("OPTIONS", path[1:]).status_code == 403
        for method in ("OPTIONS", "GET"):
            answer = local_server.call(method, path[1:], headers=asks, allow_redirects=False)
            assert method == "GET" or answer.status_code == 403
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")], path


def test_a_rebound_name_reads_nothing(local_server: LocalServer, browser: requests.Session) -> None:
    """A page of evil.example whose name now leads to 127.0.0.1: its requests are same-origin, and carry its name."""
    port = urlsplit(local_server.url).port
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}", "Cookie": cookie}
    for path in ("/", "/health", "/api/rest/v2/workspaces", "/sign-in"):
        for site in ("same-origin", "none"):
            sent = {**headers, "Sec-Fetch-Site": site}
            assert requests.get(local_server.url + path, headers=sent, timeout=20).status_code == 403


def test_the_address_in_metadata_holds_no_secret(local_server: LocalServer) -> None:
    key = "5e" * 16
    joined = local_server.sdk("logger/add/run", experimentKey=key, teamName="ws", projectName="p")
    assert local_server.api_key not in str(joined)
    for path in ("experiment/metadata", "experiment/asset/list"):
        answer = local_server.call("GET", f"api/rest/v2/{path}", params={"experimentKey": key})
        for secret in (local_server.api_key, "token", "code=", "apiKey="):
            assert secret not in answer.text
    for secret in ("?", "code", KEY):
        assert secret not in str(joined.get("link", ""))


def test_a_sign_in_is_followed_by_a_clean_address(clocked_server: LocalServer) -> None:
    link = clocked_server.call("POST", "api/local/sign-in-codes", json={}).json()
    assert len(link["code"]) >= 43, "256 bits"
    answer = requests.get(link["url"], allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    attributes = {
        part.strip().partition("=")[0].lower(): part.partition("=")[2]
        for part in answer.headers["Set-Cookie"].split(";")[1:]
    }
    assert attributes.keys() == {"httponly", "max-age", "path", "samesite"}
    assert attributes["samesite"] == "lax"
    assert int(attributes["max-age"]) <= 30 * 24 * 3600
    # Not by HEAD, which mail scanners and previews send.
    fresh = clocked_server.call("POST", "api/local/sign-in-codes", json={}).json()["url"]
    assert requests.head(fresh, allow_redirects=False, timeout=20).status_code != 303
    assert requests.get(fresh, allow_redirects=False, timeout=20).status_code == 303
    assert requests.get(f"{clocked_server.url}/sign-in?code=", timeout=20).status_code == 401


def test_a_redirect_of_a_page_stays_here(local_server: LocalServer, browser: requests.Session) -> None:
    key = begin(local_server, teamName="\\evil.example", projectName="..%2f")
    for place in ("ws/other", "%2F%2Fevil.example/x", "%5Cevil.example/x"):
        answer = browser.get(f"{local_server.url}/{place}/{key}?a=//evil.example", allow_redirects=False, timeout=20)
        assert answer.status_code in (303, 307, 308, 404)
        if "Location" in answer.headers:
            assert answer.headers["Location"].startswith("/%5Cevil.example/")
    for path in ("api/projects/redirect", "api/image/get", "api/asset/download"):
        for value in ("//evil.example", "https://evil.example", "/\\evil.example"):
            query = dict.fromkeys(("projectId", "imageId", "assetId", "experimentKey", "next", "url"), value)
            answer = local_server.call("GET", path, params=query, allow_redirects=False)
            assert "evil.example" not in answer.headers.get("Location", "")
