"""Which stacks the tracker refuses, and which refuse the tracker: held against ZenML's own orchestrators."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from zenml.config.global_config import GlobalConfiguration
from zenml.enums import StackComponentType
from zenml.exceptions import StackValidationError
from zenml.orchestrators import LocalDockerOrchestrator, LocalOrchestrator
from zenml.orchestrators.local.local_orchestrator import LocalOrchestratorConfig
from zenml.orchestrators.local_docker.local_docker_orchestrator import LocalDockerOrchestratorConfig
from zenml.stack import Stack
from zenml.step_operators import BaseStepOperator, BaseStepOperatorConfig

from tests.tracker.clouds import ORCHESTRATORS, cloud_orchestrator, clouds, component, stack_of
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.flavor import FLAVOR, CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import CometExperimentTracker, access, validation

REFUSED = "Custom validation function failed"


@pytest.fixture(scope="module", autouse=True)
def _clouds() -> Iterator[None]:
    with clouds():
        yield


@pytest.fixture(autouse=True)
def _no_network_and_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*arguments: object, **_: object) -> Any:
        raise AssertionError(f"somebody was asked: {arguments}")

    for owner, name in ((socket.socket, "connect"), (socket, "getaddrinfo")):
        monkeypatch.setattr(owner, name, asked)
    monkeypatch.setattr("zenml.client.Client.get_secret_by_name_and_private_status", asked)


@pytest.fixture
def stores() -> Path:
    """ZenML's local stores."""
    return Path(GlobalConfiguration().local_stores_path)


def tracker(**configuration: Any) -> CometExperimentTracker:
    config = CometExperimentTrackerConfig(**configuration)
    made: CometExperimentTracker = component(
        CometExperimentTracker, config, StackComponentType.EXPERIMENT_TRACKER, name="my_comet", flavor=FLAVOR
    )
    return made


def local() -> Any:
    return component(LocalOrchestrator, LocalOrchestratorConfig(), StackComponentType.ORCHESTRATOR, flavor="local")


def local_docker() -> Any:
    config = LocalDockerOrchestratorConfig()
    return component(LocalDockerOrchestrator, config, StackComponentType.ORCHESTRATOR, flavor="local_docker")


class RemoteConfig(BaseStepOperatorConfig):
    is_remote: ClassVar[bool] = True


def step_operator() -> Any:
    return component(BaseStepOperator, RemoteConfig(), StackComponentType.STEP_OPERATOR, name="gpus", flavor="ours")


def validate(stack: Any) -> None:
    """As ZenML does it, with the validators of all components; the secrets are another part of it."""
    for one in stack.all_components:
        if one.validator:
            one.validator.validate(stack=stack)


@pytest.mark.parametrize("name", ORCHESTRATORS)
def test_remote_orchestrators_take_the_tracker(
    name: str, caplog: pytest.LogCaptureFixture, stores: Path, tmp_path: Path
) -> None:
    orchestrator = cloud_orchestrator(name)
    assert orchestrator.config.is_remote
    for journal in ({}, {"journal_folder": "/mnt/volume"}, {"journal_folder": "{{comet.folder}}"}):
        validate(stack_of(orchestrator, tracker(api_key="{{comet.key}}", url="{{comet.url}}", **journal)))
    assert caplog.records == []


@pytest.mark.parametrize("name", ["kubernetes", "vertex", "kubeflow", "modal"])
def test_a_journal_below_zenmls_local_stores_is_refused_by_remote_orchestrators_and_we_said_what_to_do(
    name: str, caplog: pytest.LogCaptureFixture, stores: Path
) -> None:
    mine = tracker(journal_folder=str(stores / "comet"))
    with pytest.raises(StackValidationError, match="my_comet"):
        validate(stack_of(cloud_orchestrator(name), mine))
    validation.validate("my_comet", mine.config, stack_of(cloud_orchestrator(name), mine))
    assert "remove-attribute my_comet journal_folder" in caplog.text


