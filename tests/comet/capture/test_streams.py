"""Streams are heard, and stay what they are."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
import types
from collections.abc import Callable, Iterator

import pytest

from zenml_comet_tracker.comet.capture import streams


class Slotted:
    """A stream whose methods cannot be wrapped."""

    __slots__ = ()

    def write(self, text: str) -> int:
        return len(text)


@pytest.fixture
def stream() -> Iterator[io.TextIOWrapper]:
    with io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") as wrapper:
        yield wrapper


def _bytes(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def test_what_is_written_arrives_unchanged_and_is_heard(stream: io.TextIOWrapper) -> None:
    heard: list[str] = []
    stop = streams.listen(stream, heard.append)
    print("one", 2, file=stream)
    assert stream.write("\rbar\x1b[K") == 7
    stream.writelines(["a\n", "b\n"])
    stop()
    print("later", file=stream)
    assert "".join(heard) == "one 2\n\rbar\x1b[Ka\nb\n"
    assert _bytes(stream) == b"one 2\n\rbar\x1b[Ka\nb\nlater\n"


def test_the_stream_stays_what_it_is(stream: io.TextIOWrapper) -> None:
    names = ("encoding", "errors", "buffer", "line_buffering", "newlines")
    before = {name: getattr(stream, name) for name in names}
    method = stream.write
    stop = streams.listen(stream, lambda text: None)
    assert {name: getattr(stream, name) for name in before} == before
    assert stream.isatty() is False
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()
    stop()
    assert stream.write == method
    assert "write" not in vars(stream)


def test_several_listen_until_each_stops(stream: io.TextIOWrapper) -> None:
    first: list[str] = []
    second: list[str] = []
    stop_first, stop_second = streams.listen(stream, first.append), streams.listen(stream, second.append)
    stream.write("both")
    stop_first()
    stop_first()
    stream.write("second")
    stop_second()
    assert (first, second) == (["both"], ["both", "second"])
    assert "write" not in vars(stream)


def test_a_wrapper_that_came_later_is_not_removed(stream: io.TextIOWrapper) -> None:
    heard: list[str] = []
    stop = streams.listen(stream, heard.append)
    ours = stream.write

    def theirs(text: str) -> int:
        return ours(text.upper())

    stream.write = theirs  # type: ignore[method-assign]
    stream.write("a")
    stop()
    stream.write("b")
    assert stream.write is theirs
    assert heard == ["A"]
    assert _bytes(stream) == b"AB"


def test_a_wrapper_that_came_earlier_is_there_again(stream: io.TextIOWrapper) -> None:
    plain = stream.write
    stream.write = theirs = lambda text: plain(text.upper())  # type: ignore[method-assign]
    heard: list[str] = []
    stop = streams.listen(stream, heard.append)
    stream.write("a")
    stop()
    assert stream.write is theirs
    assert heard == ["a"]


def test_a_redirected_text_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.StringIO()
    monkeypatch.setattr(sys, "stdout", console)
    heard: list[str] = []
    stop = streams.listen(sys.stdout, heard.append)
    with contextlib.redirect_stdout(io.StringIO()) as elsewhere:
        print("hidden")
    print("shown")
    stop()
    assert elsewhere.getvalue() == "hidden\n"
    assert "".join(heard) == console.getvalue() == "shown\n"


def test_a_stream_put_in_its_place_later_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    stop = streams.listen(sys.stdout, lambda text: None)
    theirs = sys.stdout = io.StringIO()
    stop()
    assert sys.stdout is theirs


def test_what_a_listener_prints_is_not_heard(stream: io.TextIOWrapper) -> None:
    heard: list[str] = []

    def listen(text: str) -> None:
        heard.append(text)
        stream.write("told\n")

    stop = streams.listen(stream, listen)
    stream.write("a\n")
    stop()
    assert heard == ["a\n"]
    assert _bytes(stream) == b"a\ntold\n"


def test_a_failing_listener_harms_nobody(stream: io.TextIOWrapper) -> None:
    def fail(text: str) -> None:
        raise RuntimeError(text)

    stop = streams.listen(stream, fail)
    assert stream.write("a") == 1
    stop()
    assert _bytes(stream) == b"a"


def test_a_failing_stream_fails_as_before(stream: io.TextIOWrapper) -> None:
    heard: list[str] = []
    stop = streams.listen(stream, heard.append)
    with pytest.raises(TypeError):
        stream.write(b"bytes")  # type: ignore[arg-type]
    stop()
    assert heard == []


def test_our_own_threads_are_not_heard(stream: io.TextIOWrapper) -> None:
    heard: list[str] = []
    stop = streams.listen(stream, heard.append)
    handler = logging.StreamHandler(stream)
    for name in ("zenml-comet-records", "worker"):
        record = logging.LogRecord("x", logging.WARNING, "", 0, name, None, None)
        thread = threading.Thread(target=handler.emit, args=(record,), name=name)
        thread.start()
        thread.join()
    stop()
    assert "".join(heard) == "worker\n"


def test_no_stream_and_one_that_cannot_be_heard() -> None:
    streams.listen(None, lambda text: None)()
    with pytest.raises(TypeError, match="Slotted"):
        streams.listen(Slotted(), lambda text: None)


def test_notebook_streams_are_heard() -> None:
    """ipykernel's stream is a Python class over TextIOBase, without a buffer, whose `write` takes its text by name."""

    class OutStream(io.TextIOBase):
        encoding = "UTF-8"

        def __init__(self) -> None:
            self.sent: list[str] = []

        def write(self, string: str) -> int:
            self.sent.append(string)
            return len(string)

    stream, heard = OutStream(), list[str]()
    stop = streams.listen(stream, heard.append)
    print("cell", file=stream)
    stream.write(string="named")
    stream.writelines(["x"])
    stop()
    assert stream.sent == heard == ["cell", "\n", "named", "x"]


class Shell:
    """IPython since version 9: around each cell it wraps `write`, and puts back what was there before."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._before: list[Callable[..., None]] = []
        self.events = self
        self.recorded: list[str] = []

    def register(self, event: str, act: Callable[..., None]) -> None:
        assert event == "pre_run_cell"
        self._before.append(act)

    def unregister(self, event: str, act: Callable[..., None]) -> None:
        self._before.remove(act)

    def run(self, cell: Callable[[], object]) -> None:
        original = self._stream.write

        def write(text: str) -> int:
            self.recorded.append(text)
            return original(text)

        self._stream.write = write  # type: ignore[method-assign]
        for act in list(self._before):
            act("info")
        cell()
        self._stream.write = original  # type: ignore[method-assign]


def test_every_cell_is_heard_once(stream: io.TextIOWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(stream)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    heard: list[str] = []
    stops: list[Callable[[], None]] = []
    shell.run(lambda: stops.append(streams.listen(stream, heard.append)) or stream.write("1"))
    shell.run(lambda: stream.write("2"))
    # What the thread that gathers does between cells.
    streams.renew()
    stream.write("3")
    shell.run(lambda: stream.write("4"))
    shell.run(lambda: stops[0]())
    shell.run(lambda: stream.write("5"))
    assert heard == ["1", "2", "3", "4"]
    assert _bytes(stream) == b"12345"
    assert shell.recorded == ["1", "2", "4", "5"]
    assert shell._before == []
