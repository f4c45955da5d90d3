"""Steps that run at the same time in one process, and the threads they start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import pipelines
from tests.tracker.conftest import Readback

Stack = Callable[..., str]


@pytest.mark.parametrize("how", [pipelines.submitted, pipelines.mapped], ids=["submit", "map"])
def test_no_value_crosses_between_concurrent_steps(
    how: Any,
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    zenml_client: Any,
) -> None:
    tracked_stack(local_config)

    with pytest.raises(Exception, match=r"the second one fails|failed"):
        how()

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
    how: Any, tracked_stack: Stack, local_config: dict[str, Any], readback: Readback, caplog: pytest.LogCaptureFixture
) -> None:
    tracked_stack(local_config)
    pipelines.next_runs.clear()
    pipelines.others_are_done.clear()

    how()

    (key,) = readback.keys("team", local_config["project_name"])
    assert readback.metrics(key) == {"own"}
    assert "log_metrics was ignored" in caplog.text