@pytest.mark.parametrize("name", ORCHESTRATORS)
def test_a_comet_of_the_machine_itself_is_refused_where_steps_run_on_another(name: str) -> None:
    with pytest.raises(StackValidationError, match=REFUSED) as refused:
        validate(stack_of(cloud_orchestrator(name), tracker(url="local")))
    for help_ in ("'my_comet' has url=local", f"({name})", "update my_comet --url=", "remove-attribute my_comet url"):
        assert help_ in str(refused.value)


def test_a_comet_of_the_machine_itself_is_refused_in_local_containers_and_taken_beside_them() -> None:
    with pytest.raises(StackValidationError, match="local_docker"):
        validate(stack_of(local_docker(), tracker(url="local")))
    validate(stack_of(local(), tracker(url="local")))
    # Where it is a secret which server is meant, nobody is asked.
    validate(stack_of(local_docker(), tracker(url="{{comet.url}}")))


def test_of_a_stack_with_a_step_operator_elsewhere_one_warning_says_which_steps_are_not_tracked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseStepOperator, "__abstractmethods__", frozenset())
    stack = stack_of(local(), tracker(url="local"), step_operator=step_operator())
    for _ in range(3):
        validate(stack)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "step operator 'gpus'" in said
    assert "not tracked" in said


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"url": "offline"}, "url=offline"),
        ({"url": "offline", "journal_folder": "/mnt/v", "journal_persistent": True}, None),
        ({"url": "http://me:canary@127.0.0.1:5000"}, "a url on 127.0.0.1"),
        ({"url": "http://localhost:5000"}, "a url on localhost"),
        ({"url": "https://comet.example.com"}, None),
        ({"url": "ftp://[nowhere"}, None),
    ],
)
def test_what_may_go_wrong_elsewhere_is_said_once_and_not_refused(
    configuration: dict[str, Any], said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    stack = stack_of(cloud_orchestrator("modal"), tracker(**configuration))
    for _ in range(3):
        validate(stack)
    messages = [record.getMessage() for record in caplog.records]
    assert [said in message for message in messages] == ([True] if said else [])
    assert "canary" not in caplog.text
    caplog.clear()
    validate(stack_of(local(), tracker(**configuration)))
    assert caplog.records == []


def test_local_containers_mount_the_journal_when_it_is_below_zenmls_local_stores(stores: Path, tmp_path: Path) -> None:
    inside = stores / "comet" / ".." / "journals"
    for folder, mounted in [
        (str(inside), str(stores / "journals")),
        (str(stores), str(stores)),
        (str(stores) + "-of-another", None),
        (str(stores / ".." / "elsewhere"), None),
        (str(tmp_path), None),
        ("~/journals", None),
        ("{{comet.folder}}", None),
        (None, None),
    ]:
        mine = tracker(journal_folder=folder)
        assert mine.local_path == mounted
        # What ZenML's local_docker does before it mounts its local stores: it refuses paths anywhere else.
        assert stack_of(local_docker(), mine).check_local_paths() is (mounted is not None)


@pytest.mark.parametrize(
    ("operator", "deployed", "taken_by"),
    [(None, False, "local_docker"), ("gpus", False, "ours"), (True, False, "ours"), (None, True, None)],
)
def test_a_step_knows_what_took_it_elsewhere_and_has_no_comet_of_its_own_there(
    operator: str | bool | None, deployed: bool, taken_by: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseStepOperator, "__abstractmethods__", frozenset())
    monkeypatch.setattr(Stack, "from_model", lambda stack: stack)
    monkeypatch.setattr("zenml.deployers.server.runtime.is_active", lambda: deployed)
    mine = tracker(url="local")
    stack = stack_of(local_docker(), mine, step_operator=step_operator())
    info: Any = SimpleNamespace(
        config=SimpleNamespace(step_operator=operator), snapshot=SimpleNamespace(stack=stack, is_dynamic=False)
    )

    found = validation.elsewhere(info)

    assert (found.flavor if found else None) == taken_by
    if found:
        with pytest.raises(ConfigurationError, match="url=local"):
            access.resolve(mine.config, CometExperimentTrackerSettings(), {}, found)
