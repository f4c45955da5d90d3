"""Pipelines and steps that pipelines and steps call: each step run has an experiment of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import nested_pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker.tracker.runs import step_runs


# ZenML's own reading of the settings that a child pipeline takes over.
@pytest.mark.filterwarnings("ignore:The attribute .+ is deprecated:DeprecationWarning")
def test_a_step_within_a_step_and_a_child_pipeline_have_experiments_of_their_own(
    tracked_stack: Callable[..., str], local_config: dict[str, Any], readback: Readback, zenml_client: Any
) -> None:
    tracked_stack(local_config)

    with pytest.raises(Exception, match="the parent fails"):
        nested_pipelines.family()

    logged, runs = {}, {}
    for key in readback.keys("team", local_config["project_name"]):
        others = readback.others(key)
        whose = f"{others['zenml_pipeline_name']}/{others['zenml_step_name']}"
        values = {name: [value for value, _, _ in readback.points(key, name)] for name in readback.metrics(key)}
        about = readback.metadata(key)
        logged[whose] = (values, about["running"], about["hasCrashed"])
        runs[whose] = others["zenml_run_id"]
        step = zenml_client.get_run_step(others["zenml_step_run_id"])
        assert step.run_metadata["comet_experiment_key"] == key
        assert str(step.status) == ("failed" if about["hasCrashed"] else "completed")
    assert logged == {
        "family/parent": ({"before": [10.0], "leaf": [12.0], "after": [13.0]}, False, True),
        "family/leaf": ({"leaf": [3.0]}, False, False),
        "child/leaf": ({"leaf": [2.0]}, False, False),
    }
    assert runs["family/leaf"] == runs["family/parent"] != runs["child/leaf"]
    assert step_runs.pop_all() == []
