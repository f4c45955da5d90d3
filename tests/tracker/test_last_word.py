"""What ZenML says of a step when the tracker hears nothing of it any more, and what its experiment then says."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from zenml.enums import ExecutionStatus

from tests import life_pipelines, pipelines
from tests.tracker.conftest import Readback
from tests.tracker.test_life import ALONE
from zenml_comet_tracker.tracker import asking, experiment_key, last_word, outcomes, watching
from zenml_comet_tracker.tracker.background import background
from zenml_comet_tracker.tracker.outcomes import Outcome
from zenml_comet_tracker.tracker.runs import StepRun
from zenml_comet_tracker.tracker.telling import Telling

Stack = Callable[..., str]
Config = dict[str, Any]
Steps = Callable[[str], dict[str, Any]]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """ZenML is asked as soon as anybody may."""
    monkeypatch.setattr(watching, "SECONDS", 0.05)
    monkeypatch.setattr(last_word, "SECONDS", 0.05)


@pytest.fixture
def stands(readback: Readback, zenml_client: Any, steps_of: Steps) -> Callable[..., None]:
    """Waits until the experiment of a step stands so, and ZenML's step too."""

    def stands_so(pipeline: str, name: str, status: str, step_status: str) -> str:
        step = steps_of(pipeline)[name]
        key = experiment_key(zenml_client.active_stack.experiment_tracker.id, step.pipeline_run_id, name)
        deadline = time.monotonic() + 60
        while (found := readback.metadata(key)["status"]) != status:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        assert step.status == step_status
        return key

    return stands_so


def test_a_step_that_was_told_to_stop_and_ended_by_itself_is_stopped_soon(
    tracked_stack: Stack, local_config: Config, soon: None, stands: Any
) -> None:
    tracked_stack({**local_config, **ALONE})
    with pytest.raises(RuntimeError, match="ends_by_itself"):
        life_pipelines.stopped_unheard()
    stands("stopped_unheard", "ends_by_itself", "stopped", "stopped")


