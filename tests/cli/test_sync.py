"""`zenml-comet sync`: what a dead process left is delivered by whoever may, and kept and explained otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.comet.scripted import Answer, ScriptedComet
from tests.comet.test_leftovers import die
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.experiment import Experiment

VALUES = 301


def sync(journals: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["sync", str(journals), *options])


@pytest.fixture
def own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment has the key that the journals of `die` were written with."""
    monkeypatch.setenv("COMET_API_KEY", "k")


@pytest.mark.usefixtures("own_key")
def test_what_a_dead_process_left_is_delivered_and_deleted(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)

    delivered, nothing = sync(journals), sync(journals)

    assert (delivered.exit_code, nothing.exit_code) == (0, 0), delivered.output
    assert f"done: {VALUES} values sent" in delivered.stdout
    assert "Nothing waits" in nothing.stdout
    assert [value["step"] for value in comet.metric_values()] == list(range(300))
    assert list(journals.iterdir()) == []


@pytest.mark.usefixtures("own_key")
def test_what_cannot_be_delivered_stays_and_is_told(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("logger/add/run", Answer(503))

    result = sync(journals)

    assert result.exit_code == 1
    assert "left: 0 values sent" in result.stdout
    assert "503" in result.stdout
    assert len(list(journals.iterdir())) == 1


def test_another_key_than_the_journals_is_not_used_unless_it_is_given(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(comet, journals)
    monkeypatch.setenv("COMET_API_KEY", "another")

    found = sync(journals)
    asked = list(comet.asked)
    given = sync(journals, "--api-key", "another")

    assert found.exit_code == 1
    assert "--api-key" in found.stdout
    assert asked == []
    assert given.exit_code == 0, given.output
    assert {request.headers["authorization"] for request in comet.requests("/experiment/metric")} == {"another"}
    assert list(journals.iterdir()) == []


@pytest.mark.usefixtures("own_key")
def test_a_journal_whose_process_lives_is_left_to_it(comet: ScriptedComet, journals: Path) -> None:
    experiment = Experiment("k", url=comet.root, journal_folder=journals)
    experiment.log_metric("m", 1)

    result = sync(journals)

    assert experiment.end().delivered
    assert result.exit_code == 0
    assert "its process is running" in result.stdout


@pytest.mark.usefixtures("own_key")
def test_the_json_says_all_of_it_also_what_cannot_be_read(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    (left,) = journals.iterdir()
    broken = journals / "x.y"
    broken.mkdir()
    (broken / "header.json").write_text("{")

    result = sync(journals, "--json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["journals"] == [
        {
            "experiment": left.name.partition(".")[0],
            "server": comet.root,
            "journal": str(left),
            "sent": VALUES,
            "set_aside": 0,
            "left": False,
            "reason": None,
        }
    ]
    (problem,) = told["unreadable"]
    assert str(broken) in problem
    assert str(broken) in sync(journals).stderr
