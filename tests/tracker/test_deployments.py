"""A deployed pipeline, in ZenML's own web application: several invocations at once, in threads of one process."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import uvicorn
from zenml.deployers.server.fastapi.app import FastAPIDeploymentAppRunner
from zenml.enums import StackComponentType as Type
from zenml.models import DeploymentRequest

from tests import nested_pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker.tracker import last_word
from zenml_comet_tracker.tracker.runs import StepRun, step_runs


@pytest.fixture
def deployed(
    tracked_stack: Callable[..., str], local_config: dict[str, Any], zenml_client: Any
) -> Iterator[Callable[..., dict[str, Any]]]:
    """Invokes `answering` on a stack with our tracker: `deployed(number=3)`, with ZenML's answer."""
    zenml_client.create_stack_component("deployer", "local", Type.DEPLOYER, {})
    tracked_stack(local_config, others={Type.DEPLOYER: "deployer"})
    snapshot = nested_pipelines.answering.create_snapshot(name=local_config["project_name"])
    deployment = zenml_client.zen_store.create_deployment(
        DeploymentRequest(
            name=local_config["project_name"],
            project=zenml_client.active_project.id,
            snapshot_id=snapshot.id,
            deployer_id=zenml_client.active_stack.deployer.id,
        )
    )
    runner = FastAPIDeploymentAppRunner(deployment)
    server = uvicorn.Server(uvicorn.Config(runner.build_asgi_app(), port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def invoke(number: int, **request: Any) -> dict[str, Any]:
        body = {"parameters": {"number": number}, **request}
        answered = requests.post(f"http://127.0.0.1:{port}/invoke", json=body, timeout=60)
        assert answered.ok, answered.text
        found: dict[str, Any] = answered.json()
        return found

    yield invoke
    server.should_exit = True
    thread.join(60)


@pytest.mark.long
def test_each_invocation_has_an_experiment_of_its_own_and_leaves_nothing_behind(
    deployed: Callable[..., dict[str, Any]],
    local_config: dict[str, Any],
    readback: Readback,
    zenml_client: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    earlier = _kept()
    first = deployed(2)
    threads = _own_threads()
    with ThreadPoolExecutor(2) as pool:
        answers = [first, *pool.map(deployed, range(2)), deployed(3, skip_artifact_materialization=True)]

    assert [answer["outputs"] for answer in answers] == [{"output": 4}, {"output": 0}, None, {"output": 6}]
    keys = readback.keys("team", local_config["project_name"])
    assert len(keys) == 4
    failed = None
    for number, answer in zip((2, 0, 1, 3), answers, strict=True):
        step = zenml_client.get_pipeline_run(answer["metadata"]["run_id"]).steps["answer"]
        key = step.run_metadata["comet_experiment_key"]
        keys.remove(key)
        assert [(value, at) for value, at, _ in readback.points(key, "number")] == [(number, 0), (number, 1)]
        assert "gossip" not in readback.metrics(key)
        about = readback.metadata(key)
        failed = step.id if number == 1 else failed
        assert (about["running"], about["hasCrashed"]) == (False, number == 1)
        assert str(step.status) == ("failed" if number == 1 else "completed")
    assert "log_metrics was ignored" in caplog.text
    assert _own_threads() <= threads
    # As half a minute later: then nothing more can come of steps that ZenML has completed.
    last_word._look()
    # Pytest keeps what was logged: the exception of the step that failed, and with it all the frames of that step.
    assert _kept() - earlier <= {failed}
    assert step_runs.pop_all() == []


def _kept() -> set[Any]:
    """The step runs that anything in this process still holds, by their ids."""
    gc.collect()
    return {found.step_run_id for found in gc.get_objects() if isinstance(found, StepRun)}


def _own_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "comet" in thread.name}
