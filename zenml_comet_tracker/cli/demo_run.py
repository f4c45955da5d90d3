"""The demo's own process: a ZenML of its own, in which the example pipeline runs.

    python -m zenml_comet_tracker.cli.demo_run <example.py> <results.json>

Its ZenML is the one that ZENML_CONFIG_PATH names; the local Comet has to be running.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

NAME = "zenml_comet_demo"
PROJECT = "digits"


def main(example: Path, results: Path) -> None:
    """Runs the pipeline of `example`; `results` then lists its steps with `step`, `name` and `url`."""
    run = _run(example)
    in_order = sorted(run.steps.items(), key=lambda item: item[1].start_time or run.created)
    results.write_text(
        json.dumps([_result(run.name, name, step.run_metadata) for name, step in in_order]), encoding="utf-8"
    )


def _run(example: Path) -> PipelineRunResponse:
    from zenml.client import Client
    from zenml.utils import source_utils

    _register()
    # ZenML loads steps by their path below the source root, which is the example's folder however we were started.
    source_utils.set_custom_source_root(str(example.parent))
    sys.path.insert(0, str(example.parent))
    run = getattr(importlib.import_module(example.stem), example.stem)()
    return Client().get_pipeline_run(run.id)


def _register() -> None:
    from zenml.client import Client

    from zenml_comet_tracker.cli.registration.changes import carry_out
    from zenml_comet_tracker.cli.setup import Wish, plan

    # Workspace and project are named so that the user's own Comet configuration has no say here.
    carry_out(plan(Client(), Wish(local=True, workspace="local", project=PROJECT, name=NAME, stack=NAME)))


def _result(run: str, step: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "step": step,
        # Left out where it is the usual one.
        "name": metadata.get("comet_experiment_name", f"{run}_{step}"),
        "url": metadata.get("experiment_tracker_url"),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
