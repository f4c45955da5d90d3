"""Which key a journal is delivered with: the one it was written with, wherever that is found, never a stranger's."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner

from tests.comet.offline import log, offline_writer
from zenml_comet_tracker.cli.credentials import Keys
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.journal.record import Header, fingerprint
from zenml_comet_tracker.local import launch

if TYPE_CHECKING:
    from zenml.client import Client

ROOT = "http://comet.invalid"


def header(written_with: str | None, root: str = ROOT, component: object = None) -> Header:
    known = fingerprint(written_with) if written_with is not None else ""
    return Header("k" * 32, root, known, component_id=None if component is None else str(component))


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_API_KEY", "configured")


@pytest.fixture
def local(daemon: launch.RunningServer, monkeypatch: pytest.MonkeyPatch) -> launch.RunningServer:
    """The user's local Comet, which runs."""
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon.data))
    return daemon


@pytest.fixture
def component(zenml_client: Client, tracked_stack: Callable[..., str]) -> Callable[..., Any]:
    """Register a tracker whose key is in a ZenML secret; answers the component's id."""
    from zenml.enums import StackComponentType

    def register(key: str, *, attached: bool = False) -> Any:
        secret = f"secret_{uuid.uuid4().hex[:8]}"
        name = "COMET_API_KEY" if attached else "api_key"
        zenml_client.create_secret(secret, {name: key})
        configuration = {"url": ROOT} if attached else {"url": ROOT, "api_key": f"{{{{{secret}.api_key}}}}"}
        tracker = tracked_stack(configuration, secrets=[secret] if attached else None)
        return zenml_client.get_stack_component(StackComponentType.EXPERIMENT_TRACKER, tracker).id

    return register


def test_a_key_that_was_typed_is_believed() -> None:
    settings = Keys("typed").settings_for(header("another"))
    assert (settings.api_key, settings.root) == ("typed", ROOT)


@pytest.mark.usefixtures("configured")
def test_a_configured_key_is_used_when_it_is_the_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Keys(None).settings_for(header("configured")).api_key == "configured"
    assert Keys(None).settings_for(header(None)).api_key == "configured"
    with pytest.raises(ConfigurationError, match="--api-key"):
        Keys(None).settings_for(header("another"))
    monkeypatch.delenv("COMET_API_KEY")
    with pytest.raises(ConfigurationError, match="written with"):
        Keys(None).settings_for(header("another"))


def test_without_any_key_it_is_said_how_to_give_one() -> None:
    with pytest.raises(ConfigurationError, match=r"no API key was found.*--api-key.*COMET_API_KEY.*\.comet\.yml"):
        Keys(None).settings_for(header(None))


@pytest.mark.usefixtures("configured")
def test_the_local_comets_key_is_for_its_own_journals(local: launch.RunningServer) -> None:
    assert Keys(None).settings_for(header(local.api_key, local.url)).api_key == local.api_key
    assert Keys(None).settings_for(header(None, local.url)).api_key == local.api_key
    with pytest.raises(ConfigurationError):
        Keys(None).settings_for(header(local.api_key, ROOT))


def test_the_local_comet_is_started_for_its_journals(local: launch.RunningServer) -> None:
    launch.stop(local.data)
    assert Keys(None).settings_for(header(local.api_key, local.url)).api_key == local.api_key
    running = launch.find(local.data)
    assert running is not None
    assert running.url == local.url


@pytest.mark.long
def test_what_was_meant_for_the_local_comet_goes_to_where_it_is_now(
    local: launch.RunningServer, journals: Path
) -> None:
    """Told by its key: nothing else can be trusted to be the same server at another port."""
    with offline_writer(journals, local.url, api_key=local.api_key) as writer:
        log(writer, range(3))
    launch.stop(local.data)
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as before:
        port = taken.getsockname()[1]
        taken.close()
        now = launch.ensure(local.data, port=port)
        elsewhere = f"http://127.0.0.1:{before.getsockname()[1]}"
        assert Keys(None).settings_for(header(local.api_key, elsewhere)).root == now.url
        assert Keys("typed").settings_for(header(local.api_key, elsewhere)).root == elsewhere
        with pytest.raises(ConfigurationError):
            Keys(None).settings_for(header("another", elsewhere))
        with pytest.raises(ConfigurationError):
            Keys(None).settings_for(header(None, elsewhere))
    result = CliRunner().invoke(main, ["sync", str(journals)])
    assert result.exit_code == 0, result.output
    assert now.url in result.output
    query = {"experimentKey": writer.header.experiment_key, "metricName": "loss"}
    asked = {"headers": {"Authorization": now.api_key}, "params": query, "timeout": 20}
    points = requests.get(f"{now.url}/api/rest/v2/experiment/metrics/get-metric", **asked).json()["metrics"]
    assert len(points) == 3
    assert now.url != local.url


@pytest.mark.parametrize("known", [True, False], ids=["its journal", "a keyless journal"])
def test_a_stranger_at_the_address_of_the_local_comet_gets_no_key(
    known: bool, local: launch.RunningServer, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch.stop(local.data)
    monkeypatch.setenv("COMET_API_KEY", local.api_key)
    monkeypatch.setenv("COMET_TIMEOUT_HTTP", "0.2")
    port = int(local.url.rpartition(":")[2])
    with offline_writer(journals, local.url, api_key=local.api_key if known else "") as writer:
        log(writer, range(3))
    with socket.create_server(("127.0.0.1", port)) as stranger:
        result = CliRunner().invoke(main, ["sync", str(journals)])
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.accept()
    assert result.exit_code == 1
    assert "does not run" in result.stdout
    assert f"Another program listens at port {port}" in result.stdout
    assert "zenml-comet up" in result.stdout


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("attached", [False, True], ids=["referenced", "attached"])
def test_the_key_of_the_component_that_tracked_the_step_is_found_in_its_secret(
    component: Callable[..., Any], attached: bool
) -> None:
    tracker = component("in-the-vault", attached=attached)
    assert Keys(None).settings_for(header("in-the-vault", component=tracker)).api_key == "in-the-vault"
    assert Keys(None).settings_for(header(None, component=tracker)).api_key == "in-the-vault"
    assert Keys(None).settings_for(header("configured", component=tracker)).api_key == "configured"


@pytest.mark.usefixtures("configured", "zenml_client")
def test_a_component_that_is_gone_leaves_the_other_keys(caplog: pytest.LogCaptureFixture) -> None:
    gone = uuid.uuid4()
    with caplog.at_level(logging.WARNING):
        keys = Keys(None)
        assert keys.settings_for(header(None, component=gone)).api_key == "configured"
        assert keys.settings_for(header(None, component=gone)).api_key == "configured"
    assert [str(gone) in record.getMessage() for record in caplog.records if "component" in record.getMessage()] == [
        True
    ]


@pytest.mark.usefixtures("configured")
def test_offline_switches_of_the_environment_say_nothing_about_a_sync(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMET_START_ONLINE", "0")
    monkeypatch.setenv("COMET_OFFLINE_DIRECTORY", str(tmp_path))
    assert Keys(None).settings_for(header("configured")).api_key == "configured"
    monkeypatch.delenv("COMET_API_KEY")
    with pytest.raises(ConfigurationError, match="--api-key"):
        Keys(None).settings_for(header(None))
