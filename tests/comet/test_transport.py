"""The seam: what goes over the wire, and which error each kind of failure becomes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.transport import Transport, TransportOptions, is_loopback


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


def test_unset_query_values_are_left_out(comet: ScriptedComet, transport: Transport) -> None:
    transport.get_json("api/rest/v2/x", {"a": 1, "b": None})
    assert comet.asked[0].query == {"a": "1"}


def test_the_netrc_file_does_not_replace_the_key(
    comet: ScriptedComet, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    transport.get_json("api/rest/v2/x")
    assert comet.asked[0].headers["authorization"] == "raw-key"


def test_loopback_passes_by_the_proxy(
    comet: ScriptedComet, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert transport.get_json("api/rest/v2/x")["code"] == 200


@pytest.mark.parametrize(
    ("root", "loopback"),
    [("http://127.0.0.1:1", True), ("http://localhost", True), ("http://[::1]:2", True), ("https://comet.com", False)],
)
def test_is_loopback(root: str, loopback: bool) -> None:
    assert is_loopback(root) is loopback


def test_a_redirect_of_a_write_is_no_delivery(comet: ScriptedComet, transport: Transport) -> None:
    comet.answer_with("/x", Answer(302, headers={"Location": "http://127.0.0.1:1/elsewhere"}))
    with pytest.raises(errors.StatusError, match=r"redirect to http://127\.0\.0\.1:1/elsewhere"):
        transport.post_json("x", {})
    assert len(comet.asked) == 1


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
    [({"Retry-After-Custom": "1.5", "Retry-After": "9"}, 1.5), ({"Retry-After": "9"}, 9.0), ({}, 60.0)],
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


def test_an_upload_carries_the_bytes_of_the_file(comet: ScriptedComet, transport: Transport, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    (tmp_path / "a.bin").write_bytes(data)
    transport.upload("up", {"assetId": "1"}, tmp_path / "a.bin", file_name="a.bin", metadata='{"a":1}')
    (asked,) = comet.asked
    assert asked.query == {"assetId": "1"}
    assert data in asked.body
    assert b'{"a":1}' in asked.body


def test_a_download_arrives_whole(comet: ScriptedComet, transport: Transport) -> None:
    data = bytes(range(256)) * 9000
    comet.answer_with("/d", Answer(body=data))
    assert b"".join(transport.download("d")) == data == transport.get_bytes("d")


def _requests_errors(base: type[Exception]) -> Iterator[type[Exception]]:
    for kind in base.__subclasses__():
        if kind.__module__.startswith("requests"):
            yield kind
            yield from _requests_errors(kind)


@pytest.mark.parametrize("kind", sorted(set(_requests_errors(requests.RequestException)), key=str))
def test_every_error_of_the_http_library_is_mapped(
    kind: Callable[..., Exception], transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind("x", "doc", 0) if "JSONDecode" in kind.__name__ else kind("x")

    monkeypatch.setattr(requests.Session, "request", fail)
    with pytest.raises(errors.ConnectionFailedError):
        transport.get_json("x")
