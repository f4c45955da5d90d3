"""Every way in which a step ends, and what its experiment then says: that, and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from zenml.config.compiler import Compiler
from zenml.exceptions import RunInterruptedException, RunStoppedException
from zenml.execution.step.utils import launch_step
from zenml.orchestrators.publish_utils import publish_failed_step_run
from zenml.steps.heartbeat import StepHeartbeatWorker

from tests import life_pipelines
from tests.fixtures.local_server import begin
from tests.tracker.conftest import Readback
from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.comet.exits import error_text
from zenml_comet_tracker.flavor import CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import ending, experiment_key, metadata, opening, outcomes
from zenml_comet_tracker.tracker.component import CometExperimentTracker
from zenml_comet_tracker.tracker.outcomes import Outcome
from zenml_comet_tracker.tracker.runs import StepRun, step_runs

Stack = Callable[..., str]
Config = dict[str, Any]
Steps = Callable[[str], dict[str, Any]]


# What is taken along of machine and program is shown elsewhere, and each step would take its time for it.
ALONE = dict.fromkeys(("log_code", "log_git", "log_environment", "log_system_metrics", "log_output"), False)


class Experiments:
    """The experiments of a run's steps, found by the keys that any process can compute."""

    def __init__(self, readback: Readback, component: Any, steps: dict[str, Any]) -> None:
        self.readback = readback
        self.steps = steps
        run = next(iter(steps.values())).pipeline_run_id
        self.keys = {name: experiment_key(component, run, name) for name in steps}

    def about(self, name: str) -> dict[str, Any]:
        return self.readback.metadata(self.keys[name])

    def status(self, name: str) -> str:
        return str(self.about(name)["status"])

    def others(self, name: str) -> dict[str, str]:
        return self.readback.others(self.keys[name])


