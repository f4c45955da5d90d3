"""What a signal's handler raises in the middle of a logging call: no trouble of the call."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comet.capture.sinks import KeptSink
from tests.comet.scripted import ScriptedComet
from zenml_comet_tracker.comet import guard
from zenml_comet_tracker.comet.capture import output
from zenml_comet_tracker.comet.capture.output import Output
from zenml_comet_tracker.comet.capture.streams import Tee
from zenml_comet_tracker.comet.experiment import Experiment


class Stop(Exception):  # noqa: N818
    """As ZenML's handlers raise one, wherever the program is."""


def stopped(*_: object, **__: object) -> Any:
    raise Stop


class AtItsText:
    __str__ = __repr__ = stopped


class AtItsNumber:
    __float__ = stopped


class AtItsElements:
    shape = (2,)
    tolist = stopped


class AtItsMembers:
    model_fields = property(stopped)
    __dir__ = stopped


class AtItsKeys(dict[str, Any]):
    __iter__ = stopped


class AtAKey(dict[str, Any]):
    __getitem__ = stopped


@pytest.fixture
def experiment(comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Experiment]:
    monkeypatch.setattr(guard, "_interruptions", (Stop,))
    with Experiment("key", url=comet.root, journal_folder=journals) as made:
        yield made


CALLS: dict[str, Callable[[Experiment], object]] = {
    "number": lambda e: e.log_metric("a", AtItsNumber()),
    "number of several": lambda e: e.log_metrics({"a": {"b": AtItsNumber()}}),
    "text": lambda e: e.log_parameter("a", AtItsText()),
    "elements": lambda e: e.log_parameter("a", AtItsElements()),
    "attributes": lambda e: e.log_parameters(AtItsMembers()),
    "keys": lambda e: e.log_parameters({"a": AtItsKeys(b=1)}),
    "a key": lambda e: e.log_parameters({"a": AtAKey(b=1)}),
    "other": lambda e: e.log_other("a", AtItsText()),
    "data": lambda e: e.log_asset_data({"a": AtItsText()}, "a.json"),
}


def test_what_is_captured_of_a_print_keeps_none_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_interruptions", (Stop,))
    monkeypatch.setattr(output._gatherer, "watch", lambda taken: None)
    stream, sink = io.StringIO(), KeptSink()
    tee, taken = Tee(stream), Output(sink)
    tee.listen(lambda text: taken.write(text, stderr=False))
    monkeypatch.setattr(sink, "output", stopped)
    with pytest.raises(Stop):
        print("first", file=stream)
    monkeypatch.delattr(sink, "output")
    print("second", file=stream)
    taken.drain(final=True)
    assert sink.text().endswith("second\n")


@pytest.mark.parametrize("call", CALLS)
def test_it_ends_what_the_program_is_at_whatever_is_being_logged(experiment: Experiment, call: str) -> None:
    with pytest.raises(Stop):
        CALLS[call](experiment)
    assert not experiment.stats().dropped
