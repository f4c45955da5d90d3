"""Waiting when a server asks for it, and files that come in several goes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from zenml_comet_tracker.comet.errors import ConnectionFailedError, ServerFaultError, ThrottledError
from zenml_comet_tracker.comet.portable.patience import Patient

CONTENT = bytes(range(200))


class Server:
    """Answers as it is told to, one after the other; keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []
        self.slept: list[float] = []
        self.patient = Patient(None, self.slept.append)  # type: ignore[arg-type]

    def __call__(self, _: Any, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def throttled(seconds: float) -> ThrottledError:
    return ThrottledError("POST x", retry_after=seconds)


def test_a_call_that_comes_too_early_is_made_again_when_the_server_says() -> None:
    server = Server(throttled(7), throttled(3.5), "done")
    assert server.patient.ask(server, 1) == "done"
    assert (server.asked, server.slept) == ([(1,)] * 3, [7, 3.5])


def test_a_server_that_is_never_content_is_left_alone_at_last() -> None:
    server = Server(*[throttled(1)] * 20)
    with pytest.raises(ThrottledError):
        server.patient.ask(server)
    assert len(server.asked) < 10
    weary = Server(throttled(86_400))
    with pytest.raises(ThrottledError):
        weary.patient.ask(weary)
    assert weary.slept == []


def test_what_may_have_been_stored_is_not_sent_again() -> None:
    for error in (ConnectionFailedError("cut"), ServerFaultError("POST x", status=503)):
        server = Server(error, "never")
        with pytest.raises(type(error)):
            server.patient.ask(server)
        assert len(server.asked) == 1


def cut(data: bytes) -> Iterator[bytes]:
    yield data
    raise ConnectionFailedError("cut off")


def test_a_file_that_is_cut_off_is_gone_on_with() -> None:
    server, file = Server((0, cut(CONTENT[:80])), throttled(2), (80, iter([CONTENT[80:]]))), io.BytesIO()
    server.patient.fetch(file, server, "id")
    assert file.getvalue() == CONTENT
    assert server.asked == [("id", 0), ("id", 80), ("id", 80)]


def test_a_server_that_sends_the_whole_again_is_taken_at_its_word() -> None:
    server, file = Server((0, cut(CONTENT[:80])), (0, iter([CONTENT[:50]]))), io.BytesIO()
    server.patient.fetch(file, server, "id")
    # Also when the file has become shorter meanwhile.
    assert file.getvalue() == CONTENT[:50]


def test_a_file_that_never_comes_whole_is_told() -> None:
    server, file = Server(*[(0, cut(b"")) for _ in range(9)]), io.BytesIO()
    with pytest.raises(ConnectionFailedError):
        server.patient.fetch(file, server)
    assert len(server.asked) == 3
