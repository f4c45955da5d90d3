"""Steps that ZenML runs on another machine: isolated ones, and those of a step operator.

They run ZenML's own entrypoint, in processes with no home and with a journal that is deleted when they end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from zenml.enums import StackComponentType as Type

from tests import remote_pipelines
from tests.fixtures import elsewhere
from tests.fixtures.machine import Machine
from tests.tracker.conftest import Readback

Stack = Callable[..., str]
VALUES = [0.5, 0.25, 1e-9]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    yield made
    made.stop()


@pytest.fixture
def away(zenml_client: Any, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> dict[Type, str]:
    """The components that take steps away, as others of `tracked_stack`."""
    monkeypatch.setattr(elsewhere, "machine", machine)
    monkeypatch.setenv("ZENML_DYNAMIC_PIPELINE_MONITORING_INTERVAL", "0.1")
    flavors = {
        Type.ORCHESTRATOR: elsewhere.ElsewhereOrchestratorFlavor,
        Type.STEP_OPERATOR: elsewhere.ElsewhereStepOperatorFlavor,
    }
    for type_, flavor in flavors.items():
        if not zenml_client.list_stack_components(type=type_, flavor="elsewhere").total:
            zenml_client.create_flavor(f"{flavor.__module__}.{flavor.__name__}", type_)
            zenml_client.create_stack_component("elsewhere", "elsewhere", type_, {})
    return dict.fromkeys(flavors, "elsewhere")


@pytest.mark.long
def test_what_steps_log_on_another_machine_is_complete_when_that_is_gone(
    tracked_stack: Stack,
    local_config: dict[str, Any],
    readback: Readback,
    steps_of: Callable[[str], dict[str, Any]],
    away: dict[Type, str],
    machine: Machine,
    closed_port: int,
) -> None:
    # In the step's own folder, which goes with it.
    fleeting = {"journal_folder": "journal", "journal_persistent": False}
    unreachable = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "finish_timeout": 0.5}
    tracked_stack({**local_config, **fleeting}, {**unreachable, **fleeting}, others=away)

    with pytest.raises(Exception, match="no good elsewhere"):
        remote_pipelines.far_away(VALUES)

    steps = steps_of("far_away")
    keys = {readback.others(key)["zenml_step_name"]: key for key in readback.keys("team", local_config["project_name"])}
    assert keys.keys() == steps.keys() == {"isolated", "operated"}
    for name, step in steps.items():
        key, metadata = keys[name], step.run_metadata
        machine.forget(name)
        assert readback.points(key, "loss") == [(value, number, None) for number, value in enumerate(VALUES)]
        assert metadata["experiment_tracker_url"] == f"{readback.server.url}/team/{local_config['project_name']}/{key}"
        assert readback.others(key)["zenml_step_run_id"] == str(step.id)
        about = readback.metadata(key)
        assert (about["running"], about["hasCrashed"]) == (False, name == "operated")
        # Of the server that nobody reached: the three values, the parameters, and what is logged by itself.
        (lost,) = (value for key, value in metadata.items() if key.startswith("comet_lost_"))
        assert lost >= 3
        assert f"({lost} values) is lost if " in machine.output(name)
    parameters = readback.parameters(keys["isolated"])
    assert parameters["home"].endswith("no-folder/home")
    assert int(parameters["process"]) != os.getpid()
    assert steps["isolated"].outputs["output"][0].load() == "NotADirectoryError"
    assert readback.assets(keys["isolated"])["raw.bin"] == b"\x00bytes\xff"
    assert "no good elsewhere" in readback.metadata(keys["operated"])["error"]
