"""Handles: one experiment, many writers, one of which ends it."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet import programs
from tests.comet.conftest import KEY
from tests.comet.scripted import Answer, Asked, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.experiment import Experiment

Make = Callable[..., Experiment]


@pytest.fixture
def arrive(make: Make) -> Any:
    """What another process gets: the experiment, pickled and unpickled."""
    made: list[Experiment] = []

    def arrived(experiment: Experiment) -> Experiment:
        made.append(pickle.loads(pickle.dumps(experiment)))
        return made[-1]

    yield arrived
    for experiment in made:
        experiment._live.end(None, 2.0)


def _ends(comet: ScriptedComet) -> list[Asked]:
    return [asked for asked in comet.requests("/status-report/update") if not asked.json["is_alive"]]


def _state(server: LocalServer, key: str) -> str:
    metadata = server.get("experiment/metadata", experimentKey=key)
    return "running" if metadata["running"] else "crashed" if metadata["hasCrashed"] else "finished"


def test_an_unpickled_handle_writes_to_the_same_experiment_and_ends_nothing(
    make: Make, arrive: Make, comet: ScriptedComet, journals: Path
) -> None:
    experiment = make(workspace="ws", project_name="proj", experiment_name="run_train")
    other = arrive(experiment)
    assert (other.id, other.name, other.url) == (experiment.id, "run_train", experiment.url)
    assert len(list(journals.iterdir())) == 1, "nothing begins before the first call"

    other.log_metric("m", 1)
    assert other.end().delivered
    assert _ends(comet) == []
    experiment.log_metric("m", 2)
    assert experiment.end(error="broken").delivered
    assert [value["metricValue"] for value in comet.metric_values()] == [1, 2]
    assert {asked.json["experimentKey"] for asked in comet.requests("/experiment/metric")} == {experiment.id}
    assert len(_ends(comet)) == 1
    assert list(journals.iterdir()) == []


def test_a_handle_names_its_parent_and_may_open_the_experiment_first(
    make: Make, arrive: Make, comet: ScriptedComet
) -> None:
    """The parent, whose request to create it is under way, then finds that it exists, and knows why."""
    made: list[Experiment] = []
    handles: list[Experiment] = []
    ready = threading.Event()

    def exists(asked: Asked) -> Answer | None:
        if not asked.path.endswith("logger/add/run"):
            return None
        assert ready.wait(20)
        handles.append(arrive(made[0]))
        return Answer(400, body={"msg": "exists", "sdk_error_code": 90999})

    comet.rules.append(exists)
    made.append(make())
    ready.set()
    made[0].log_metric("m", 1)
    assert made[0].end().delivered
    header, parent = handles[0]._live.header, made[0]._live.header
    assert (header.parent_writer, header.primary, parent.primary) == (parent.writer, False, True)


def test_a_handle_keeps_how_it_was_made(make: Make, arrive: Make, tmp_path: Path) -> None:
    experiment = make(strict=True, durability="sync", journal_max_bytes=1 << 20, attempt=3)
    ours, others = experiment._live.handle(), arrive(experiment)._live.handle()
    for kept in ("settings", "place", "durability", "max_bytes", "strict"):
        assert getattr(others, kept) == getattr(ours, kept)
    assert others.header.attempt == 3
    with pytest.raises(InvalidValueError, match="expects a number"):
        arrive(experiment).log_metric("m", "no number")


def test_a_handle_shows_the_key_nowhere(make: Make, arrive: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        other = arrive(make())
        other.log_metric("m", 1)
        other.end()
    assert KEY not in repr(other) + repr(other._live.handle()) + caplog.text


def test_a_copy_is_the_same_experiment(make: Make) -> None:
    experiment = make()
    assert copy.copy(experiment) is experiment
    assert copy.deepcopy({"tracker": [experiment]})["tracker"][0] is experiment


def test_a_handle_of_an_ended_experiment_counts_and_says_what_it_drops(
    make: Make, arrive: Make, caplog: pytest.LogCaptureFixture, journals: Path
) -> None:
    experiment = make()
    experiment.end()
    other = arrive(experiment)
    for _ in range(3):
        experiment.log_metric("m", 1)
        other.log_metric("m", 1)
    other.log_text("x")
    assert sum(experiment.stats().dropped.values()) == 3
    assert other.stats().dropped == {"the experiment has ended": 4}
    assert len([r for r in caplog.records if "dropped" in r.message]) == 2, "one line for each of the two"
    assert (other.flush(1), other.end(timeout=1).delivered, list(journals.iterdir())) == (True, True, [])


def test_a_handle_whose_folder_is_gone_makes_it_again(make: Make, arrive: Make, journals: Path) -> None:
    experiment = make()
    experiment.end()
    other = arrive(make())
    for folder in journals.iterdir():
        other_folder = folder
    moved = other_folder.parent.rename(journals.with_name("moved"))
    other.log_metric("m", 1)
    assert len(list(journals.iterdir())) == 1
    assert other.end().delivered
    moved.rename(journals) if not any(journals.iterdir()) and not journals.rmdir() else None


def test_an_ended_experiment_can_be_gone_on_with(local_server: LocalServer, journals: Path) -> None:
    """Its primary writer makes it run again and ends it again; another writer only adds to it."""
    arguments: dict[str, Any] = {"api_key": local_server.api_key, "url": local_server.url, "journal_folder": journals}
    first = Experiment(**arguments)
    first.log_metric("m", 1)
    assert first.end(error="it broke").delivered

    assert _state(local_server, first.id) == "crashed"
    added = Experiment(**arguments, experiment_key=first.id, mode="get_or_create", primary=False)
    added.log_metric("m", 2)
    assert added.end().delivered
    assert _state(local_server, first.id) == "crashed"

    again = Experiment(**arguments, experiment_key=first.id, mode="get_or_create")
    again.log_metric("m", 3)
    assert again.flush(20)
    deadline = time.monotonic() + 20
    while _state(local_server, first.id) != "running":
        assert time.monotonic() < deadline
    assert again.end().delivered
    assert _state(local_server, first.id) == "finished"
    points = local_server.get("experiment/metrics/get-metric", experimentKey=first.id, metricName="m")["metrics"]
    assert [float(point["metricValue"]) for point in points] == [1, 2, 3]


def test_eight_processes_write_to_one_experiment(local_server: LocalServer, journals: Path, tmp_path: Path) -> None:
    """Half are forked and half spawned; all totals are exact, each writer's order is kept, and one of nine ends it."""
    script = """
        POINTS = 10_000

        def write(e, name):
            for i in range(POINTS):
                e.log_metric(name, i, step=i)
            assert e.end(40).delivered

        if __name__ == "__main__":
            e = experiment(api_key=None)
            children = [
                multiprocessing.get_context(method).Process(target=write, args=(e, f"{method}{i}"))
                for method in ("spawn", "fork")
                for i in range(4)
            ]
            for child in children:
                child.start()
            for child in children:
                child.join()
            assert [child.exitcode for child in children] == [0] * 8
            e.log_metric("parent", 1)
            print(e.id)
            assert e.end(40).delivered
    """
    done = programs.run(tmp_path, local_server.url, journals, script, COMET_API_KEY=local_server.api_key)
    assert (done.returncode, done.stderr) == (0, "")
    key = done.stdout.strip()
    names = [f"{method}{i}" for method in ("fork", "spawn") for i in range(4)]
    for name in names:
        points = local_server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)["metrics"]
        assert [float(point["metricValue"]) for point in points] == list(range(10_000)), name
    assert _state(local_server, key) == "finished"
    assert list(journals.iterdir()) == []


