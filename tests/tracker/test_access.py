"""Where the key and the address of a step come from, and where the key never shows."""

from __future__ import annotations

import io
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.traceback import Traceback

from tests import pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.local import launch
from zenml_comet_tracker.tracker import CometExperimentTracker, access

Stack = Callable[..., str]
Config = dict[str, Any]

NOTHING_SET = CometExperimentTrackerSettings()


@pytest.fixture
def secret(zenml_client: Any) -> Iterator[Callable[..., str]]:
    """Make a ZenML secret with these values; answers its name."""
    made: list[str] = []

    def make(**values: str) -> str:
        made.append(f"secret_{uuid.uuid4().hex[:8]}")
        zenml_client.create_secret(made[-1], values)
        return made[-1]

    yield make
    for name in made:
        zenml_client.delete_secret(name)


def test_the_configuration_comes_before_attached_secrets_and_these_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attached = {"COMET_API_KEY": "attached", "COMET_WORKSPACE": "attached"}
    for name in ("COMET_API_KEY", "COMET_WORKSPACE", "COMET_PROJECT_NAME"):
        monkeypatch.setenv(name, "environment")

    found = access.resolve(CometExperimentTrackerConfig(api_key="configured"), NOTHING_SET, attached)

    assert (found.api_key, found.workspace, found.project_name) == ("configured", "attached", "environment")


def test_each_secret_reference_is_read_once(
    secret: Callable[..., str], monkeypatch: pytest.MonkeyPatch, zenml_client: Any
) -> None:
    name = secret(key="k" * 20, team="a-team")
    config = CometExperimentTrackerConfig(api_key=f"{{{{{name}.key}}}}", url="http://127.0.0.1:9")
    settings = CometExperimentTrackerSettings(workspace=f"{{{{{name}.team}}}}")
    reads: list[str] = []
    original = type(zenml_client).get_secret_by_name_and_private_status

    def counted(self: Any, name: str, **arguments: Any) -> Any:
        reads.append(name)
        return original(self, name, **arguments)

    monkeypatch.setattr(type(zenml_client), "get_secret_by_name_and_private_status", counted)

    found = access.resolve(config, settings, {})

    assert (found.api_key, found.workspace) == ("k" * 20, "a-team")
    assert reads == [name, name]


def test_without_any_key_the_way_to_one_is_said() -> None:
    with pytest.raises(ConfigurationError, match="COMET_API_KEY"):
        access.resolve(CometExperimentTrackerConfig(), NOTHING_SET, {})


def test_local_starts_the_embedded_server_and_uses_its_key(
    daemon_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon_folder))
    monkeypatch.setenv("COMET_API_KEY", "for-comet.com")

    found = access.resolve(CometExperimentTrackerConfig(url="local"), NOTHING_SET, {})
    running = launch.find(daemon_folder)

    assert running is not None
    assert (found.root, found.api_key) == (running.url, running.api_key)
    assert caplog.records == []
    again = access.resolve(CometExperimentTrackerConfig(url="local", api_key="another"), NOTHING_SET, {})
    assert again == found
    assert "remove-attribute" in caplog.text
    assert running.api_key not in caplog.text + repr(found)


def test_a_key_in_an_attached_secret_is_found(
    tracked_stack: Stack, local_config: Config, readback: Readback, secret: Callable[..., str]
) -> None:
    key = local_config.pop("api_key")
    tracked_stack(local_config, secrets=[secret(COMET_API_KEY=key)])

    pipelines.fitting([1.0])

    (found,) = readback.keys("team", local_config["project_name"])
    assert readback.points(found, "loss") == [(1.0, 0, 0)]


def test_a_reference_that_leads_nowhere_any_more_leaves_the_step_alone(
    tracked_stack: Stack,
    local_config: Config,
    secret: Callable[..., str],
    zenml_client: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "canary-plain-key-0123456789"
    name = secret(team="a-team")
    tracked_stack({**local_config, "api_key": key, "journal_folder": f"{{{{{name}.folder}}}}"})
    # ZenML would refuse to start the run at all.
    monkeypatch.setenv("ZENML_SECRET_VALIDATION_LEVEL", "NONE")
    monkeypatch.setattr("zenml.stack.stack.Stack.validate", lambda *_, **__: None)
    caplog.set_level(logging.DEBUG)

    pipelines.fitting([1.0])

    assert f"The secret {name} does not contain a value for key folder" in caplog.text
    assert key not in caplog.text


@pytest.mark.long
@pytest.mark.parametrize("strict", [False, True])
def test_a_plain_key_shows_nowhere(
    strict: bool,
    tracked_stack: Stack,
    closed_port: int,
    tmp_path: Path,
    zenml_client: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    key = "canary-plain-key-0123456789"
    caplog.set_level(logging.DEBUG)
    url = f"http://127.0.0.1:{closed_port}"
    tracked_stack({"url": url, "api_key": key, "journal_folder": str(tmp_path), "strict": strict})

    if strict:
        with pytest.raises(RuntimeError):
            pipelines.fitting([1.0])
    else:
        pipelines.fitting([1.0])

    tracker = zenml_client.active_stack.experiment_tracker
    (run,) = zenml_client.list_pipeline_runs(sort_by="desc:created", size=1).items
    step = zenml_client.get_pipeline_run(run.id).steps["fit"]
    told = [repr(tracker), str(tracker), repr(tracker.config), caplog.text, *capfd.readouterr()]
    kept = [step.model_dump_json(), *(path.read_bytes().decode("latin-1") for path in _files(tmp_path))]
    assert [text for text in (*told, *kept) if key in text] == []
    assert any("through_the_stack" in text for text in kept)


def test_a_plain_key_shows_in_no_frame_of_what_a_strict_step_raises(
    tracked_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "canary-plain-key-0123456789"
    printed = io.StringIO()
    prepare = CometExperimentTracker.prepare_step_run

    def shown(tracker: CometExperimentTracker, info: Any) -> None:
        try:
            prepare(tracker, info)
        except Exception as error:
            frames = error.__traceback__.tb_next if error.__traceback__ else None
            rich = Traceback.from_exception(type(error), error, frames, show_locals=True, locals_max_string=None)
            Console(file=printed, width=300).print(rich)
            raise

    monkeypatch.setattr(CometExperimentTracker, "prepare_step_run", shown)
    tracked_stack({"url": "ftp://nowhere", "api_key": key, "strict": True})

    with pytest.raises(RuntimeError):
        pipelines.fitting([1.0])

    assert "ftp://nowhere" in printed.getvalue()
    assert "locals" in printed.getvalue()
    assert key not in printed.getvalue()


def test_no_tracked_step_has_changed_the_environment(
    environment_before_tracking: dict[str, str], tracked_stack: Stack, local_config: Config
) -> None:
    tracked_stack({**local_config, "api_key": "canary-plain-key-0123456789", "finish_timeout": 2.0})

    pipelines.fitting([1.0])

    comets = {name: value for name, value in os.environ.items() if "COMET" in name}
    assert comets == {name: value for name, value in environment_before_tracking.items() if "COMET" in name}
    assert [name for name, value in os.environ.items() if "canary-plain-key" in value] == []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
