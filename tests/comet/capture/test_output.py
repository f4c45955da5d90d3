"""What a program prints becomes whole lines in few records, from any number of threads, and fails quietly."""

from __future__ import annotations

import io
import logging
import signal
import threading

import pytest

from tests.comet.capture.sinks import KeptSink
from zenml_comet_tracker.comet.capture import output, streams
from zenml_comet_tracker.comet.capture.output import MAX_RECORD_CHARACTERS, STANDING_SECONDS, Output


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sink() -> KeptSink:
    return KeptSink()


@pytest.fixture(autouse=True)
def _without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output._gatherer, "watch", lambda taken: None)


def test_the_first_line_goes_at_once_and_later_ones_together(sink: KeptSink) -> None:
    taken = Output(sink)
    taken.write("first", stderr=False)
    taken.write("\n", stderr=False)
    assert sink.outputs == [(False, "first\n")]
    for number in range(1000):
        taken.write(f"{number}\n", stderr=False)
    assert len(sink.outputs) == 1
    taken.drain()
    assert sink.outputs[1:] == [(False, "".join(f"{number}\n" for number in range(1000)))]


def test_both_streams_keep_their_order(sink: KeptSink) -> None:
    taken = Output(sink)
    taken.write("0\n", stderr=False)
    for stderr, text in [(False, "1\n"), (True, "2\n"), (True, "3\n"), (False, "4\n")]:
        taken.write(text, stderr=stderr)
    taken.drain()
    assert sink.outputs == [(False, "0\n"), (False, "1\n"), (True, "2\n3\n"), (False, "4\n")]


def test_an_unfinished_line_comes_with_the_end(sink: KeptSink) -> None:
    taken = Output(sink)
    taken.write("a\nprompt> ", stderr=False)
    taken.drain()
    assert sink.text() == "a\n"
    taken.drain(final=True)
    assert sink.text() == "a\nprompt> \n"


def test_a_bar_without_an_end_is_shown_once_a_minute(sink: KeptSink) -> None:
    clock = Clock()
    taken = Output(sink, clock=clock)
    for percent in range(100):
        clock.now += STANDING_SECONDS / 10
        taken.write(f"\r{percent}%", stderr=True)
        taken.drain()
    taken.drain(final=True)
    shown = sink.text(stderr=True).splitlines()
    assert 8 <= len(shown) <= 12
    assert shown[-1] == "99%"


def test_a_large_text_is_divided_behind_a_newline(sink: KeptSink) -> None:
    text = "".join(f"{number:09d}\n" for number in range(2 * MAX_RECORD_CHARACTERS // 10))
    taken = Output(sink)
    taken.write(text, stderr=False)
    taken.drain()
    assert sink.text() == text
    assert all(len(piece) <= MAX_RECORD_CHARACTERS and piece.endswith("\n") for _, piece in sink.outputs)


def test_secrets_and_lone_surrogates_are_replaced(sink: KeptSink) -> None:
    taken = Output(sink, ["s3cr3t-key"])
    taken.write("key s3cr3t", stderr=False)
    taken.write("-key \udcff\n", stderr=False)
    assert sink.text() == "key *** ?\n"


def test_a_secret_where_a_large_text_is_divided(sink: KeptSink) -> None:
    taken = Output(sink, ["the-secret"])
    taken.write("x" * (MAX_RECORD_CHARACTERS - 5) + "the-secret", stderr=False)
    taken.drain(final=True)
    assert "".join(text for _, text in sink.outputs) == "x" * (MAX_RECORD_CHARACTERS - 5) + "***\n"


def test_no_line_of_any_thread_is_lost_or_torn(sink: KeptSink) -> None:
    stream, taken = io.StringIO(), Output(sink)
    stop = streams.listen(stream, lambda text: taken.write(text, stderr=False))

    def work(name: int) -> None:
        for number in range(200):
            stream.write(f"thread {name} line {number}\n")
            if number % 50 == 0:
                taken.drain()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop()
    taken.drain(final=True)
    assert sorted(sink.text().splitlines()) == sorted(stream.getvalue().splitlines())
    assert len(sink.text().splitlines()) == 1600


def test_a_signal_handler_that_prints_in_between(sink: KeptSink) -> None:
    taken = Output(sink)
    record = sink.output

    def interrupted(text: str, *, stderr: bool) -> None:
        if "handler" not in text:
            signal.raise_signal(signal.SIGUSR1)
        record(text, stderr=stderr)

    def handle(*_: object) -> None:
        taken.write("handler\n", stderr=False)
        taken.drain()

    sink.output = interrupted  # type: ignore[method-assign]
    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for text in ("one\n", "two\n"):
            taken.write(text, stderr=False)
            taken.drain()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert sorted(sink.text().splitlines()) == ["handler", "handler", "one", "two"]


def test_a_failing_record_is_said_once(sink: KeptSink, caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str, *, stderr: bool) -> None:
        raise OSError("no space left")

    sink.output = fail  # type: ignore[method-assign]
    taken = Output(sink)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            taken.write("a\n", stderr=False)
            taken.drain()
    assert [record.message for record in caplog.records] == [
        "What the program prints is logged no longer: OSError: no space left"
    ]
