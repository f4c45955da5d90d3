"""What a child process gets of an experiment by its environment."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.pretty import pretty_repr

from tests.comet.conftest import KEY
from tests.comet.scripted import Answer, ScriptedComet
from tests.comet.spoken import NO_CLIENTLIB, SERVER_KEY, offer_rest, refuse
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.inheritance import VARIABLE, untracked_environment
from zenml_comet_tracker.comet.journal.record import Header

Make = Callable[..., Experiment]


@pytest.fixture
def parent(local_server: LocalServer, journals: Path, tmp_path: Path) -> Iterator[Make]:
    """Makes experiments on the local server."""
    made: list[Experiment] = []

    def build(**more: Any) -> Experiment:
        arguments = {"workspace": "team", "project_name": tmp_path.name, "journal_folder": journals, **more}
        made.append(Experiment(local_server.api_key, url=local_server.url, **arguments))
        return made[-1]

    yield build
    for experiment in made:
        experiment._live.end(None, 2.0)


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[[Experiment], None]:
    """Makes this process one that was started with the environment of an experiment."""

    def become(experiment: Experiment) -> None:
        for name, value in experiment.env().items():
            monkeypatch.setenv(name, value)

    return become


def child(experiment: Experiment, program: str) -> subprocess.CompletedProcess[str]:
    """A program as a user would start it from where the experiment is."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, **experiment.env()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def points(server: LocalServer, key: str, name: str) -> list[float]:
    answer = server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)
    return [float(point["metricValue"]) for point in answer["metrics"]]


def state(server: LocalServer, key: str) -> str:
    about = server.get("experiment/metadata", experimentKey=key)
    return "running" if about["running"] else "crashed" if about["hasCrashed"] else "finished"


ENDS = {"well": "experiment.end()", "by an exception": "raise ValueError('child')", "at once": "os._exit(3)"}


def test_children_write_to_the_experiment_and_however_they_end_it_goes_on(
    parent: Make, local_server: LocalServer, journals: Path
) -> None:
    before = dict(os.environ)
    experiment = parent(experiment_name="run_train")
    assert experiment.flush(30)
    for number, (how, end) in enumerate(ENDS.items()):
        program = f"""
            import os
            from zenml_comet_tracker import Experiment

            experiment = Experiment()
            assert (experiment.id, experiment.name) == ({experiment.id!r}, "run_train")
            experiment.log_metric("child", {number}, step={number})
            experiment.log_parameter("how", {how!r})
            {end}
        """
        done = child(experiment, program)
        assert (done.returncode == 0) == (how == "well"), done.stderr
        assert state(local_server, experiment.id) == "running"
    assert experiment.end(timeout=30).delivered
    assert points(local_server, experiment.id, "child") == [0, 1, 2]
    assert state(local_server, experiment.id) == "finished"
    assert list(journals.glob("*.*")) == []
    assert dict(os.environ) == before


