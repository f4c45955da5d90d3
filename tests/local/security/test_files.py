"""Logged files: stored under names of ours, served without our origin; nothing outside the data folder is touched."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin
from tests.local.security.hostile import PAGE, SVG
from tests.local.security.test_access import assert_fixed
from tests.local.test_auth import raw, sign_in
from zenml_comet_tracker.local.pages import static_files

NAMES = [
    "../../outside", "..\\..\\outside", "/etc/outside", "C:\\outside", "\\\\host\\share\\outside", "//host/outside",
    "%2e%2e%2foutside", "%252e%252e%252foutside", "a\0b", "a;b", "a?b", "a#b", "a\r\nSet-Cookie: c=d", ".", "..",
    "a" * 9_000, "file:///etc/passwd", "\u202egnp.exe", 'a"; filename="b',
]  # fmt: skip
PATHS = [
    "../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "%252e%252e%252fapi_key",
    "..\\..\\api_key", "/etc/passwd", "//etc/passwd", "file:///etc/passwd", "api_key", "../api_key", "..;/api_key",
    "%00", "page.css%00.png", "comet.db", "..%c0%af..%c0%afetc/passwd",
]  # fmt: skip


def upload(server: LocalServer, key: str, name: str, content: bytes, **more: str) -> requests.Response:
    query = {"experimentKey": key, "fileName": name, **more}
    return server.call(
        "POST", "api/rest/v2/write/experiment/upload-asset", params=query, files={"file": (name[:50], content)}
    )


@pytest.fixture
def browser(local_server: LocalServer) -> Iterator[requests.Session]:
    with sign_in(local_server) as session:
        yield session


def outside(server: LocalServer) -> set[Path]:
    """All that lies around the data folder, and what in it is no content."""
    around = set(server.data.parent.rglob("*"))
    return {path for path in around if not re.fullmatch("[0-9a-f]{2}|[0-9a-f]{64}", path.name)}


def test_no_name_of_a_file_leads_out_of_the_folder(local_server: LocalServer) -> None:
    key, before = begin(local_server), outside(local_server)
    for name in NAMES:
        content = uuid.uuid4().bytes
        answer = upload(local_server, key, name, content, assetId=f"{name[:50]}{uuid.uuid4().hex}")
        assert answer.status_code == 200, (name, answer.text)
        sha = hashlib.sha256(content).hexdigest()
        assert (local_server.data / "files" / sha[:2] / sha).read_bytes() == content
        answer = local_server.call(
            "GET",
            "api/rest/v2/experiment/asset/get-asset",
            params={"experimentKey": key, "assetId": answer.json()["assetId"]},
        )
        assert answer.content == content
        disposition = answer.headers["Content-Disposition"]
        assert re.fullmatch(r"attachment; filename\*=UTF-8''[0-9A-Za-z%._~-]*", disposition), name
        assert "Set-Cookie" not in answer.headers
    assert outside(local_server) == before


@pytest.mark.parametrize("where", ["static/x/", "page-data/experiments/x/assets/", "page-data/experiments/", ""])
def test_no_path_leads_to_a_file_that_was_not_logged(
    local_server: LocalServer, browser: requests.Session, where: str
) -> None:
    host = local_server.url.removeprefix("http://")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    secret = (Path("/etc/passwd").read_text()[:20], local_server.api_key, "SQLite format")
    for path in PATHS:
        for headers in ([("Cookie", cookie)], [("Authorization", local_server.api_key)]):
            status, got = raw(local_server, "GET", f"/{where}{path}", [("Host", host), *headers])
            assert status in (400, 404, 303, 307), (path, status)
            assert not any(text in str(got) for text in secret)
        answer = browser.get(f"{local_server.url}/{where}{path}", timeout=20)
        assert not any(text in answer.text for text in secret), path


def test_no_name_of_a_script_leads_out_of_its_folder() -> None:
    """No address gets that far; whoever changes the routes finds the door behind them closed too."""
    for name in ("../views.py", "../../auth.py", "/etc/passwd", "..", ".", "", "page.css/../charts.js", "\0"):
        assert static_files._content(name) is None, name
    assert static_files._content("page.css") is not None


def test_no_id_of_a_file_is_taken_for_a_path(local_server: LocalServer) -> None:
    key = begin(local_server)
    for asset_id in ("../../../etc/passwd", "/etc/passwd", "0" * 64, "x' OR '1'='1"):
        for path in ("experiment/asset/get-asset", "write/experiment/asset/delete"):
            query = {"experimentKey": key, "assetId": asset_id}
            answer = local_server.call("GET", f"api/rest/v2/{path}", params=query)
            assert answer.status_code in (200, 404)
            assert b"root:" not in answer.content
    assert Path("/etc/passwd").exists()


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:1/x", "s3://bucket/key", "javascript:alert(1)"]
)
def test_the_address_of_a_remote_file_is_kept_and_never_opened(local_server: LocalServer, link: str) -> None:
    key = begin(local_server)
    asset_id = uuid.uuid4().hex
    query = {"experimentKey": key, "fileName": "remote", "assetId": asset_id, "isRemote": "true"}
    answer = local_server.call(
        "POST", "api/rest/v2/write/experiment/upload-asset", params=query, files={"link": (None, link)}
    )
    assert answer.status_code == 200
    listed = local_server.get("experiment/asset/list", experimentKey=key)["assets"]
    assert [(asset["link"], asset["remote"]) for asset in listed] == [(link, True)]
    got = local_server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=query, allow_redirects=False)
    assert got.status_code == 404
    assert "root:" not in got.text
    with sign_in(local_server) as browser:
        page = browser.get(f"{local_server.url}/page-data/experiments/{key}/assets/{asset_id}", timeout=20)
        assert page.status_code == 404
        assert "root:" not in page.text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", PAGE.encode()), ("a.svg", SVG), ("a.pdf", b"%PDF-1.7"), ("a.ipynb", b"{}"), ("a.js", b"alert(1)"),
        ("a.xml", b"<?xml version='1.0'?><x/>"), ("a.css", b"x{}"), ("a.png", b"<script>alert(1)</script>"),
        ("a.json", b"[1]"), ("a.mht", b"MIME-Version: 1.0"), ("a.swf", b"FWS"), ("a.xhtml", b"<html/>"), ("a", b"<b>"),
    ],
)  # fmt: skip
def test_a_logged_file_has_no_origin_of_ours(
    local_server: LocalServer, browser: requests.Session, name: str, content: bytes
) -> None:
    key = begin(local_server)
    asset_id = upload(local_server, key, name, content, type="asset").json()["assetId"]
    paths = [
        f"/page-data/experiments/{key}/assets/{asset_id}",
        f"/api/rest/v2/experiment/asset/get-asset?experimentKey={key}&assetId={asset_id}",
        f"/clientlib/rest/v2/experiment/asset/get-asset?experimentKey={key}&assetId={asset_id}",
        f"/api/asset/download?experimentKey={key}&assetId={asset_id}",
        f"/api/image/get?experimentKey={key}&imageId={asset_id}",
    ]
    for path in paths:
        for headers in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=9999-"}, {"If-None-Match": "*"}):
            answer = local_server.call("GET", path[1:], headers=headers)
            assert_fixed({each.lower(): value for each, value in answer.headers.items()})
            if answer.status_code not in (200, 206):
                assert answer.status_code in (304, 416), path
                continue
            policy = answer.headers["Content-Security-Policy"]
            assert re.search(r"(^|;)\s*sandbox\s*(;|$)", policy), path
            assert "default-src 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            kind = answer.headers["Content-Type"].partition(";")[0]
            assert kind in ("application/octet-stream", "application/json", "text/plain", "image/png", "image/svg+xml")
            inline = answer.headers["Content-Disposition"].startswith("inline")
            assert not inline or kind.startswith("image/"), path


def test_logged_html_has_no_origin_of_ours_and_no_network(local_server: LocalServer, browser: requests.Session) -> None:
    key = begin(local_server)
    local_server.post("write/experiment/html", experimentKey=key, html=PAGE)
    answer = browser.get(f"{local_server.url}/page-data/experiments/{key}/html", timeout=20)
    assert answer.text == PAGE
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["sandbox"] == ""
    assert policy["default-src"] == "'none'"
    assert policy.keys() <= {"sandbox", "default-src", "style-src", "img-src", "frame-ancestors"}
    assert policy["img-src"] == "data:"
    assert "http" not in answer.headers["Content-Security-Policy"]
    experiment = local_server.get("experiment/metadata", experimentKey=key)
    place = f"{experiment['workspaceName']}/{experiment['projectName']}/{key}"
    page = browser.get(f"{local_server.url}/{place}?experiment-tab=html", timeout=20).text
    frames = re.findall("<iframe[^>]*>", page)
    assert frames
    for frame in frames:
        assert re.search(r'\bsandbox(=""|\s|>)', frame), frame
