"""Steps that log from pools within pools, from processes, and from programs that they start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import parallel
from tests.tracker.conftest import Readback
from tests.tracker.test_concurrency import info_of

Stack = Callable[..., str]


def test_of_many_mapped_steps_with_pools_in_pools_each_has_its_own_values_and_its_own_end(
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    zenml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("ZENML_DYNAMIC_PIPELINE_WORKER_COUNT", str(parallel.WORKERS))
    tracked_stack({**local_config, "log_system_metrics": False})

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
    silent = ("log_zenml_context", "log_artifacts", "log_output", "log_environment", "log_system_metrics")
    tracked_stack({**local_config, "ranks": rule} | dict.fromkeys(silent, False))
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
