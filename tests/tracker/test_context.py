"""What an experiment knows of the step, its run and its artifacts, read back over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests import context_pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker.tracker import artifacts, asking, context, grouping
from zenml_comet_tracker.tracker.background import background

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]
Config = dict[str, Any]


def _assets(readback: Readback, key: str) -> dict[str, Any]:
    listed = readback.get("experiment/asset/list", experimentKey=key, type="all")["assets"]
    return {asset["fileName"]: asset for asset in listed}


def test_experiment_and_zenml_know_each_other(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, zenml_client: Any
) -> None:
    stack = f"stack_{tracked_stack(local_config)}"

    with pytest.raises(RuntimeError):
        context_pipelines.contextual()

    steps = steps_of("contextual")
    first, second = steps["load"], steps["train"]
    keys = {name: step.run_metadata["comet_experiment_key"] for name, step in steps.items()}
    run = zenml_client.get_pipeline_run(first.pipeline_run_id)
    # Which ZenML asks for while it makes the run, and the first step completes.
    assert run.run_metadata["comet_project_url"].startswith(f"{readback.server.url}/team/")

    others = readback.others(keys["train"])
    assert (others["zenml_run_id"], others["zenml_run_name"]) == (str(run.id), run.name)
    assert others["zenml_stack"] == stack
    assert others["zenml_user"] == "default"
    assert others["zenml_tags"] == "nightly"
    assert others["zenml_upstream_steps"] == "load"
    assert (others["zenml_model"], others["zenml_model_version"]) == ("digits", "1")
    # A store without a server has no dashboard.
    assert "zenml_dashboard_url" not in others
    assert readback.tags(keys["train"]) >= {run.name, str(run.id), "contextual"}
    shown = {"rate": "0.1", "database|password": "***", "database|url": "db://***@host/x"}
    assert readback.parameters(keys["load"]) == shown

    (version,) = first.outputs["values"]
    for asset in (_assets(readback, keys["load"])["outputs/values"], _assets(readback, keys["train"])["inputs/values"]):
        assert (asset["link"], asset["remote"]) == (version.uri, True)
        assert json.loads(asset["metadata"])["zenml_artifact_version_id"] == str(version.id)
    assert json.loads(_assets(readback, keys["train"])["inputs/values"]["metadata"])["zenml_from_step"] == "load"

    source = readback.get("experiment/code", experimentKey=keys["train"])["code"]
    assert "def train(values" in source
    packages = readback.get("experiment/system-details", experimentKey=keys["train"])["installedPackages"]
    assert any(package.startswith("zenml==") for package in packages)
    assert readback.get("experiment/output", experimentKey=keys["load"])["output"] == "loading\n"

    # The other direction: the failed step's last values, and the model version's.
    metadata = second.run_metadata
    assert {name: value for name, value in metadata.items() if name.startswith("comet_metric")} == {
        "comet_metric_loss": 0.5,
        "comet_metric_nan": "NaN",
        "comet_metric_a.colon": 2,
        "comet_metric_train_loss": 0.25,
    }
    assert metadata["comet_values"] > 4
    assert len(first.run_metadata) <= 6
    assert background.settle(30)
    of_model = zenml_client.get_model_version("digits", "1").run_metadata
    assert of_model["comet_url_train"] == metadata["experiment_tracker_url"]
    assert of_model["comet_metric_train_loss"] == 0.5
    assert of_model["comet_metric_train_train_loss"] == 0.25
    assert of_model["comet_url_load"] == first.run_metadata["experiment_tracker_url"]
    assert of_model["comet_metric_load_hooked"] == first.run_metadata["comet_metric_hooked"] == 1.0


OFF = (
    "log_step_parameters",
    "log_zenml_context",
    "log_artifacts",
    "log_code",
    "log_git",
    "log_environment",
    "log_system_metrics",
    "log_output",
    "log_final_metrics",
)


def test_each_part_can_be_switched_off(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, zenml_client: Any
) -> None:
    tracked_stack({**local_config, **dict.fromkeys(OFF, False)})

    with pytest.raises(RuntimeError):
        context_pipelines.contextual()

    steps = steps_of("contextual")
    for step in steps.values():
        key = step.run_metadata["comet_experiment_key"]
        assert readback.parameters(key) == {}
        assert _assets(readback, key) == {}
        assert "zenml_stack" not in readback.others(key)
        assert "zenml_model_version" not in readback.others(key)
        assert readback.get("experiment/output", experimentKey=key)["output"] in ("", None)
        assert not readback.get("experiment/system-details", experimentKey=key)["installedPackages"]
        assert not [name for name in step.run_metadata if name.startswith("comet_metric")]
        # Which step it is of is known all the same.
        assert readback.others(key)["zenml_step_run_id"] == str(step.id)


def test_outputs_that_zenml_does_not_tell_of_are_missed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held = SimpleNamespace(_outputs={"model": SimpleNamespace(artifact_uri="s3://bucket/model")})
    monkeypatch.setattr(artifacts, "StepContext", SimpleNamespace(get=lambda: held))
    monkeypatch.setattr(asking, "stored_outputs", lambda _: [])

    telling = SimpleNamespace(artifacts=True)
    artifacts.log_outputs(SimpleNamespace(telling=telling, step_run_id=None, name="run_train", experiment=None))

    assert "output artifacts of run_train are not logged" in caplog.text


def test_nothing_is_fetched_that_an_answer_does_not_hold() -> None:
    class Answer:
        model_fields = {"body": None, "name": None}
        name, metadata, resources = "held", None, None

        @property
        def user(self) -> Any:
            raise AssertionError("asked the server")

    assert (context.held(Answer(), "name"), context.held(Answer(), "user")) == ("held", None)


def test_the_dashboards_address_is_that_of_a_zenml_server(monkeypatch: pytest.MonkeyPatch, zenml_client: Any) -> None:
    from zenml.enums import StoreType
    from zenml.models import ServerDeploymentType

    about = SimpleNamespace(
        deployment_type=ServerDeploymentType.KUBERNETES, server_url="https://zenml.example.com", dashboard_url=None
    )
    store = SimpleNamespace(type=StoreType.REST, get_store_info=lambda: about, url="https://zenml.example.com")
    project = zenml_client.active_project
    monkeypatch.setattr(type(zenml_client), "zen_store", property(lambda _: store))
    logged: dict[str, str] = {}
    experiment: Any = SimpleNamespace(ended=False, log_other=logged.__setitem__)
    info: Any = SimpleNamespace(run_id="the-run", step_run=SimpleNamespace(project_id=project.id))

    grouping.tell_dashboard(experiment, info)

    assert background.settle(30)
    assert logged == {"zenml_dashboard_url": f"https://zenml.example.com/projects/{project.name}/runs/the-run"}
