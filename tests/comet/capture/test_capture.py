"""All that is captured for an experiment begins and ends together, and harms nobody when a part of it fails."""

from __future__ import annotations

import logging
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.comet.capture.sinks import KeptSink
from zenml_comet_tracker.comet.capture import NOTHING, CaptureOptions, capture, code, git
from zenml_comet_tracker.comet.capture.capture import begin

EVERYTHING = CaptureOptions(log_error=True, log_git_info=True)


@pytest.fixture
def sink() -> KeptSink:
    return KeptSink()


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program that runs; it holds a key."""
    path = tmp_path / "train.py"
    path.write_text("KEY = 'the-api-key'\n")
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "argv", ["train.py", "--key", "the-api-key"])
    return path


def test_everything_is_captured_and_nothing_of_the_key(
    sink: KeptSink, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = begin(EVERYTHING, sink, secrets=["the-api-key"])
    print("with the-api-key")
    print("\r10%\r100%", file=sys.stderr)
    taken.end()
    print("after")
    assert (sink.text(), sink.text(stderr=True)) == ("with ***\n", "100%\n")
    assert tuple(capsys.readouterr()) == ("with the-api-key\nafter\n", "\r10%\r100%\n")
    assert (sink.codes, sink.paths) == ([("KEY = '***'\n", "train.py")], [str(script)])
    assert (sink.details["command"], sink.details["pid"]) == (["train.py", "--key", "***"], os.getpid())
    assert sink.details["installedPackages"]


def test_nothing_is_captured_that_was_not_asked_for(sink: KeptSink, script: Path) -> None:
    method = sys.stdout.write
    taken = begin(NOTHING, sink)
    assert sys.stdout.write == method
    print("unheard")
    taken.end()
    assert sink == KeptSink()


def test_the_output_alone_leaves_errors_alone(sink: KeptSink, script: Path) -> None:
    taken = begin(CaptureOptions(log_code=False, log_system_details=False, log_system_metrics=False), sink)
    print("one")
    print("two", file=sys.stderr)
    taken.end()
    taken.end()
    assert sink == KeptSink(outputs=[(False, "one\n")])


def test_one_stream_for_both_is_heard_once(sink: KeptSink, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    taken = begin(EVERYTHING, sink)
    print("a", file=sys.stderr)
    taken.end()
    assert sink.outputs == [(False, "a\n")]


def test_each_of_two_experiments_gets_its_copy(sink: KeptSink, script: Path) -> None:
    other = KeptSink()
    output = CaptureOptions(log_system_details=False, log_system_metrics=False)
    before = vars(sys.stdout).get("write")
    first = begin(output, sink)
    assert vars(sys.stdout)["write"] != before
    print("a")
    second = begin(output, other)
    print("b")
    first.end()
    print("c")
    second.end()
    assert (sink.text(), other.text()) == ("a\nb\n", "b\nc\n")
    assert vars(sys.stdout).get("write") == before


def test_no_console(
    sink: KeptSink, script: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with caplog.at_level(logging.WARNING):
        begin(CaptureOptions(log_system_details=False), sink).end()
    assert caplog.messages == []


def test_a_notebook_is_logged_whole_at_its_end(sink: KeptSink, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["", "begin()"]
    behind: list[Callable[..., None]] = []
    events = types.SimpleNamespace(
        register=lambda event, act: behind.append(act) if event == "post_run_cell" else None,
        unregister=lambda event, act: behind.remove(act) if event == "post_run_cell" else None,
    )
    shell = types.SimpleNamespace(history_manager=types.SimpleNamespace(input_hist_raw=typed), events=events)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    taken = begin(CaptureOptions(log_system_details=False), sink)
    for cell in ("train()", "evaluate()"):
        typed.append(cell)
        for act in behind:
            act("result")
    # As IPython in a terminal does when it exits.
    del typed[1:]
    taken.end()
    assert [text.count("In[") for text, _ in sink.codes] == [1, 3]
    assert {name for _, name in sink.codes} == {"notebook.py"}
    assert behind == []


def test_each_part_fails_alone_and_is_said(
    sink: KeptSink, script: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no")

    for where in (sink, git):
        for name in ("code", "system_details", "git_patch", "state_of", "git"):
            if hasattr(where, name):
                monkeypatch.setattr(where, name, fail)
    monkeypatch.setattr(sys, "stderr", types.SimpleNamespace(write=lambda text: 0))
    with caplog.at_level(logging.WARNING):
        taken = begin(EVERYTHING, sink)
        print("a")
        taken.end()
    said = sorted(message for message in caplog.messages)
    assert said == [f"Not captured: {what}: OSError: no" for what in ("code", "git information", "system details")]
    assert sink.text() == "a\n"


def test_samples_come_as_often_as_wished(sink: KeptSink, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float | None] = []
    monkeypatch.setattr(capture.sampler, "add", lambda take, seconds: asked.append(seconds()))
    for options in ({}, {"system_metrics_seconds": 5}):
        taken = CaptureOptions(log_system_details=False, **options)
        begin(taken, sink).end()
        begin(taken, sink, wished_seconds=lambda: 68.0).end()
    assert asked == [None, 68.0, 5, 5]


def test_a_program_without_a_file_has_its_code_below_the_working_folder(
    sink: KeptSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    monkeypatch.chdir(tmp_path)
    folders: list[Path] = []
    monkeypatch.setattr(git, "state_of", folders.append)
    begin(EVERYTHING, sink).end()
    assert folders == [tmp_path]
    assert code.program_path() is None
