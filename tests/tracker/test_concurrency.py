"""Steps that run at the same time in one process, and the threads they start."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker import current_experiment, log_params

Stack = Callable[..., str]


def test_no_value_crosses_between_concurrent_steps(
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    zenml_client: Any,
) -> None:
    tracked_stack(local_config)

    with pytest.raises(Exception, match=r"the second one fails|failed"):
        pipelines.submitted()

    keys = readback.keys("team", local_config["project_name"])
    by_number = {int(readback.parameters(key)["number"]): key for key in keys}
    assert sorted(by_number) == list(range(pipelines.CONCURRENT))
    for number, key in by_number.items():
        assert readback.points(key, "number") == [(float(number * 1000 + n), n, None) for n in range(50)]
        assert readback.metrics(key) == {"number"}
        about = readback.metadata(key)
        assert (about["running"], about["hasCrashed"]) == (False, number == 2)
    (run,) = zenml_client.list_pipeline_runs(sort_by="desc:created", size=1).items
    steps = [step for name, step in zenml_client.get_pipeline_run(run.id).steps.items() if "one_of_many" in name]
    assert len(steps) == pipelines.CONCURRENT
    for step in steps:
        others = readback.others(step.run_metadata["comet_experiment_key"])
        assert others["zenml_step_run_id"] == str(step.id)


def test_threads_of_a_step_log_to_its_experiment(
    tracked_stack: Stack, local_config: dict[str, Any], readback: Readback
) -> None:
    tracked_stack(local_config)

    pipelines.threads()

    (key,) = readback.keys("team", local_config["project_name"])
    assert readback.metrics(key) == {"plain_thread", "pool_0", "pool_1", "with_context"}


@pytest.mark.parametrize(
    "how", [pipelines.thread_outlives_its_step, pipelines.tracked_beside_untracked], ids=["after", "beside"]
)
def test_what_an_untracked_steps_thread_or_a_pipelines_body_logs_lands_in_no_other_step(
    how: Any,
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracked_stack(local_config)
    pipelines.next_runs.clear()
    pipelines.others_are_done.clear()

    how()

    (key,) = readback.keys("team", local_config["project_name"])
    assert readback.metrics(key) == {"own"}
    assert "log_metrics was ignored" in caplog.text


class Info(SimpleNamespace):
    """Can be referred to weakly, as what ZenML tells can."""


def info_of(step: str) -> Any:
    """What ZenML tells a tracker of a step of a dynamic pipeline."""
    return Info(
        step_run_id=uuid.uuid4(),
        run_id=uuid.uuid4(),
        run_name="run",
        pipeline_step_name=step,
        pipeline=SimpleNamespace(name="pipeline", settings={}, tags=[]),
        config=SimpleNamespace(settings={}, parameters={}),
        spec=SimpleNamespace(source=SimpleNamespace(module="steps", attribute=step), inputs={}),
        snapshot=SimpleNamespace(is_dynamic=True, stack=None),
        step_run=SimpleNamespace(version=1, inputs={}),
    )


def test_of_twenty_steps_in_each_of_twenty_threads_none_writes_into_another(
    zenml_client: Any, tracked_stack: Stack, journals: Path
) -> None:
    """Row by row in the journals: nothing is delivered, so that no server can put right what went wrong."""
    silent = {"log_zenml_context": False, "log_artifacts": False, "log_output": False, "log_environment": False}
    tracked_stack({"url": "offline", "journal_folder": str(journals), **silent, "log_git": False, "log_code": False})
    tracker = zenml_client.active_stack.experiment_tracker
    together = threading.Barrier(20, timeout=60)
    keys: dict[str, tuple[int, int]] = {}

    def work(thread: int) -> None:
        together.wait()
        for number in range(20):
            info = info_of(f"step_{thread}_{number}")
            tracker.prepare_step_run(info)
            for index in range(10):
                tracker.log_metrics({"mine": thread * 1000 + number}, step=index)
            log_params({"thread": thread, "number": number})
            keys[current_experiment().id] = (thread, number)
            tracker.get_step_run_metadata(info)
            tracker.cleanup_step_run(info, step_failed=False)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))

    assert len(keys) == 400
    found = {}
    for folder in journals.glob("*.*"):
        lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
        values = [row["metricValue"] for row in lines if row.get("metricName") == "mine"]
        given = {row["parameterName"]: row["parameterValue"] for row in lines if "parameterName" in row}
        found[folder.name.split(".")[0]] = (given["thread"], given["number"])
        assert values == [float(given["thread"] * 1000 + given["number"])] * 10
    assert found == keys
