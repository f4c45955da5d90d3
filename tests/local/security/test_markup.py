"""What was logged is shown as text, on every page and in every answer, and a session changes nothing by reading it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.fixtures.local_server import LocalServer, TurnedClock
from tests.local.security.hostile import MARKUP, attacked
from tests.local.security.routes import every_route
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local import auth

PACKAGE = Path(__file__).parents[3] / "zenml_comet_tracker" / "local"


class Reading(HTMLParser):
    """What a browser makes of a page: its links, its text, and what should not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.wrong: list[str] = []
        self.text = ""
        self._within = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attrs:
            if name in ("href", "src", "action"):
                self.links.add(value or "")
            if name == "data-pwned" or name.startswith("on") or name == "srcdoc":
                self.wrong.append(f"<{tag} {name}>")
            if name in ("href", "src", "action") and re.match(r"\s*(javascript|vbscript|data:text)", value or ""):
                self.wrong.append(f"<{tag} {name}={value}>")
            if name == "sandbox" and "allow-same-origin" in (value or ""):
                self.wrong.append("a frame with our origin")
        if tag == "script" and not dict(attrs).get("src") and dict(attrs).get("type") != "application/json":
            self.wrong.append("a script in the page")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._within == "script" and "<" in data:
            self.wrong.append("a < in a JSON island")


@pytest.fixture
def browser(local_server: LocalServer) -> Iterator[requests.Session]:
    with sign_in(local_server) as session:
        yield session


def test_markup_in_every_field_is_text_on_every_page(local_server: LocalServer, browser: requests.Session) -> None:
    _, pages = attacked(local_server)
    shown = 0
    for path in [*pages, f"{pages[2]}/{MARKUP}", f"/{MARKUP}", f"{pages[2]}?q={MARKUP}&sort={MARKUP}&page=1"]:
        answer = browser.get(local_server.url + path, timeout=20)
        assert answer.headers["Content-Type"].startswith("text/html"), path
        reading = Reading(answer.text)
        assert reading.wrong == [], path
        assert "49" not in reading.text.replace(MARKUP, "") or "{{7*7}}" in reading.text, path
        shown += "<b data-pwned>" in reading.text
    assert shown >= 6, "the pages show what was logged"


def test_an_error_repeats_markup_as_text_or_json_only(local_server: LocalServer, browser: requests.Session) -> None:
    for path in (f"/api/rest/v2/{MARKUP}", f"/page-data/{MARKUP}", f"/static/x/{MARKUP}", f"/{MARKUP}/a/b/c/d"):
        for session in (browser, local_server.session):
            answer = session.get(local_server.url + path, timeout=20)
            if answer.headers["Content-Type"].startswith("text/html"):
                assert Reading(answer.text).wrong == [], path
            else:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
    page = requests.get(f"{local_server.url}/{MARKUP}?next={MARKUP}", timeout=20)
    assert page.status_code == 401
    assert Reading(page.text).wrong == []


def test_templates_escape_and_scripts_put_no_data_into_markup() -> None:
    templates = {path: path.read_text("utf-8") for path in (PACKAGE / "pages" / "templates").rglob("*.html")}
    scripts = {path: path.read_text("utf-8") for path in (PACKAGE / "pages" / "static").glob("*.js")}
    assert len(templates) > 10
    assert len(scripts) > 5
    for path, text in templates.items():
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text), path
    for path, text in scripts.items():
        assert not re.search(r"(inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|document\.write|eval\(", text), path
        assert "new Function" not in text, path
    for path in PACKAGE.rglob("*.py"):
        assert "Markup(" not in path.read_text("utf-8"), path


def state(server: LocalServer) -> str:
    """Everything in the database as text."""
    with closing(sqlite3.connect(server.data / "comet.db")) as connection:
        return "\n".join(connection.iterdump())


def test_a_session_that_follows_every_link_changes_nothing(clocked_server: LocalServer, clock: TurnedClock) -> None:
    server = clocked_server
    key, pages = attacked(server, "plain")
    # So that what is running would be found lost, and what is old would be cleaned up.
    clock.turn(3600)
    with sign_in(server) as browser:
        before = state(server)
        waiting, seen = [*pages], set()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = browser.get(server.url + path, timeout=20)
            browser.head(server.url + path, timeout=20)
            if answer.headers["Content-Type"].startswith("text/html"):
                links = {urljoin(f"{server.url}{path}", link) for link in Reading(answer.text).links}
                waiting += [
                    urlsplit(link)._replace(scheme="", netloc="", fragment="").geturl()
                    for link in links
                    if link.startswith(server.url)
                ]
        assert len(seen) > 30
        assert state(server) == before
        for fill in (key, "x"):
            for method, path in every_route(server, fill):
                if method in ("GET", "HEAD") and path != "/sign-in":
                    query = {"experimentKey": key, "assetId": "x", "isRunning": "false", "code": "x", "name": "x"}
                    browser.request(method, server.url + path, params=query, timeout=20)
        assert state(server) == before


def test_whatever_the_path_a_session_cannot_write(clocked_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of paths that need the key may have gaps: the database refuses a session's writes by itself."""
    key, _ = attacked(clocked_server, "plain")
    with sign_in(clocked_server) as browser:
        before = state(clocked_server)
        monkeypatch.setattr(auth, "_KEY_ONLY", re.compile("nothing"))
        refused = 0
        for method, path in every_route(clocked_server):
            if method == "GET" and "/write/" in path:
                query = {"experimentKey": key, "isRunning": "false", "assetId": "x", "projectName": "x"}
                answer = browser.get(clocked_server.url + path, params=query, timeout=20)
                refused += "only reads" in answer.text
        assert state(clocked_server) == before
    assert refused >= 6


def test_the_wires_writes_by_get_need_the_key(clocked_server: LocalServer) -> None:
    key, _ = attacked(clocked_server, "plain")
    writes = [path for method, path in every_route(clocked_server) if method == "GET" and "/write/" in path]
    assert len(writes) >= 10
    before = state(clocked_server)
    with sign_in(clocked_server) as browser:
        signed_in = state(clocked_server)
        for path in writes:
            query = {"experimentKey": key, "isRunning": "false"}
            answer = browser.get(clocked_server.url + path, params=query, timeout=20)
            assert answer.status_code == 403, path
    assert before != signed_in
    assert state(clocked_server) == signed_in
    archive = clocked_server.call("GET", "api/rest/v2/write/experiment/archive", params={"experimentKey": key})
    assert archive.status_code == 200
    assert state(clocked_server) != signed_in