def test_at_the_end_of_the_process_a_step_that_was_told_to_stop_is_stopped_and_zenml_asked_of_no_other(
    tracked_stack: Stack, local_config: Config, readback: Readback, stands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked_stack({**local_config, **ALONE})
    with monkeypatch.context() as patched:
        patched.setattr(asking, "step", _nobody_asks)
        # ZenML says in the process itself that a step is completed.
        pipelines.fitting([1.0])
        watching.at_exit()

    with pytest.raises(RuntimeError, match="ends_by_itself"):
        life_pipelines.stopped_unheard()
    over = time.time() * 1000
    watching.at_exit()

    key = stands("stopped_unheard", "ends_by_itself", "stopped", "stopped")

    assert readback.others(key)["zenml_status"] == "stopped"
    # Not when ZenML was asked.
    assert readback.metadata(key)["endTimeMillis"] <= over


def _nobody_asks(*_: Any) -> None:
    raise AssertionError("ZenML is asked of a step that is known to be completed")


def test_an_input_that_cannot_be_loaded_fails_the_experiment_of_a_process_that_stays(
    tracked_stack: Stack, local_config: Config, readback: Readback, soon: None, stands: Any
) -> None:
    tracked_stack({**local_config, **ALONE})
    # Who holds the exception holds all that the step held, as a notebook does.
    with pytest.raises(RuntimeError, match="needs_it"):
        pipelines.unreadable_input()

    key = stands("unreadable_input", "needs_it", "failed", "failed")

    assert "an input could not be loaded" in readback.metadata(key)["error"]


def test_an_attempt_that_nothing_follows_fails_when_its_thread_begins_another_step(
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    stands: Any,
    steps_of: Steps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracked_stack({**local_config, **ALONE})
    let_go: list[bool] = []

    def interrupt(_: float) -> None:
        let_go.extend(awaited.run.let_go for awaited in last_word._awaited)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("zenml.execution.step.utils.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            life_pipelines.never_repeated()
    # However long ZenML waits between two attempts, it is still at the step.
    assert let_go == [False]
    stands("never_repeated", "to_be_repeated", "retrying", "retrying")

    life_pipelines.retried()

    key = stands("never_repeated", "to_be_repeated", "failed", "retrying")
    assert "ConnectionError: not yet" in readback.metadata(key)["error"]
    assert readback.others(key)["zenml_status"] == "failed"


def test_nobody_ends_what_zenml_is_still_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """ZenML calls a step failed before it tells the tracker so, and others may call it failed that runs."""
    monkeypatch.setattr(watching, "SECONDS", 0.0)
    experiment: Any = _Amended()
    info = Telling(uuid.uuid4(), "step")
    run = StepRun(uuid.uuid4(), uuid.uuid4(), "run_step", "k" * 40, experiment, 1.0, owner=weakref.ref(info))
    said = SimpleNamespace(status=ExecutionStatus.FAILED, exception_info="that of the function")
    monkeypatch.setattr(asking, "step", lambda *_: said)
    assert not watching._is_over(run)
    said.exception_info = None
    runner: dict[str, Any] = {"__name__": "zenml.orchestrators.step_runner"}
    exec("def run(step_run_info, look):\n    return look()", runner)
    assert not runner["run"](info, lambda: watching._is_over(run))
    assert watching._is_over(run)
    del info
    said.status = ExecutionStatus.RUNNING
    assert watching._is_over(run)


INTERRUPTED = """
import sys, time
from zenml.execution.step import utils
from zenml.utils import source_utils
source_utils.set_custom_source_root(sys.argv[1])
from tests import life_pipelines

def interrupt(_):
    raise KeyboardInterrupt

utils.time.sleep = interrupt
life_pipelines.never_repeated()
"""


@pytest.mark.long
def test_an_attempt_that_nothing_follows_fails_when_its_process_ends(
    tracked_stack: Stack, local_config: Config, stands: Any, source_root: Path
) -> None:
    tracked_stack({**local_config, **ALONE})
    arguments = [sys.executable, "-c", INTERRUPTED, str(source_root)]
    child = subprocess.run(arguments, cwd=source_root, timeout=120, check=False, capture_output=True)
    assert child.returncode == -signal.SIGINT, child.stderr.decode()
    stands("never_repeated", "to_be_repeated", "failed", "retrying")


class _Amended:
    """An experiment that has ended well."""

    primary = True

    def __init__(self) -> None:
        self.said: list[Any] = []

    def amend_end(self, error: str | None, *, ended_as: str | None, others: Any) -> None:
        self.said.append((error, ended_as, others))

    def end(self, timeout: float) -> None: ...


@pytest.mark.parametrize("failing", [False, True])
def test_a_process_for_one_step_asks_zenml_at_its_end_only_when_that_is_an_exception(
    failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "of_completed", lambda *_: Outcome("stopped"))
    experiment: Any = _Amended()
    run = StepRun(uuid.uuid4(), uuid.uuid4(), "run_step", "k" * 40, experiment, 1.0)
    run.telling = Telling(uuid.uuid4(), "step")
    last_word.await_word(run, Outcome("completed"))
    last_word.at_exit(5.0, failing=lambda: failing)
    assert experiment.said == ([(None, "stopped", {"zenml_status": "stopped"})] if failing else [])
    last_word._awaited.clear()


@pytest.fixture
def repeatable() -> Iterator[StepRun]:
    """A step whose experiment waits for another attempt, in the process that would make it."""
    experiment: Any = _Amended()
    run = StepRun(uuid.uuid4(), uuid.uuid4(), "run_step", "k" * 40, experiment, 1.0)
    run.telling = Telling(uuid.uuid4(), "step")
    last_word._origins[run] = (SimpleNamespace(step_runs={}), 1)
    last_word.await_word(run, Outcome("retrying", "not yet"))
    yield run
    last_word._awaited.clear()


@pytest.mark.parametrize("attempts", [(1, ExecutionStatus.RETRIED), (2, ExecutionStatus.COMPLETED)], ids=str)
def test_an_experiment_of_attempts_that_failed_never_says_that_zenml_calls_a_completed_step_failed(
    attempts: tuple[int, ExecutionStatus], repeatable: StepRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, status = attempts
    monkeypatch.setattr(asking, "attempts", lambda *_: [SimpleNamespace(version=version, status=status)])
    last_word.at_exit(5.0, failing=lambda: False)
    said: Any = repeatable.experiment
    assert said.said == [("not yet", None, {"zenml_status": "failed" if version == 1 else "completed"})]


def test_zenml_is_not_asked_of_an_attempt_while_anybody_may_repeat_it(repeatable: StepRun) -> None:
    info, now = Telling(uuid.uuid4(), "step"), time.monotonic()
    repeatable.owner = weakref.ref(info)
    (awaited,) = last_word._awaited
    assert not awaited.is_due(now + 3_600)
    del info
    due = [awaited.is_due(now + 3_600 + later) for later in (0, last_word.SECONDS - 1, last_word.SECONDS)]
    assert due == [False, False, True]


def test_a_step_of_another_thread_says_nothing_of_an_attempt_that_may_be_repeated(
    repeatable: StepRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "without_another", lambda *_: Outcome("failed"))
    experiment: Any = repeatable.experiment

    def said_when_another_begins() -> list[Any]:
        last_word.begun(StepRun(uuid.uuid4(), uuid.uuid4(), "other_step", "o" * 40, experiment, 1.0))
        assert background.settle(30)
        return [others for _, _, others in experiment.said]

    assert said_when_another_begins() == []
    last_word._awaited[0].thread = threading.get_ident()
    assert said_when_another_begins() == [{"zenml_status": "failed"}]


def test_a_forked_child_says_nothing_of_its_parents_attempts(repeatable: StepRun) -> None:
    last_word._in_child()
    last_word.at_exit(5.0, failing=lambda: True)
    experiment: Any = repeatable.experiment
    assert experiment.said == []


def test_of_an_experiment_that_another_step_goes_on_with_nothing_is_said_for_an_earlier_one(
    repeatable: StepRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "attempts", _nobody_asks)
    again = StepRun(uuid.uuid4(), uuid.uuid4(), "again_step", repeatable.key, repeatable.experiment, 1.0)
    last_word.begun(again)
    assert last_word._awaited == []
