"""A pipeline as it is written for ZenML's own Comet tracker, whichever tracker its stack has by that name.

    python -m tests.cli.builtin_pipeline <answer.json> <API key>

runs it in the ZenML of ZENML_CONFIG_PATH on the built-in tracker, and without a key on what its stack has by then.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from zenml import pipeline, step
from zenml.client import Client

NAME = "team_comet"


@step(
    experiment_tracker=NAME,
    enable_cache=False,
    settings={"experiment_tracker": {"tags": ["of the step"], "run_name": "as configured"}},
)
def train() -> None:
    tracker = Client().active_stack.experiment_tracker
    tracker.log_params({"rate": 0.1})
    for number in range(3):
        tracker.log_metrics({"loss": 1.0 / (number + 1)}, step=number)
    tracker.experiment.log_other("note", "by the experiment itself")


@pipeline
def training() -> None:
    train()


def run() -> dict[str, str]:
    """The metadata of the step of one run."""
    made = training()
    assert made is not None
    metadata = Client().get_pipeline_run(made.id).steps["train"].run_metadata
    return {name: str(value) for name, value in metadata.items()}


def main(answer: Path, key: str | None) -> None:
    from zenml.enums import StackComponentType
    from zenml.utils import source_utils

    source_utils.set_custom_source_root(str(Path(__file__).parents[2]))
    if key:
        client = Client()
        configuration: dict[str, Any] = {"api_key": key, "workspace": "team", "project_name": "moved", "tags": ["ours"]}
        client.create_stack_component(NAME, "comet", StackComponentType.EXPERIMENT_TRACKER, configuration)
        components = dict.fromkeys((StackComponentType.ORCHESTRATOR, StackComponentType.ARTIFACT_STORE), "default")
        client.create_stack("team", {**components, StackComponentType.EXPERIMENT_TRACKER: NAME})
        client.activate_stack("team")
    answer.write_text(json.dumps(run()))


if __name__ == "__main__":
    # ZenML loads steps by the name under which others would import this module.
    from tests.cli import builtin_pipeline

    builtin_pipeline.main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
