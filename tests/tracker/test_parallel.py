"""Steps that log from pools within pools, from processes, and from programs that they start."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from joblib.externals.loky import get_reusable_executor
from zenml.utils import source_utils

from tests import parallel
from tests.test_docs_examples import ROOT, files
from tests.tracker.conftest import Readback
from tests.tracker.test_concurrency import info_of
from zenml_comet_tracker import current_experiment, log_metrics, log_params
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.tracker import background, calls, capturing, forks, last_word
from zenml_comet_tracker.tracker.runs import InertExperiment, step_runs

Stack = Callable[..., str]
# Takes its time, and is tested elsewhere.
_CAPTURES = ("log_code", "log_environment", "log_git", "log_output", "log_system_metrics")
NOT_CAPTURED = dict.fromkeys(_CAPTURES, False)


def test_of_many_mapped_steps_with_pools_in_pools_each_has_its_own_values_and_its_own_end(
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    zenml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("ZENML_DYNAMIC_PIPELINE_WORKER_COUNT", str(parallel.WORKERS))
    # The whole form has all that a step has by itself.
    tracked_stack({**local_config, **({} if parallel.MAPPED > 10 else NOT_CAPTURED)})

    with pytest.raises(Exception, match="failed"):
        parallel.mapped()

    (run,) = zenml_client.list_pipeline_runs(sort_by="desc:created", size=1).items
    steps = [step for name, step in zenml_client.get_pipeline_run(run.id).steps.items() if "one_of_many" in name]
    assert {step.run_metadata["comet_experiment_key"] for step in steps} == readback.keys(
        "team", local_config["project_name"]
    )
    points = range(parallel.POOLS * parallel.POINTS)
    seen = set()
    for step in steps:
        key = step.run_metadata["comet_experiment_key"]
        number = int(readback.parameters(key)["number"])
        seen.add(number)
        expected = sorted((parallel.value_of(number, point), point, None) for point in points)
        for name in ("by_experiment", "by_context"):
            assert sorted(readback.points(key, name)) == expected
        assert readback.metrics(key) == {"by_experiment", "by_context"}
        assert readback.others(key)["zenml_step_run_id"] == str(step.id)
        about = readback.metadata(key)
        assert (about["running"], about["hasCrashed"]) == (False, parallel.fails(number)), number
        assert step.status.value == ("failed" if parallel.fails(number) else "completed")
    assert seen == set(range(parallel.MAPPED))
    assert "log_metrics was ignored" in caplog.text


def _live_as_rank(rank: int, tracker: Any, info: Any, monkeypatch: pytest.MonkeyPatch, *, failed: bool) -> Any:
    """What ZenML has the tracker do where the step runs as this rank; the metadata that it is told."""
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "3")
    tracker.prepare_step_run(info)
    tracker.log_metrics({"loss": float(rank)}, step=rank)
    told = tracker.get_step_run_metadata(info)
    try:
        if failed:
            raise ValueError(f"rank {rank} fails")
    except ValueError:
        tracker.cleanup_step_run(info, step_failed=True)
    else:
        tracker.cleanup_step_run(info, step_failed=False)
    return told


@pytest.mark.parametrize("rule", ["zero", "all"])
def test_of_the_ranks_of_one_step_only_zero_ends_its_experiment_and_tells_zenml(
    rule: str,
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    zenml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As where an operator starts the step in several pods: one step run, one key, a process for each rank."""
    tracked_stack({**local_config, **NOT_CAPTURED, "ranks": rule, "log_zenml_context": False, "log_artifacts": False})
    tracker, info = zenml_client.active_stack.experiment_tracker, info_of("train")

    told = [
        _live_as_rank(rank, tracker, info, monkeypatch, failed=failed)
        for rank, failed in ((1, True), (0, False), (2, True))
    ]

    (key,) = readback.keys("team", local_config["project_name"])
    about = readback.metadata(key)
    assert (about["running"], about["hasCrashed"]) == (False, False)
    further = {"rank_1_loss", "rank_2_loss"} if rule == "all" else set()
    assert readback.metrics(key) == {"loss"} | further
    assert readback.points(key, "loss") == [(0.0, 0, None)]
    assert [metadata.get("comet_experiment_key") for metadata in told] == [None, key, None]
    assert not any(name.startswith("rank_") for name in readback.others(key))
    assert ("Step train logs nothing here: rank 2 logs nothing" in caplog.text) == (rule == "zero")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the page's steps, in a folder with what they start, and with the tracker of whatever stack."""
    for name, text in files(ROOT / "docs" / "parallel.md").items():
        (tmp_path / name).write_text(text.replace('"comet_tracker"', "True"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(source_utils, "_CUSTOM_SOURCE_ROOT", str(tmp_path))
    for name in ("steps", "work"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("steps")


@pytest.mark.long
def test_the_examples_of_the_page_run(
    page: ModuleType,
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    steps_of: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Each way, with real threads, processes and programs; nothing fails in a child, and none ends the experiment."""
    tracked_stack({**local_config, **NOT_CAPTURED})
    page.training()
    # Its workers live on, and what they logged last is delivered by their end at the latest.
    get_reusable_executor().shutdown(wait=True)

    folds = range(3)
    expected = {
        "with_threads": {"by_the_experiment", "in_the_context"},
        "with_processes": {f"by_{method}_{fold}" for method in ("fork", "spawn", "forkserver") for fold in folds},
        "with_joblib": {f"by_{backend}_{fold}" for backend in ("loky", "threading") for fold in folds},
        "with_a_program": {"loss"},
        "with_ranks": {"loss", "rank_1_loss"},
    }
    keys = {name: step.run_metadata["comet_experiment_key"] for name, step in steps_of("training").items()}
    assert {name: readback.metrics(key) for name, key in keys.items()} == expected
    for name, key in keys.items():
        about = readback.metadata(key)
        assert (about["running"], about["hasCrashed"]) == (False, False), name
    losses = [1.0, 0.5, pytest.approx(1 / 3)]
    for key, metric in (("with_a_program", "loss"), ("with_ranks", "loss"), ("with_ranks", "rank_1_loss")):
        assert readback.points(keys[key], metric) == [(loss, step, None) for step, loss in enumerate(losses)]
    assert "Traceback" not in capfd.readouterr().err


def test_in_a_program_that_a_step_starts_the_functions_of_steps_log_to_its_experiment(
    local_config: dict[str, Any], readback: Readback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    experiment = Experiment(
        local_config["api_key"],
        tmp_path.name,
        "team",
        url=local_config["url"],
        journal_folder=local_config["journal_folder"],
    )
    for name, value in experiment.env().items():
        monkeypatch.setenv(name, value)
    log_metrics({"loss": 0.5}, step=1)
    log_params({"rate": 0.1})
    joined = current_experiment()
    assert joined is current_experiment()
    assert joined.id == experiment.id
    assert not joined.primary
    assert joined.end(timeout=20).delivered
    assert experiment.end(timeout=20).delivered
    assert readback.points(experiment.id, "loss") == [(0.5, 1, None)]
    assert readback.parameters(experiment.id) == {"rate": "0.1"}


def test_a_program_whose_environment_is_that_of_another_experiment_is_told(
    make_inherited: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is made up: no experiment of its own begins."""
    make_inherited(COMET_EXPERIMENT_KEY="k" * 32)
    log_metrics({"lost": 1.0})
    with pytest.raises(RuntimeError, match=r"experiment\.env\(\)"):
        current_experiment()
    assert "log_metrics was ignored" in caplog.text


def test_a_program_of_a_step_that_is_not_tracked_logs_nothing(
    make_inherited: Callable[..., None], journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_inherited(InertExperiment("k" * 32))
    with caplog.at_level(logging.INFO):
        log_metrics({"lost": 1.0})
    assert (list(journals.glob("*")), current_experiment().stats().accepted) == ([], 0)
    assert "is not tracked" in caplog.text


@pytest.fixture
def make_inherited(monkeypatch: pytest.MonkeyPatch, journals: Path) -> Callable[..., None]:
    """Gives this process the environment of an experiment, with changes."""
    monkeypatch.setattr(calls, "_joined", {})

    def inherit(experiment: Any = None, **changes: str) -> None:
        if experiment is None:
            experiment = Experiment("key", url="offline", journal_folder=journals)
            experiment._live.end(None, 0)
        for name, value in {**experiment.env(), **changes}.items():
            monkeypatch.setenv(name, value)

    return inherit


class _ZenMLs:
    """Handles signals as ZenML's handler does, and counts what it has to do."""

    __module__ = "zenml.orchestrators.signal_handler"

    def __init__(self) -> None:
        self.previous = {number: signal.signal(number, self.handle) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(self, *_: object) -> None:
        raise AssertionError

    def unregister(self) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)


def _older(*_: object) -> None:
    """A handler that is a function, as in versions of ZenML before 0.96."""


_older.__module__ = "zenml.orchestrators.step_launcher"


def test_a_forked_child_has_the_handlers_of_before_the_step() -> None:
    """And keeps those that are not ZenML's."""

    def mine(*_: object) -> None: ...

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        signal.signal(signal.SIGTERM, mine)
        handlers = _ZenMLs()
        forks.let_go()
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is handlers.previous[signal.SIGINT]
        forks.let_go()
        assert signal.getsignal(signal.SIGTERM) is mine
        signal.signal(signal.SIGTERM, _older)
        forks.let_go()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_before_a_child_runs_never_meets_zenmls_handlers(number: signal.Signals) -> None:
    """They would swallow it, as would Python itself, and a pool would wait for its worker for ever."""
    handlers = _ZenMLs()
    before = dict(handlers.previous)
    handlers.previous = dict.fromkeys(before, signal.SIG_DFL)
    try:
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            signal.pause()
            os._exit(1)
        os.kill(child, number)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -number
    finally:
        handlers.previous = before
        handlers.unregister()


def test_no_lock_that_is_held_in_the_moment_of_a_fork_holds_up_what_a_child_does_with_steps() -> None:
    locks = {
        "steps": step_runs._lock._lock,
        "notices": calls._notices.memory._lock._lock,
        "repositories": capturing._looking._lock,
        "last words": last_word._lock,
        "background": background.background._changed,
    }
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.ExitStack() as stack:
            for lock in locks.values():
                stack.enter_context(lock)
            held.set()
            over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        with contextlib.suppress(BaseException):
            log_metrics({"lost": 1.0})
            step_runs.pop_all()
            capturing._repository(None, uuid4(), None, patch=False)
            done = threading.Event()
            background.background.submit(done.set)
            os._exit(0 if done.wait(30) and last_word._lock.acquire(timeout=1) else 1)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    over.set()
    thread.join()
    assert code == 0