def test_threads_do_not_grow_with_the_experiments_and_none_is_left(make: Make, arrive: Make) -> None:
    def ours() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("zenml-comet")} - earlier

    earlier: set[threading.Thread] = set()
    earlier = ours()
    first = make()
    first.log_metric("m", 1)
    assert first.flush(10)
    before = ours()
    others = [make() for _ in range(10)]
    for other in (*others, arrive(first)):
        other.log_metric("m", 1)
        assert other.flush(10)
        others.append(other)
    assert ours() == before
    for experiment in (first, *others):
        experiment.end()
    deadline = time.monotonic() + 5
    while ours():
        assert time.monotonic() < deadline, ours()
        time.sleep(0.01)


@pytest.mark.parametrize("callers", [4])
def test_several_threads_may_end_it_at_once(make: Make, comet: ScriptedComet, callers: int) -> None:
    experiment = make()
    experiment.log_metric("m", 1)
    reports: list[bool] = []
    threads = [threading.Thread(target=lambda: reports.append(experiment.end(20).delivered)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert reports == [True] * callers
    assert len(_ends(comet)) == 1


def test_a_childs_child_knows_all_the_writers_before_it(make: Make) -> None:
    first = make()._live.handle()
    child = first.for_child(first.header.writer)
    grandchild = child.for_child(child.header.writer)
    of_a_silent_child = child.for_child(child.header.parent_writer)
    arrived = pickle.loads(pickle.dumps(grandchild)).arrived()
    for handle in (child, grandchild, of_a_silent_child, arrived):
        assert handle.header.descends_from(first.header.writer)
    assert grandchild.header.descends_from(child.header.writer)
    assert arrived.header.descends_from(child.header.writer)
    assert not first.header.descends_from(child.header.writer)
    assert not child.header.descends_from(child.header.writer)
