"""What a run leaves where people look: nothing on the console of a healthy one, and the API key nowhere."""

from __future__ import annotations

import gc
import logging
import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.conftest import KEY
from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet import handle
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal.place import Place

Make = Callable[..., Experiment]

# A bar as tqdm draws it: one line that is written over and over.
BAR = "".join(f"\r{number:3d}%|{'#' * (number // 10):10}|" for number in range(101)) + "\n"
PROGRAM = f"""
import logging, sys
from zenml_comet_tracker import Experiment
logging.basicConfig(level=logging.INFO)
with Experiment("k", url=sys.argv[1], journal_folder=sys.argv[2], workspace="w", project_name="p") as experiment:
    print("the program's own line")
    for part in {BAR!r}.split("|"):
        sys.stderr.write(part + "|")
        experiment.log_metric("loss", 0.5)
    experiment.log_parameters({{"rate": 0.1, "nested": {{"deep": 1}}}})
    experiment.log_text("a text")
"""


def test_a_healthy_run_writes_nothing_between_the_lines_of_the_program(comet: ScriptedComet, journals: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, comet.root, str(journals)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"the program's own line\n"
    assert done.stderr.decode() == BAR + "|"
    assert len(comet.metric_values()) == len(BAR.split("|"))


def reachable_from(start: Any) -> list[Any]:
    """Every object of the package that the start holds, however deep."""
    found: dict[int, Any] = {}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if id(one) in found or isinstance(one, type | types.ModuleType | types.FunctionType):
            continue
        if type(one).__module__.startswith("zenml_comet_tracker") or isinstance(one, dict | list | tuple | set):
            found[id(one)] = one
            waiting += gc.get_referents(one)
    return [one for one in found.values() if type(one).__module__.startswith("zenml_comet_tracker")]


@pytest.mark.parametrize("place", ["disk", "memory"])
@pytest.mark.parametrize("answer", [Answer(), Answer(401, {"msg": "no"}), Answer(500, b"<html>"), Answer(drop=True)])
def test_the_key_is_in_no_log_repr_error_or_journal(
    answer: Answer,
    place: str,
    comet: ScriptedComet,
    make: Make,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    if place == "memory":
        monkeypatch.setattr(handle, "find_place", lambda _: Place(None, persistent=False))
    comet.answer_with("/experiment/metric", answer)
    experiment = make()
    experiment.log_metrics({"loss": 1, "bad": "text", "n" * 200: 2})
    experiment.log_parameter("long", "x" * 2000)
    copy = pickle.loads(pickle.dumps(experiment))
    copy.log_metric("from the copy", 1)
    reports = [one.end(timeout=0.5, error=ValueError("no good")) for one in (copy, experiment)]

    seen = [one for start in (experiment, copy) for one in reachable_from(start)]
    assert len(seen) > 10
    told = [caplog.text, *map(repr, seen), *map(repr, reports), *map(str, reports)]
    kept = [path.read_bytes().decode("latin-1") for path in journals.rglob("*") if path.is_file()]
    assert [text for text in (*told, *kept) if KEY in text] == []
    asked = [request.headers.get("authorization") for request in comet.requests("/experiment/metric")]
    assert KEY in asked
