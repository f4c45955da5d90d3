"""Too much, too deep, too many, too slow: refused cleanly, and nobody else waits."""

from __future__ import annotations

import gzip
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import orjson
import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local.auth import WRITES_AT_ONCE
from zenml_comet_tracker.local.routes import calls, fields

JSON = {"Content-Type": "application/json"}
METRICS = "clientlib/batch/logger/experiment/metric"


def send(server: LocalServer, path: str, body: bytes, **headers: str) -> requests.Response:
    return server.call("POST", path, data=body, headers={**JSON, **headers})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits, near enough to reach quickly; that they are there by default is tested beside."""
    monkeypatch.setattr(calls, "MAX_BODY_BYTES", 1 << 20)
    monkeypatch.setattr(calls, "MAX_CONTAINERS", 1_000)


def test_the_limits_are_within_what_one_machine_bears() -> None:
    assert calls.MAX_BODY_BYTES <= 64 << 20
    assert calls.MAX_CONTAINERS <= 400_000
    assert fields.MAX_BATCH <= 30_000
    assert fields.MAX_TEXT <= 10_000


@pytest.mark.usefixtures("small")
def test_a_body_that_is_too_large_is_refused_however_it_comes(
    local_server: LocalServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = orjson.dumps({"experimentKey": key, "html": "x" * (1 << 20)})
    packed = gzip.compress(large)
    assert len(packed) < 10_000
    # What is unpacked at once is little, however much is in it.
    most = []
    unpacking = calls.zlib.decompressobj

    class Watched:
        def __init__(self, *arguments: int) -> None:
            self._real = unpacking(*arguments)

        def decompress(self, piece: bytes, limit: int = 0) -> bytes:
            most.append(limit)
            return self._real.decompress(piece, limit)

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    monkeypatch.setattr(calls.zlib, "decompressobj", Watched)
    for answer in (
        send(local_server, "api/rest/v2/write/experiment/html", large),
        send(local_server, "api/rest/v2/write/experiment/html", packed, **{"Content-Encoding": "gzip"}),
        local_server.call("POST", "api/rest/v2/write/experiment/html", data=iter([large[:9], large[9:]]), headers=JSON),
    ):
        assert answer.status_code == 413
        assert "MiB" in answer.json()["msg"]
    assert most
    assert all(0 < limit <= 1 << 20 for limit in most)
    assert local_server.get("experiment/html", experimentKey=key)["html"] in (None, "")


@pytest.mark.usefixtures("small")
def test_a_body_of_too_many_lists_is_refused_before_it_is_parsed(
    local_server: LocalServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls.orjson, "loads", lambda _: pytest.fail("it was parsed"))
    answer = send(local_server, METRICS, b'{"values": [' + b"[]," * 1_000 + b"1]}")
    assert answer.status_code == 413


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_body_that_is_too_deep_is_refused(local_server: LocalServer, key: str, opening: bytes) -> None:
    for depth in (101, 1_500, 200_000):
        value = opening * depth + b"1" + (b"]" if opening == b"[" else b"}") * depth
        body = b'{"experimentKey": "%s", "key": "k", "value": %s}' % (key.encode(), value)
        answer = send(local_server, "api/rest/v2/write/experiment/log-other", body)
        assert answer.status_code == 400, depth
    assert local_server.get("experiment/log-other", experimentKey=key) == {"values": []}


def test_a_batch_of_too_many_values_is_refused_whole(local_server: LocalServer, key: str) -> None:
    body = {"experimentKey": key, "values": [{"metricName": "m", "metricValue": 1}] * (fields.MAX_BATCH + 1)}
    answer = send(local_server, METRICS, orjson.dumps(body))
    assert answer.status_code == 413
    assert "30,001" in answer.json()["msg"]
    assert local_server.get("experiment/metrics/summary", experimentKey=key) == {"values": []}
    tags = {"experimentKey": key, "addedTags": ["x"] * (fields.MAX_TEXTS + 1)}
    assert local_server.call("POST", "api/rest/v2/write/experiment/tags", json=tags).status_code == 413


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("metric", {"metricName": "#", "metricValue": 1}),
        ("parameter", {"parameterName": "#", "parameterValue": 1}),
        ("log-other", {"key": "#", "value": 1}),
        ("tags", {"addedTags": ["#"]}),
        ("file-path", {"filePath": "#"}),
    ],
)
def test_a_name_that_is_too_long_is_refused(
    local_server: LocalServer, key: str, path: str, body: dict[str, object]
) -> None:
    for length, status in ((10_000, 200), (10_001, 422)):
        text = orjson.dumps({"experimentKey": key, **body}).replace(b"#", b"n" * length)
        answer = send(local_server, f"api/rest/v2/write/experiment/{path}", text)
        assert answer.status_code == status, length


def test_an_upload_has_few_parts(local_server: LocalServer, key: str) -> None:
    query = {"experimentKey": key}
    path = "api/rest/v2/write/experiment/upload-asset"
    files = [(f"file{at}", ("n", b"x")) for at in range(50)]
    texts = [(f"text{at}", (None, b"x")) for at in range(500)]
    for parts in (files, texts):
        answer = local_server.call("POST", path, params=query, files=parts)
        assert answer.status_code in (400, 413), answer.text
    assert local_server.get("experiment/asset/list", experimentKey=key) == {"assets": []}


def test_pages_and_charts_have_a_size(local_server: LocalServer) -> None:
    key = begin(local_server)
    with sign_in(local_server) as browser:
        for query in (
            "ws/tests?page=1000000000000", "ws/tests?page=0", "ws/tests?page=x", f"ws/tests?q={'x' * 1_001}",
            f"ws/tests?q={'x+' * 51}", f"page-data/experiments/{key}/series?chart=1&buckets=100000",
            f"page-data/experiments/{key}/series?chart=1&buckets=-1", f"page-data/experiments/{key}/series?chart=-1",
            f"page-data/experiments/{key}/series?" + "&".join(f"chart={at}" for at in range(65)),
            f"page-data/experiments/{key}/series?chart=1&low=nan", f"page-data/experiments/{key}/series?chart={2**63}",
        ):  # fmt: skip
            assert browser.get(f"{local_server.url}/{query}", timeout=20).status_code in (400, 422), query
        assert browser.get(f"{local_server.url}/?{'x' * (1 << 20)}", timeout=20).status_code in (400, 414, 431)


@pytest.fixture
def slow(local_server: LocalServer) -> Iterator[list[socket.socket]]:
    """More clients than there are places for writers, who have sent half a write each and then fall silent."""
    parts = urlsplit(local_server.url)
    key = begin(local_server)
    body = orjson.dumps({"experimentKey": key, "addedTags": ["slow"]})
    with ExitStack() as stack:
        clients = []
        for _ in range(2 * WRITES_AT_ONCE):
            client = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
            client.sendall(
                f"POST /api/rest/v2/write/experiment/tags HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                f"Authorization: {local_server.api_key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body[:20]
            )
            clients.append(client)
        yield clients


def test_clients_that_send_slowly_hold_up_nobody(local_server: LocalServer, slow: list[socket.socket]) -> None:
    key = begin(local_server)
    session = requests.Session()
    session.trust_env = False
    headers = {"Authorization": local_server.api_key}
    url = f"{local_server.url}/api/rest/v2/write/experiment/tags"
    body = {"experimentKey": key, "addedTags": ["quick"]}
    # As long as a client waits that nobody answers: it is answered at once, or never.
    assert session.post(url, json=body, headers=headers, timeout=15).status_code == 200
    assert session.get(f"{local_server.url}/", headers=headers, timeout=15).status_code == 200
    assert len(slow) > WRITES_AT_ONCE


def test_a_large_body_is_parsed_without_holding_up_others(local_server: LocalServer, key: str) -> None:
    """As much as is allowed, while another client asks over and over."""
    answered = []
    done = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            while not done.is_set():
                answered.append(session.get(f"{local_server.url}/health", timeout=20).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    html = uuid.uuid4().hex * (1 << 18)
    assert local_server.post("write/experiment/html", experimentKey=key, html=html)["code"] == 200
    done.set()
    asking.join(20)
    assert set(answered) == {200}


def test_sixteen_writers_at_once_are_all_answered(local_server: LocalServer) -> None:
    """No limit here is one of rates."""
    key = begin(local_server)

    def write(name: str) -> None:
        with requests.Session() as session:
            for step in range(5):
                value = {"experimentKey": key, "metricName": name, "metricValue": step, "step": step}
                url = f"{local_server.url}/api/rest/v2/write/experiment/metric"
                answer = session.post(url, json=value, headers={"Authorization": local_server.api_key}, timeout=30)
                assert answer.status_code == 200

    writers = [threading.Thread(target=write, args=(f"m{at}",)) for at in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    points = local_server.get("experiment/metrics/get-all", experimentKey=key)["metrics"]
    assert len(points) == 80
