"""One process that runs a trivial step some times: `python -m benchmarks.steps.inside STACK TIMES`. Prints JSON.

`make` as the first argument makes the store, with a stack for each of the components that follow as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

UNTRACKED = "default"


def make_stacks(components: list[dict[str, Any]]) -> None:
    """A stack for each tracker: name, flavor, configuration."""
    from zenml.client import Client
    from zenml.enums import StackComponentType as Type

    from zenml_comet_tracker.flavor import SOURCE

    client = Client()
    client.create_flavor(SOURCE, Type.EXPERIMENT_TRACKER)
    for given in components:
        client.create_stack_component(
            given["name"], given["flavor"], Type.EXPERIMENT_TRACKER, configuration=given["configuration"]
        )
        parts = {Type.ORCHESTRATOR: "default", Type.ARTIFACT_STORE: "default", Type.EXPERIMENT_TRACKER: given["name"]}
        client.create_stack(given["name"], parts)


def run(stack: str, times: int) -> dict[str, list[float]]:
    """Seconds of each run: the whole call of the pipeline, the step alone with its tracker's hooks, processor time."""
    from zenml.client import Client
    from zenml.orchestrators.step_runner import StepRunner
    from zenml.utils import source_utils

    from benchmarks.steps import pipelines

    source_utils.set_custom_source_root(str(Path(__file__).parents[2]))
    Client().activate_stack(stack)
    found: dict[str, list[float]] = {"pipeline": [], "step": [], "processor": []}
    plain = StepRunner.run

    def timed(self: StepRunner, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return plain(self, *args, **kwargs)
        finally:
            found["step"].append(time.perf_counter() - began)

    StepRunner.run = timed  # type: ignore[method-assign]
    pipeline = pipelines.untracked if stack == UNTRACKED else pipelines.tracked
    for _ in range(times):
        began, busy = time.perf_counter(), time.process_time()
        ran = pipeline()
        found["pipeline"].append(time.perf_counter() - began)
        found["processor"].append(time.process_time() - busy)
        assert ran is not None
        (done,) = ran.steps.values()
        told = done.run_metadata
        # A tracker that gave up would look fast.
        assert done.status == "completed"
        assert (stack == UNTRACKED) != any("experiment" in name for name in told), told
        assert told.get("comet_delivery") in (None, "pending"), told
    return found


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make_stacks(json.loads(sys.argv[2]))
    else:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]))), flush=True)