def test_an_experiment_says_how_its_step_ended(
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    steps_of: Steps,
    zenml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracked_stack({**local_config, **ALONE})
    monkeypatch.setattr(Compiler, "_get_heartbeat_flag", staticmethod(_of_the_one_that_is_stopped))
    monkeypatch.setattr(StepHeartbeatWorker, "interval", property(_until_the_stop))
    life_pipelines.told_to_stop.clear()

    with pytest.raises(RuntimeError, match="failed due to failure in step"):
        life_pipelines.ways_to_end(local_config["url"])

    steps = steps_of("ways_to_end")
    found = Experiments(readback, zenml_client.active_stack.experiment_tracker.id, steps)
    assert {name: (str(steps[name].status.value), found.status(name)) for name in steps if name != "second"} == {
        "succeeds": ("completed", "finished"),
        "raises": ("failed", "failed"),
        "saves_nothing": ("failed", "failed"),
        "returns_text": ("failed", "failed"),
        "needs_it": ("failed", "failed"),
        "first": ("completed", "finished"),
        "later": ("completed", "finished"),
        "terminated": ("failed", "failed"),
        "stopped": ("stopped", "stopped"),
        "stopped_on_the_page": ("completed", "finished"),
    }
    assert found.others("succeeds")["zenml_status"] == "completed"
    assert found.others("stopped")["zenml_status"] == "stopped"
    assert found.others("raises")["zenml_status"] == "failed"
    assert "ValueError: no good" in found.about("raises")["error"]
    assert "in line 4 of the step: ValueError: no good" in found.others("raises")["zenml_attempt_1"]
    assert "this artifact cannot be stored" in found.about("saves_nothing")["error"]
    assert found.others("saves_nothing")["zenml_status"] == "failed"
    assert "Wrong type for output" in found.about("returns_text")["error"]
    # The step ended it before, and logged nothing more: what the tracker has to say then is no loss of the step's.
    assert "comet_dropped" not in steps["returns_text"].run_metadata
    assert "an input could not be loaded" in found.about("needs_it")["error"]
    assert "RunInterruptedException" in found.about("terminated")["error"]
    assert (found.about("stopped")["hasCrashed"], found.about("stopped")["error"]) == (False, None)
    assert readback.metrics(found.keys["stopped"]) == {"reached"}
    # The hook runs when ZenML has called the tracker's clean-up.
    assert readback.metrics(found.keys["succeeds"]) >= {"reached", "from_the_hook"}
    assert steps["succeeds"].run_metadata["comet_metric_from_the_hook"] == 1.0
    assert readback.metrics(found.keys["stopped_on_the_page"]) >= {"before", "after"}
    assert (str(steps["second"].status.value), steps["second"].run_metadata) == ("cached", {})
    # Nothing was made besides: a step from the cache has the experiment of the step that it is from.
    expected = {found.keys[name] for name in steps if name != "second"}
    assert readback.keys("team", local_config["project_name"]) == expected


def _until_the_stop(worker: Any) -> float:
    """One beat more, when the step was told to stop: each of them interrupts the main thread."""
    if worker.is_terminated or threading.current_thread() is threading.main_thread():
        return 60.0
    life_pipelines.told_to_stop.wait(60)
    return 0.0


def _of_the_one_that_is_stopped(pipeline: Any, stack: Any, step_config: Any) -> bool:
    return bool(step_config.name == "stopped")


def test_other_components_that_fail_leave_no_experiment_open(
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    steps_of: Steps,
    zenml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracked_stack({"url": "offline"}, {**local_config, **ALONE}, {"url": "offline"})
    before, ours, after = zenml_client.active_stack.experiment_trackers.values()
    _misbehave(monkeypatch, before, after)

    with pytest.raises(RuntimeError, match="failed due to failure in step"):
        life_pipelines.beside_a_bad_component()

    steps = steps_of("beside_a_bad_component")
    found = Experiments(readback, ours.id, steps)
    assert {name: (str(step.status.value), found.status(name)) for name, step in steps.items()} == {
        "reports_badly": ("failed", "failed"),
        "is_cleaned_up_badly": ("failed", "failed"),
        "is_prepared_badly": ("failed", "failed"),
        "succeeds": ("completed", "finished"),
    }
    assert "is_cleaned_up_badly on purpose" in found.about("is_cleaned_up_badly")["error"]
    assert "another component was not ready" in found.about("is_prepared_badly")["error"]


def _misbehave(monkeypatch: pytest.MonkeyPatch, before: Any, after: Any) -> None:
    """The first tracker tells ZenML what it refuses and fails to clean up, the last one fails to prepare."""
    prepare, tell = CometExperimentTracker.prepare_step_run, CometExperimentTracker.get_step_run_metadata
    clean_up = CometExperimentTracker.cleanup_step_run

    def prepared(tracker: Any, info: Any) -> None:
        if tracker.id == after.id and info.pipeline_step_name == "is_prepared_badly":
            raise OSError("is_prepared_badly on purpose")
        if tracker.id not in (before.id, after.id):
            prepare(tracker, info)

    def told(tracker: Any, info: Any) -> Any:
        if tracker.id == before.id and info.pipeline_step_name == "reports_badly":
            return {"odd": object()}
        return tell(tracker, info)

    def cleaned_up(tracker: Any, info: Any, step_failed: bool) -> None:
        if tracker.id == before.id and info.pipeline_step_name == "is_cleaned_up_badly":
            raise OSError("is_cleaned_up_badly on purpose")
        clean_up(tracker, info, step_failed)

    monkeypatch.setattr(CometExperimentTracker, "prepare_step_run", prepared)
    monkeypatch.setattr(CometExperimentTracker, "get_step_run_metadata", told)
    monkeypatch.setattr(CometExperimentTracker, "cleanup_step_run", cleaned_up)


def test_a_step_that_is_retried_goes_on_in_one_experiment(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked_stack({**local_config, **ALONE})
    life_pipelines.attempts.clear()
    between: list[str] = []
    prepare = CometExperimentTracker.prepare_step_run

    def look_first(tracker: Any, info: Any) -> None:
        if info.step_run.version > 1:
            key = experiment_key(tracker.id, info.run_id, info.pipeline_step_name)
            between.append(readback.metadata(key)["status"])
        prepare(tracker, info)

    monkeypatch.setattr(CometExperimentTracker, "prepare_step_run", look_first)

    life_pipelines.retried()

    step = steps_of("retried")["third_time_lucky"]
    key = step.run_metadata["comet_experiment_key"]
    assert readback.keys("team", local_config["project_name"]) == {key}
    assert (between, readback.metadata(key)["status"]) == (["retrying", "retrying"], "finished")
    assert step.run_metadata["comet_attempt"] == 3
    others = readback.others(key)
    assert (others["zenml_attempt"], others["zenml_status"]) == ("3", "completed")
    assert [others[f"zenml_attempt_{n}"].partition(",")[0] for n in (1, 2, 3)] == ["failed", "failed", "completed"]
    assert others["zenml_attempt_1"].endswith(": ConnectionError: not yet")
    logged = {name: [value for value, _, _ in readback.points(key, name)] for name in readback.metrics(key)}
    assert {name: values for name, values in logged.items() if "sys." not in name} == {
        "attempt_1_loss": [10.0],
        "attempt_2_loss": [20.0, 21.0],
        "loss": [30.0, 31.0, 32.0],
    }
    parameters = {"attempt_1_rate": "1", "attempt_2_rate": "2", "rate": "3", "kind": "sgd"}
    assert readback.parameters(key) == parameters
    assert (others["attempt_1_seen"], others["seen"]) == ("by 1", "by 3")
    assert not {name for name in others if name.startswith("attempt_1_zenml_attempt")}


def test_a_key_can_be_chosen_and_a_bad_one_is_named(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    tracked_stack({**local_config, **ALONE, "tags": ["of the component"]})
    key = begin(readback.server, experimentName="made by somebody else")

    life_pipelines.with_keys(good=key, bad="too-short")

    steps = steps_of("with_keys")
    assert steps["good"].run_metadata["comet_experiment_key"] == key
    assert (steps["bad"].status, steps["bad"].run_metadata["comet_delivery"]) == ("completed", "untracked")
    assert "32 to 50 letters and digits" in caplog.text
    assert "reached" in readback.metrics(key)
    assert readback.metadata(key)["status"] == "finished"
    # It was joined, and keeps its name.
    assert not str(readback.metadata(key)["experimentName"]).endswith("_good")
    assert readback.tags(key) == {"of ZenML", "of the component"}


def test_a_signal_that_comes_while_an_experiment_is_made_is_no_reason_to_run_on_untracked(
    zenml_client: Any, tracked_stack: Stack, local_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise RunStoppedException("Pipeline run is stopped.")

    tracked_stack(local_config)
    tracker: Any = zenml_client.active_stack.experiment_tracker
    monkeypatch.setattr(opening, "open_run", interrupt)
    monkeypatch.setattr(CometExperimentTracker, "get_settings", lambda *_: CometExperimentTrackerSettings())
    with pytest.raises(RunStoppedException):
        tracker.prepare_step_run(SimpleNamespace(step_run_id=uuid.uuid4(), pipeline_step_name="stopped"))


def test_a_signal_that_comes_when_zenml_asks_for_metadata_ends_the_step(
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    steps_of: Steps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tracker waits for the server there, and ZenML keeps to itself what any component raises there."""

    def interrupt(*_: Any) -> None:
        raise RunInterruptedException("The execution was interrupted.")

    tracked_stack({**local_config, **ALONE})
    monkeypatch.setattr(metadata, "of_run", interrupt)
    with pytest.raises(RuntimeError, match="failed due to failure in step"):
        life_pipelines.with_keys(good=(key := begin(readback.server)), bad="too-short")
    step = steps_of("with_keys")["good"]
    assert step.run_metadata["comet_experiment_key"] == key
    assert (step.status, readback.metadata(key)["status"]) == ("failed", "failed")
    assert readback.others(key)["zenml_status"] == "failed"


@pytest.mark.parametrize(("error", "said"), [(SystemExit(0), "SystemExit"), (KeyboardInterrupt(), "KeyboardInterrupt")])
def test_an_exit_of_any_code_fails_an_experiment_as_it_fails_the_step(error: BaseException, said: str) -> None:
    text = error_text(Outcome("failed", error).failure)
    assert text is not None
    assert said in text


def test_an_abandoned_step_that_is_strict_fails_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def refuse(run: StepRun, outcome: Outcome) -> None:
        ended.append(outcome.status)
        raise DeliveryError("not delivered whole")

    monkeypatch.setattr(ending, "_end", refuse)
    monkeypatch.setattr(outcomes.asking, "step", lambda *_: None)
    experiment: Any = object()
    run = StepRun(uuid.uuid4(), uuid.uuid4(), "run_step", "k" * 40, experiment, 1.0, succeeded=True)
    ending.end_abandoned([run])
    assert ended == ["completed"]


def test_what_cannot_be_told_of_an_end_leaves_a_step_its_own_exception(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ending, "_end", lambda *_: None)
    nothing_can_be_asked: Any = object()
    run = StepRun(uuid.uuid4(), uuid.uuid4(), "run_step", "k" * 40, nothing_can_be_asked, 1.0)
    step_runs.add(run)
    ending.finish(run, None)
    assert f"not told how experiment {run.key} ended" in caplog.text


DIES = """
import sys
from zenml.utils import source_utils
source_utils.set_custom_source_root(sys.argv[1])
from tests import life_pipelines
life_pipelines.killed(marker=sys.argv[2])
"""


@pytest.mark.long
def test_a_step_that_was_killed_and_is_repeated_goes_on_in_one_experiment(
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    zenml_client: Any,
    source_root: Path,
    tmp_path: Path,
) -> None:
    tracked_stack({**local_config, **ALONE})
    marker = tmp_path / "key"
    arguments = [sys.executable, "-c", DIES, str(source_root), str(marker)]
    child = subprocess.run(arguments, cwd=source_root, timeout=120, check=False, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    key = marker.read_text()
    (run,) = zenml_client.list_pipeline_runs(pipeline="killed", size=1, hydrate=True).items
    (dead,) = zenml_client.list_run_steps(pipeline_run_id=run.id).items
    assert dead.status == "running"
    publish_failed_step_run(dead.id)

    step = zenml_client.get_snapshot(run.snapshot.id).step_configurations["killed_once"]
    launch_step(zenml_client.get_snapshot(run.snapshot.id), step, run.orchestrator_run_id)

    again = zenml_client.get_pipeline_run(run.id).steps["killed_once"]
    assert (again.version, again.run_metadata["comet_experiment_key"]) == (2, key)
    assert readback.keys("team", local_config["project_name"]) == {key}
    # The journal of the process that died is delivered in the background by the one that repeats the step.
    _wait_for(lambda: readback.metrics(key) >= {"loss", "attempt_1_loss"})
    assert readback.points(key, "loss") == [(2.0, 0, None)]
    assert readback.points(key, "attempt_1_loss") == [(1.0, 0, None)]
    assert readback.metadata(key)["status"] == "finished"
    _wait_for(lambda: "attempt_1_again" in readback.parameters(key))
    told = readback.parameters(key)
    assert (told["attempt_1_again"].lower(), told["again"].lower()) == ("false", "true")
    others = readback.others(key)
    assert others["zenml_attempt_1"].partition(",")[0] == "failed"
    assert others["zenml_attempt_2"].partition(",")[0] == others["zenml_status"] == "completed"


def _wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
