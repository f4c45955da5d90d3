"""What a dead process left behind is found and delivered once, and its experiment is closed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.delivery.leftovers import DIED, Delivery, deliver_leftover, find_leftovers
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.transport import Transport

SCRIPT = """
import os, sys
from zenml_comet_tracker import Experiment
experiment = Experiment(api_key="k", url=sys.argv[1], journal_folder=sys.argv[2])
for i in range(300):
    experiment.log_metric("m", i, step=i)
experiment.log_text("the text")
{ending}
"""


def die(comet: ScriptedComet, journals: Path, ending: str = "os.kill(os.getpid(), 9)") -> None:
    """Runs a process that logs 300 values to a server that is away, and dies."""
    comet.answer_with("logger/add/run", Answer(503))
    code = SCRIPT.format(ending=ending)
    subprocess.run([sys.executable, "-c", code, comet.root, str(journals)], check=False, timeout=60)
    comet.rules.clear()
    comet.asked.clear()


def deliver(comet: ScriptedComet, journals: Path) -> list[Delivery]:
    leftovers, problems = find_leftovers(journals)
    assert problems == []
    return [deliver_leftover(found, "k", lambda: Transport(comet.root, "k")) for found in leftovers]


def test_everything_a_killed_process_logged_arrives_and_the_experiment_is_closed_as_failed(
    comet: ScriptedComet, journals: Path
) -> None:
    die(comet, journals)
    (delivery,) = deliver(comet, journals)
    assert (delivery.sent, delivery.set_aside, delivery.waiting) == (301, 0, False)
    assert [value["step"] for value in comet.metric_values()] == list(range(300))
    assert b"the text" in comet.requests("/asset/upload")[0].body
    (failure,) = comet.requests("/update-status")
    assert failure.json["error"] == DIED
    assert [asked.json["is_alive"] for asked in comet.requests("/status-report/update")] == [False]
    assert list(journals.iterdir()) == []


def test_an_experiment_that_the_dead_process_had_opened_is_joined(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    (journal,) = journals.iterdir()
    comet.answer_with("logger/add/run", Answer(400, body={"msg": "exists", "sdk_error_code": 90999}))
    (journal / "opened").unlink(missing_ok=True)
    (foreign,) = deliver(comet, journals)
    assert (foreign.sent, foreign.waiting) == (0, True)
    assert comet.requests("logger/get/run") == []
    (journal / "opened").touch()
    (own,) = deliver(comet, journals)
    assert own.waiting is False
    assert len(comet.requests("logger/get/run")) == 1


def test_an_end_that_was_written_is_the_end_that_is_told(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals, "experiment.end(timeout=0.1)")
    deliver(comet, journals)
    assert comet.requests("/update-status") == []
    assert len(comet.requests("/status-report/update")) == 1


def test_a_server_that_is_still_away_changes_nothing(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("logger/add/run", Answer(503))
    (first,) = deliver(comet, journals)
    assert (first.sent, first.waiting) == (0, True)
    assert "503" in (first.reason or "")
    comet.rules.clear()
    (second,) = deliver(comet, journals)
    assert (second.sent, second.waiting) == (301, False)


def test_a_living_writer_is_seen_and_its_journal_is_not_touched(
    make: Callable[..., Experiment], comet: ScriptedComet, journals: Path
) -> None:
    experiment = make()
    experiment.log_metric("m", 1)
    (found,) = find_leftovers(journals)[0]
    assert found.alive is True
    with pytest.raises(JournalError, match="another process"):
        deliver_leftover(found, "k", lambda: Transport(comet.root, "k"))
    assert experiment.end().delivered


def test_what_the_server_refused_is_kept_and_the_end_is_told_once(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("asset/upload", Answer(413))
    (first,) = deliver(comet, journals)
    (again,) = deliver(comet, journals)
    assert (first.sent, first.set_aside, first.waiting) == (300, 1, False)
    assert (again.sent, again.set_aside, again.waiting) == (0, 1, False)
    assert len(comet.requests("/update-status")) == 1
    (journal,) = journals.iterdir()
    assert (journal / "files.refused.jsonl").exists()
    assert [path.read_bytes() for path in (journal / "files").iterdir()] == [b"the text"]


@pytest.mark.parametrize("header", ["{", '{"format_version": 1}', '{"format_version": null}'])
def test_a_header_that_cannot_be_read_is_named(journals: Path, header: str) -> None:
    broken = journals / "x.y"
    broken.mkdir(parents=True)
    (broken / "header.json").write_text(header)
    found, problems = find_leftovers(journals)
    assert found == []
    assert str(broken) in problems[0]
