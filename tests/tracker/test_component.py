"""One experiment for each step run, on a real ZenML store and a real local server, read back over REST."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests import pipelines
from tests.comet.scripted import ScriptedComet
from tests.tracker.conftest import Readback
from zenml_comet_tracker import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.tracker import metadata as tracker_metadata

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]
Config = dict[str, Any]

VALUES = [0.5, 0.25, 1e-9, 3.0]


def test_a_step_becomes_an_experiment(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    tracked_stack({**local_config, "tags": ["of the component"]})
    caplog.set_level(logging.INFO, logger="zenml_comet_tracker")
    before = dict(os.environ)

    pipelines.fitting(VALUES)

    assert dict(os.environ) == before
    assert [record for record in caplog.records if record.name.startswith("zenml_comet_tracker")] == []
    step = steps_of("fitting")["fit"]
    metadata, run = step.run_metadata, step.pipeline_run_id
    key = metadata["comet_experiment_key"]
    about = readback.metadata(key)
    run_name = about["experimentName"].removesuffix("_fit")
    assert about["experimentName"] == f"{run_name}_fit"
    # Each key takes ZenML two commits, and this would say nothing new.
    assert "comet_experiment_name" not in metadata
    assert (about["running"], about["hasCrashed"]) == (False, False)
    assert metadata["experiment_tracker_url"] == f"{readback.server.url}/team/{local_config['project_name']}/{key}"
    page = requests.get(metadata["experiment_tracker_url"], timeout=30)
    assert (page.status_code, "zenml-comet open" in page.text) == (401, True)
    assert readback.tags(key) == {"fitting", run_name, str(run), "of the component"}
    assert readback.points(key, "loss") == [(value, n, n // 2) for n, value in enumerate(VALUES)]
    assert readback.points(key, "half") == [(value / 2, n, n // 2) for n, value in enumerate(VALUES)]
    # The epoch is the one that was said last, as with Comet's own client.
    assert readback.points(key, "through_the_stack") == [(7.0, 3, (len(VALUES) - 1) // 2)]
    logged = {"rate": "0.1", "kind": "sgd", "tracker": "stack"}
    assert readback.parameters(key) == {**logged, "values": "[0.5,0.25,1e-9,3.0]"}
    assert readback.assets(key)["raw.bin"] == b"\x00bytes\xff"
    others = readback.others(key)
    assert others["zenml_run_id"] == str(run)
    assert others["zenml_step_run_id"] == str(step.id)
    assert others["zenml_pipeline_name"] == "fitting"


@pytest.mark.parametrize(
    ("how", "raised", "said"),
    [
        ("badly", RuntimeError, "ValueError: no good: badly"),
        ("exit", SystemExit, "SystemExit: 3"),
        ("interrupt", KeyboardInterrupt, "KeyboardInterrupt"),
    ],
)
def test_a_step_that_fails_is_a_failed_experiment_with_its_traceback(
    how: str,
    raised: type[BaseException],
    said: str,
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    steps_of: Steps,
) -> None:
    tracked_stack(local_config)

    with pytest.raises(raised):
        pipelines.failing(how)

    step = steps_of("failing")["fail"]
    about = readback.metadata(step.run_metadata["comet_experiment_key"])
    assert step.status == "failed"
    assert step.run_metadata["experiment_tracker_url"]
    assert (about["running"], about["hasCrashed"]) == (False, True)
    assert about["error"].startswith("Traceback (most recent call last)")
    assert "in fail\n" in about["error"]
    assert said in about["error"]


def test_each_attempt_of_a_retried_step_is_an_experiment(
    tracked_stack: Stack, local_config: Config, readback: Readback
) -> None:
    tracked_stack({**local_config, "on_retry": "new"})
    pipelines.attempts.clear()

    pipelines.retried()

    keys = readback.keys("team", local_config["project_name"])
    by_attempt = {readback.others(key)["zenml_attempt"]: key for key in keys}
    assert sorted(by_attempt) == ["1", "2", "3"]
    crashed = {attempt: readback.metadata(key)["hasCrashed"] for attempt, key in by_attempt.items()}
    assert crashed == {"1": True, "2": True, "3": False}
    assert readback.others(by_attempt["3"])["zenml_earlier_attempt"] == by_attempt["2"]
    assert readback.others(by_attempt["1"])["zenml_later_attempt"] == by_attempt["2"]
    assert [readback.points(by_attempt[n], "attempt")[0][0] for n in "123"] == [1.0, 2.0, 3.0]


def test_a_step_whose_input_could_not_be_loaded_is_closed_by_the_next_one(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps
) -> None:
    tracked_stack(local_config)
    with pytest.raises(RuntimeError, match="needs_it"):
        pipelines.unreadable_input()

    pipelines.fitting([1.0])

    later = steps_of("fitting")["fit"].run_metadata["comet_experiment_key"]
    (left_open,) = readback.keys("team", local_config["project_name"]) - {later}
    about = readback.metadata(left_open)
    assert (about["running"], about["hasCrashed"]) == (False, True)
    assert "an input could not be loaded" in about["error"]
    assert readback.metadata(later)["hasCrashed"] is False


EXITS = """
import sys, uuid
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.tracker import component
from zenml_comet_tracker.tracker.runs import StepRun, step_runs
experiment = Experiment("k", url=sys.argv[1], journal_folder=sys.argv[2])
step_runs.add(StepRun(uuid.uuid4(), uuid.uuid4(), "run_step", experiment.id, experiment, 60.0))
"""


@pytest.mark.long
def test_a_last_step_that_zenml_never_ran_is_closed_as_failed_when_the_process_ends(tmp_path: Path) -> None:
    comet = ScriptedComet()
    # ZenML is asked of the step, and makes a store for that, in which the end of the process may leave it half way.
    environment = {**os.environ, "ZENML_CONFIG_PATH": str(tmp_path / "zenml")}
    arguments = [comet.root, str(tmp_path / "journals")]
    try:
        subprocess.run([sys.executable, "-c", EXITS, *arguments], env=environment, check=True, timeout=60)
        failures = [asked.json["error"] for asked in comet.requests("/update-status")]
    finally:
        comet.close()
    assert len(failures) == 1
    assert "an input could not be loaded" in failures[0]
    assert [asked.json["is_alive"] for asked in comet.requests("/status-report/update")][-1] is False


def test_settings_of_pipeline_and_step_are_in_force_and_tags_add_up(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps
) -> None:
    config = CometExperimentTrackerConfig(**local_config, tags=["of the component"])
    tracked_stack(config.model_dump(exclude_unset=True))

    settings = CometExperimentTrackerSettings(run_name="named by hand", tags=["of the call"])
    pipelines.tagging.with_options(settings={"experiment_tracker": settings})()

    metadata = steps_of("tagging")["tagged"].run_metadata
    key = metadata["comet_experiment_key"]
    assert "/of-the-pipeline/" in metadata["experiment_tracker_url"]
    assert readback.metadata(key)["experimentName"] == "named by hand"
    assert {"of the component", "of the call", "of the step", "tagging"} < readback.tags(key)


def test_a_step_with_two_trackers_has_two_experiments(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, zenml_client: Any
) -> None:
    project = local_config["project_name"]
    tracked_stack(local_config, {**local_config, "workspace": "other-team"})
    first, second = zenml_client.active_stack.experiment_trackers

    pipelines.two_trackers.with_options(settings={f"experiment_tracker:{second}": {"run_name": "the second's"}})()

    (one,), (two,) = readback.keys("team", project), readback.keys("other-team", project)
    for key in (one, two):
        assert readback.points(key, "for_both") == [(1.0, None, None)]
        assert readback.metadata(key)["running"] is False
    assert (readback.parameters(one), readback.parameters(two)) == ({"mine": first}, {"mine": second})
    assert readback.metadata(two)["experimentName"] == "the second's" != readback.metadata(one)["experimentName"]
    # ZenML shows one value of each key, so each has keys of its own.
    (told,) = (step.run_metadata for step in steps_of("two_trackers").values())
    names = {one: "", two: f"_{second}"}
    assert {key: told[f"comet_experiment_key{name}"] for key, name in names.items()} == {one: one, two: two}
    assert all(told[f"experiment_tracker_url{name}"].endswith(key) for key, name in names.items())
    assert told[f"comet_experiment_name_{second}"] == "the second's"


def test_an_untracked_step_is_told_so_and_writes_nowhere(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    tracked_stack(local_config)
    pipelines.seen.clear()

    pipelines.untracked_after_tracked()

    steps = steps_of("untracked_after_tracked")
    key = steps["fit"].run_metadata["comet_experiment_key"]
    assert readback.keys("team", local_config["project_name"]) == {key}
    assert "lost" not in readback.metrics(key) | set(readback.parameters(key))
    assert steps["untracked"].run_metadata == {}
    told = [record.getMessage() for record in caplog.records if "was ignored" in record.getMessage()]
    assert len(told) == 1
    assert "@step(experiment_tracker=" in told[0]
    assert isinstance(pipelines.seen[0], RuntimeError)


def test_a_server_that_cannot_be_reached_does_not_touch_the_step(
    tracked_stack: Stack, steps_of: Steps, tmp_path: Path, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "journal"
    tracked_stack({"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(folder)})

    pipelines.fitting(VALUES)

    step = steps_of("fitting")["fit"]
    assert step.status == "completed"
    assert "experiment_tracker_url" not in step.run_metadata
    assert step.run_metadata["comet_delivery"] == "pending"
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"through_the_stack" in kept
    left = [record.getMessage() for record in caplog.records if "not everything is delivered" in record.getMessage()]
    assert len(left) == 1
    assert f"zenml-comet sync {folder}" in left[0]


def test_a_page_that_no_server_has_opened_is_called_pending(
    tracked_stack: Stack, steps_of: Steps, tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_metadata, "TEXT_LIMIT", 30)
    url = f"http://127.0.0.1:{closed_port}"
    names = {"workspace": "team", "project_name": "p" * 31}
    tracked_stack({"url": url, "api_key": "k", "journal_folder": str(tmp_path), "run_name": "n" * 200, **names})

    pipelines.fitting([1.0])

    metadata = steps_of("fitting")["fit"].run_metadata
    assert metadata["experiment_tracker_url"].startswith(f"{url}/team/ppp")
    assert metadata["comet_delivery"] == "pending"
    assert metadata["comet_experiment_name"] == "n" * 30


def test_a_server_that_refuses_is_told_and_no_page_is_named(
    tracked_stack: Stack, local_config: Config, steps_of: Steps
) -> None:
    tracked_stack({**local_config, "api_key": "not-the-servers", "finish_timeout": 5.0})

    pipelines.fitting([1.0])

    metadata = steps_of("fitting")["fit"].run_metadata
    assert metadata["comet_delivery"] == "refused"
    assert "experiment_tracker_url" not in metadata


def test_a_silent_server_holds_a_step_up_no_longer_than_allowed(
    tracked_stack: Stack, steps_of: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = {}

    def timed(name: str) -> None:
        original = getattr(Experiment, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.monotonic()
            try:
                return original(*args, **kwargs)
            finally:
                took[name] = time.monotonic() - began

        monkeypatch.setattr(Experiment, name, call)

    timed("wait_for_url")
    timed("end")
    monkeypatch.setattr(tracker_metadata, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracked_stack({"url": url, "api_key": "k", "journal_folder": str(tmp_path), "finish_timeout": 2.0})
        pipelines.fitting([1.0])

    assert steps_of("fitting")["fit"].run_metadata["comet_delivery"] == "pending"
    assert took["wait_for_url"] < 1.5
    assert sum(took.values()) < 6.0


def test_an_experiment_that_its_step_renamed_has_that_name_in_zenml_too(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps
) -> None:
    tracked_stack(local_config)

    pipelines.renaming()

    metadata = steps_of("renaming")["renames"].run_metadata
    assert metadata["comet_experiment_name"] == "my own name"
    assert "comet_delivery" not in metadata
    assert readback.metadata(metadata["comet_experiment_key"])["experimentName"] == "my own name"


def test_a_step_that_cannot_be_tracked_runs_on(
    tracked_stack: Stack, steps_of: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    tracked_stack({"url": "ftp://nowhere", "api_key": "k"})
    pipelines.seen.clear()

    pipelines.using_everything()

    step = steps_of("using_everything")["uses_everything"]
    assert step.status == "completed"
    assert pipelines.seen == [None]
    assert step.run_metadata == {"comet_delivery": "untracked"}
    said = [record.getMessage() for record in caplog.records if record.name.startswith("zenml_comet_tracker")]
    assert len(said) == 2
    assert "ftp://nowhere" in said[0]
    assert "were ignored: 4" in said[1]


def test_a_strict_step_fails_when_it_cannot_be_tracked(tracked_stack: Stack, steps_of: Steps) -> None:
    tracked_stack({"url": "ftp://nowhere", "api_key": "k", "strict": True})

    with pytest.raises(RuntimeError, match="uses_everything"):
        pipelines.using_everything()

    assert steps_of("using_everything")["uses_everything"].status == "failed"


def test_a_strict_step_fails_when_something_is_not_delivered(
    tracked_stack: Stack, steps_of: Steps, tmp_path: Path, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    unreachable = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(tmp_path)}
    tracked_stack({**unreachable, "strict": True})

    with pytest.raises(RuntimeError, match="fit"):
        pipelines.fitting([1.0])
    with pytest.raises(RuntimeError, match="fail"):
        pipelines.failing("badly")

    assert steps_of("fitting")["fit"].status == "failed"
    assert "DeliveryError" in caplog.text
    assert steps_of("failing")["fail"].exception_info.source == "builtins.ValueError"


def test_a_broken_hook_never_reaches_the_step(
    tracked_stack: Stack, local_config: Config, steps_of: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_ones: list[Experiment] = []

    def broken(experiment: Experiment, *_: Any, **__: Any) -> None:
        broken_ones.append(experiment)
        raise OSError("broken on purpose")

    tracked_stack(local_config)
    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "wait_for_url", broken)
        patch.setattr(Experiment, "end", broken)
        pipelines.fitting([1.0])
    broken_ones[0].end(timeout=10)

    step = steps_of("fitting")["fit"]
    assert step.status == "completed"
    # The address is told when the experiment ends after all.
    assert set(step.run_metadata) >= {"comet_experiment_key", "experiment_tracker_url"}