@pytest.mark.long
def test_comets_own_client_joins_by_the_same_variables(
    parent: Make, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMET_START_MODE", "create")
    monkeypatch.setenv("HOME", str(tmp_path))
    experiment = parent()
    experiment.log_metric("ours", 1)
    program = """
        import comet_ml

        experiment = comet_ml.start()
        experiment.log_metric("theirs", 2, step=1)
        print("key", experiment.get_key())
        experiment.end()
    """
    done = child(experiment, program)
    assert f"key {experiment.id}" in done.stdout, done.stderr
    assert experiment.end(timeout=30, error="ours to say").delivered
    assert (points(local_server, experiment.id, "ours"), points(local_server, experiment.id, "theirs")) == ([1], [2])
    assert state(local_server, experiment.id) == "crashed"
    listed = local_server.get("experiments", workspaceName="team", projectName=tmp_path.name)["experiments"]
    assert [found["experimentKey"] for found in listed] == [experiment.id]


def test_the_api_key_shows_in_no_repr(make: Make) -> None:
    environment = make().env()
    assert environment["COMET_API_KEY"] == KEY
    assert KEY not in repr(environment) + pretty_repr({"environment": environment}) + environment[VARIABLE]
    assert type({**environment}) is dict


def test_a_child_is_as_its_parent_and_of_lesser_rank(make: Make, enter: Any, journals: Path) -> None:
    """The journal's header says it, which all that deliver the journal go by."""
    first = make(url="offline", attempt=3, durability="sync", protocol="rest", strict=True, component_id="component")
    enter(first)
    second = Experiment()
    assert (second.id, second.name, list(journals.iterdir())) == (first.id, None, [_folder(journals, first)])
    enter(second)
    third = Experiment(strict=False)
    headers = {}
    for experiment in (first, second, third):
        experiment.log_metric("m", 1)
        headers[experiment] = Header.load(_folder(journals, experiment))
    assert [header.primary for header in headers.values()] == [True, False, False]
    assert headers[second].parent_writer == headers[first].writer
    assert headers[third].parent_writer == headers[second].writer
    assert headers[third].descends_from(headers[first].writer)
    for kept in ("attempt", "protocol", "component_id", "offline", "root", "key_fingerprint", "experiment_key"):
        assert getattr(headers[third], kept) == getattr(headers[first], kept), kept
    assert (third._live.handle().durability, third._strict) == ("sync", True)
    for experiment in (third, second):
        experiment._live.end(None, 0)


def _folder(journals: Path, experiment: Experiment) -> Path:
    (folder,) = journals.glob(f"*.{experiment._live.header.writer}")
    return folder


def test_another_experiment_or_another_server_is_not_joined(make: Make, enter: Any, comet: ScriptedComet) -> None:
    enter(make())
    others = [make(experiment_key="k" * 32), make(url=comet.root.replace("127.0.0.1", "localhost"))]
    for other in others:
        assert other._live.header.primary
        assert other._live.header.parent_writer is None


def test_a_variable_that_was_damaged_is_named_and_ignored(
    make: Make, enter: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    experiment = make()
    enter(experiment)
    whole = os.environ[VARIABLE]
    told = json.loads(whole)
    wrong = [{"header": {}}, {"header": {**told["header"], "parent_writer": [1]}}, {"place": [5, True]}]
    spoilt = [json.dumps({**told, **part}) for part in wrong]
    for damaged in ("{", "[]", '"x"', whole[:-9], "{}", *spoilt):
        monkeypatch.setenv(VARIABLE, damaged)
        caplog.clear()
        assert make()._live.header.primary
        assert (VARIABLE in caplog.text) == (damaged != "{}"), damaged
    assert KEY not in caplog.text


def test_a_folder_of_its_own_and_a_longer_life_are_the_childs_to_say(
    make: Make, enter: Any, comet: ScriptedComet, tmp_path: Path
) -> None:
    experiment = make()
    enter(experiment)
    joined = Experiment(journal_folder=tmp_path / "own")
    joined.log_metric("m", 1)
    (folder,) = (tmp_path / "own").glob("*.*")
    assert folder.name.startswith(experiment.id)
    assert joined.end(timeout=20).delivered
    assert experiment.end(timeout=20).delivered
    late = Experiment()
    late.log_metric("m", 2)
    assert late.end(timeout=20).delivered
    assert [value["metricValue"] for value in comet.metric_values()] == [1, 2]
    ends = [asked.json["is_alive"] for asked in comet.requests("/status-report/update")]
    assert ends.count(False) == 1


def test_a_child_of_an_ended_experiment_is_told(make: Make, enter: Any) -> None:
    experiment = make()
    experiment.end()
    enter(experiment)
    joined = Experiment()
    joined.log_metric("m", 1)
    assert joined.stats().dropped == {"the experiment has ended": 1}


def test_the_key_that_a_server_made_is_the_one_that_others_get(make: Make, enter: Any, comet: ScriptedComet) -> None:
    """Comet's own client knows no other; ours writes to the same, by either."""
    refuse(comet, NO_CLIENTLIB, Answer(404))
    offer_rest(comet)
    experiment = make()
    assert experiment.wait_for_url(20)
    enter(experiment)
    assert os.environ["COMET_EXPERIMENT_KEY"] == SERVER_KEY
    joined = Experiment()
    joined.log_metric("m", 1)
    assert joined.end(timeout=20).delivered
    assert joined.id == experiment.id
    (asked,) = comet.requests("/write/experiment/metric")
    assert asked.json["experimentKey"] == SERVER_KEY


def test_where_the_parent_is_not_tracked_neither_is_the_child(
    monkeypatch: pytest.MonkeyPatch, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have no API key at all, and is not to fail of that."""
    for name, value in untracked_environment("k" * 32).items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.INFO):
        experiment = Experiment(journal_folder=journals, strict=True, ranks="zero")
        experiment.log_metric("m", 1)
        with pytest.raises(ConfigurationError):
            Experiment(ranks="some")
    assert experiment.stats().dropped == {"the process that started this one is not tracked": 1}
    assert (experiment.end().delivered, list(journals.glob("*"))) == (True, [])
    assert [record.levelno for record in caplog.records] == [logging.INFO]
    assert "not tracked" in caplog.text
