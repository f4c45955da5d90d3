"""The seam: what goes over the wire, and which error each kind of failure becomes."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import os
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from tests.comet.scripted import Answer, ScriptedComet
from tests.comet.wires import answering
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.transport import (
    WHOLE_UPLOAD_BYTES,
    Transport,
    TransportOptions,
    is_loopback,
)


@pytest.fixture
def transport(comet: ScriptedComet) -> Iterator[Transport]:
    made = Transport(comet.root + "/", "raw-key", TransportOptions(read_timeout=5, headers={"X-Team": "blue"}))
    yield made
    made.close()


def test_a_post_speaks_json_to_the_letter(comet: ScriptedComet, transport: Transport) -> None:
    answer = transport.post_json("clientlib/x", {"a": None}, headers={"X-One": "1"})
    (asked,) = comet.asked
    assert answer["code"] == 200
    assert asked.json == {"a": None}
    assert asked.headers["content-type"] == "application/json;charset=utf-8"
    assert asked.headers["authorization"] == "raw-key"
    assert asked.headers["user-agent"].startswith("zenml-comet-tracker/")
    assert (asked.headers["x-one"], asked.headers["x-team"]) == ("1", "blue")


@pytest.mark.parametrize(
    "wrong", [object(), b"bytes", "half \ud800", 2**65, {1, 2}], ids=lambda wrong: type(wrong).__name__
)
def test_what_json_cannot_hold_is_a_wrong_argument(comet: ScriptedComet, transport: Transport, wrong: object) -> None:
    for call in (transport.post_json, transport.put_json, transport.post_for_bytes):
        with pytest.raises(errors.InvalidArgumentError, match="cannot be sent as JSON"):
            call("api/rest/v2/write/x", {"notes": [wrong]})
    assert comet.asked == []


def test_a_key_in_the_address_of_a_redirect_stays_secret(comet: ScriptedComet) -> None:
    key = "secret" * 7
    comet.answer_with("/x", Answer(status=307, headers={"Location": f"{comet.root}/y?apiKey={key}"}))
    with pytest.raises(errors.StatusError, match="a redirect to") as caught:
        Transport(comet.root, key).post_json("write/x", {})
    assert key not in str(caught.value)


def test_unset_query_values_are_left_out(comet: ScriptedComet, transport: Transport) -> None:
    transport.get_json("api/rest/v2/x", {"a": 1, "b": None})
    assert comet.asked[0].query == {"a": "1"}


@pytest.mark.parametrize(
    ("root", "loopback"),
    [("http://127.0.0.1:1", True), ("http://localhost", True), ("http://[::1]:2", True), ("https://comet.com", False)],
)
def test_is_loopback(root: str, loopback: bool) -> None:
    assert is_loopback(root) is loopback


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(drop=True), errors.ConnectionFailedError),
        (Answer(cut=True), errors.ConnectionFailedError),
        (Answer(body=b"<html>sign in</html>", headers={"Content-Type": "text/html"}), errors.BrokenAnswerError),
        (Answer(body=[1]), errors.BrokenAnswerError),
        (Answer(500, body=b"<html>"), errors.ServerFaultError),
        (Answer(404, body={"msg": "no such thing"}), errors.NotFoundError),
        (Answer(400, body={"msg": "bad key", "sdk_error_code": 90212}), errors.UnauthorizedError),
    ],
)
def test_each_failure_has_its_error(
    comet: ScriptedComet, transport: Transport, answer: Answer, kind: type[Exception]
) -> None:
    comet.answer_with("/x", answer)
    with pytest.raises(kind):
        transport.post_json("x", {})


def test_nobody_listening_is_a_failed_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        transport = Transport(f"http://127.0.0.1:{unused.getsockname()[1]}", "k")
        with pytest.raises(errors.ConnectionFailedError, match="refused"):
            transport.post_json("x", {})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After-Custom": "1.5", "Retry-After": "9"}, 1.5),
        ({"Retry-After": "9"}, 9.0),
        ({}, 60.0),
    ],
)
def test_throttling_says_how_long(
    comet: ScriptedComet, transport: Transport, headers: dict[str, str], seconds: float
) -> None:
    comet.answer_with("/x", Answer(429, headers=headers))
    with pytest.raises(errors.ThrottledError) as caught:
        transport.post_json("x", {})
    assert caught.value.retry_after == seconds


def test_reads_are_tried_again_and_writes_are_not(comet: ScriptedComet, transport: Transport) -> None:
    comet.answer_with("/r", Answer(503), times=1)
    comet.answer_with("/w", Answer(503), times=1)
    assert transport.get_json("r")["code"] == 200
    with pytest.raises(errors.ServerFaultError):
        transport.post_json("w", {})
    assert (len(comet.requests("/r")), len(comet.requests("/w"))) == (2, 1)


@pytest.mark.parametrize("answer", [Answer(503), Answer(drop=True)], ids=["status", "drop"])
def test_a_write_that_is_a_get_is_not_tried_again(comet: ScriptedComet, transport: Transport, answer: Answer) -> None:
    comet.answer_with("write/experiment/delete", answer, times=1)
    with pytest.raises((errors.ServerFaultError, errors.ConnectionFailedError)):
        transport.get_json("api/rest/v2/write/experiment/delete", {"experimentKey": "k"})
    assert len(comet.requests("write/experiment/delete")) == 1


def test_an_upload_carries_the_bytes_of_the_file(comet: ScriptedComet, transport: Transport) -> None:
    data = bytes(range(256)) * 40
    transport.upload("up", {"assetId": "1"}, io.BytesIO(data), file_name="a.bin", metadata='{"a":1}')
    (asked,) = comet.asked
    assert asked.query == {"assetId": "1"}
    assert data in asked.body
    assert b'{"a":1}' in asked.body


def test_a_download_arrives_whole(comet: ScriptedComet, transport: Transport) -> None:
    data = bytes(range(256)) * 9000
    comet.answer_with("/d", Answer(body=data))
    assert b"".join(transport.download("d")) == data == transport.get_bytes("d")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ZIPPED = gzip.compress(b'{"code": 200}', mtime=0)
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b'{"code": 200}',
        CHUNKED + b'd\r\n{"code": 200}\r\n',
        CHUNKED + b'ff\r\n{"code": 200}',
        CHUNKED + b"no number\r\n",
        GZIP % len(ZIPPED) + ZIPPED[:-9],
        GZIP % 9 + b"no gzip..",
    ],
)
def test_a_body_that_is_cut_or_garbled_is_no_answer(raw: bytes) -> None:
    with answering(raw) as root:
        transport = Transport(root, "k", TransportOptions(read_timeout=5))
        with pytest.raises(errors.ConnectionFailedError):
            transport.post_json("x", {})
        with pytest.raises(errors.ConnectionFailedError):
            b"".join(transport.download("x"))


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", errors.ConnectionFailedError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", errors.ConnectionFailedError),
        (b"HTTP/1.1 200", errors.BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\n\r\n", errors.BrokenAnswerError),
        (b'HTTP/1.1 200 OK\r\n\r\n{"code": 2', errors.BrokenAnswerError),
    ],
)
def test_an_answer_that_ends_too_early_is_no_delivery(raw: bytes, kind: type[Exception]) -> None:
    with answering(raw) as root, pytest.raises(kind):
        Transport(root, "k").post_json("x", {})


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", CHUNKED + b"0\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"]
)
def test_an_answer_that_is_meant_to_be_empty_is_one(raw: bytes) -> None:
    with answering(raw) as root:
        assert Transport(root, "k").post_json("x", {}) == {}


def test_a_gzip_answer_is_unpacked() -> None:
    with answering(GZIP % len(ZIPPED) + ZIPPED) as root:
        assert Transport(root, "k").post_json("x", {}) == {"code": 200}


def test_a_server_that_never_answers_is_given_up() -> None:
    with answering(None) as root, pytest.raises(errors.ConnectionFailedError, match="timed out"):
        Transport(root, "k", TransportOptions(read_timeout=0.2)).post_json("x", {})


def test_a_large_upload_arrives_whole_and_is_not_held_in_memory(
    comet: ScriptedComet, transport: Transport, tmp_path: Path
) -> None:
    data = random.Random(1).randbytes(3 * WHOLE_UPLOAD_BYTES)
    (tmp_path / "a.bin").write_bytes(data)
    sizes: list[int] = []

    class Watched(io.FileIO):
        def read(self, size: int | None = -1) -> bytes | None:
            sizes.append(-1 if size is None else size)
            return super().read(-1 if size is None else size)

    with Watched(tmp_path / "a.bin") as stream:
        transport.upload("up", {"assetId": "1", "step": None}, stream, file_name="ä 🎉.bin", metadata='{"a":1}')
    (asked,) = comet.asked
    assert data in asked.body
    assert int(asked.headers["content-length"]) == len(asked.body)
    assert 0 < max(sizes) <= 2 * WHOLE_UPLOAD_BYTES
    assert min(sizes) >= 0


@pytest.mark.parametrize("change", [+50_000, -50_000])
def test_a_file_that_changes_its_size_while_it_is_sent(
    comet: ScriptedComet, transport: Transport, tmp_path: Path, change: int
) -> None:
    path = tmp_path / "log.txt"
    size = 3 * WHOLE_UPLOAD_BYTES
    path.write_bytes(b"x" * size)

    class Changing(io.FileIO):
        def read(self, asked: int | None = -1) -> bytes | None:
            if self.tell() > WHOLE_UPLOAD_BYTES:
                os.truncate(path, size + change)
            return super().read(-1 if asked is None else asked)

    with Changing(path) as stream:
        if change < 0:
            with pytest.raises(errors.ConnectionFailedError, match="became shorter"):
                transport.upload("up", {}, stream, file_name="log.txt")
        else:
            transport.upload("up", {}, stream, file_name="log.txt")
            transport.post_json("next", {"a": 1})
            assert comet.asked[0].body.count(b"x" * size + b"\r\n--") == 1
            assert comet.asked[1].json == {"a": 1}


def test_requests_of_one_path_share_nothing_that_differs(comet: ScriptedComet, transport: Transport) -> None:
    comet.answer_with("/x", Answer(headers={"Set-Cookie": "who=me"}))
    transport.post_json("x", {"a": 1}, headers={"X-Comet-Lane": "w/metrics/1"}, params={"b": "c d/ä"})
    transport.post_bytes("x", b'{"longer": "than before"}')
    transport.get_json("x")
    first, second, read = comet.asked
    assert (first.query, second.query) == ({"b": "c d/ä"}, {})
    assert (first.json, second.json) == ({"a": 1}, {"longer": "than before"})
    assert "x-comet-lane" not in second.headers
    assert "cookie" not in second.headers.keys() | read.headers.keys()


def test_threads_share_one_transport(
    comet: ScriptedComet, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    threads, posts = 8, 10
    together = threading.Barrier(threads)

    def work(number: int) -> list[Any]:
        together.wait(10)
        return [transport.post_json("x", {"n": number, "i": i}, headers={"X-N": str(number)}) for i in range(posts)]

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(work, range(threads)))
    assert [len(answer) for answer in answers] == [posts] * threads
    assert Counter(asked.headers["x-n"] for asked in comet.asked) == {str(n): posts for n in range(threads)}
    assert all(str(asked.json["n"]) == asked.headers["x-n"] for asked in comet.asked)
    # A pool that is too small says so, and connects anew for each request.
    assert "pool is full" not in caplog.text


def _all_below(base: type[BaseException]) -> set[type[BaseException]]:
    return {base}.union(*(_all_below(kind) for kind in base.__subclasses__()))


def _raised(kind: type[BaseException]) -> BaseException:
    unread = urllib3.HTTPResponse(io.BytesIO())
    for arguments in (("x",), ("x", "y"), ("x", "y", "z"), ("x", "doc", 0), (unread, b"1"), (1, 2)):
        with contextlib.suppress(TypeError, AttributeError):
            made = kind(*arguments)
            if str(made):
                return made
    raise AssertionError(f"cannot make a {kind}")


FOREIGN = sorted(
    _all_below(requests.RequestException)
    | _all_below(urllib3.exceptions.HTTPError)
    | _all_below(http.client.HTTPException),
    key=str,
)


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_of_the_http_libraries_is_mapped(
    kind: type[BaseException], transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise _raised(kind)

    monkeypatch.setattr(requests.Session, "send", fail)
    for ask in (
        lambda: transport.get_json("x"),
        lambda: transport.post_json("x", {}),
        lambda: transport.upload("x", {}, io.BytesIO(b"y"), file_name="z"),
        lambda: next(transport.download("x")),
    ):
        with pytest.raises(errors.ConnectionFailedError):
            ask()
