"""What an experiment is, how it stands, and what is done with it as a whole."""

from __future__ import annotations

import sys
import types
import webbrowser
from collections.abc import Callable
from typing import Any

import pytest

from tests.comet.api_experiment.conftest import Pair
from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import connect
from zenml_comet_tracker.comet.errors import (
    ConfigurationError,
    ConnectionFailedError,
    InvalidArgumentError,
    NotFoundError,
    UnauthorizedError,
)


def metadata(server: LocalServer, key: str) -> dict[str, Any]:
    return server.get("experiment/metadata", experimentKey=key)


def test_a_new_experiment_is_made_on_the_server(local_server: LocalServer) -> None:
    made = APIExperiment(
        local_server.api_key, url=local_server.url, workspace="ws", project_name="new ü", experiment_name="größe 🚀"
    )
    known = metadata(local_server, made.key)
    assert (known["workspaceName"], known["projectName"], known["experimentName"]) == ("ws", "new ü", "größe 🚀")
    assert (made.workspace, made.project_name, made.name) == ("ws", "new ü", "größe 🚀")
    assert made.url == f"{local_server.url}/ws/new%20%C3%BC/{made.key}"
    assert local_server.call("GET", made.url.removeprefix(f"{local_server.url}/")).status_code == 200
    assert repr(made) == f"<APIExperiment 'ws/new ü/{made.key}'>"


def test_settings_say_what_arguments_do_not(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    monkeypatch.setenv("COMET_REST_API_KEY", local_server.api_key)
    made = APIExperiment()
    assert metadata(local_server, made.key)["projectName"] == "general"
    assert made.workspace == local_server.get("account-details")["defaultWorkspaceName"]
    monkeypatch.setenv("COMET_WORKSPACE", "ws")
    monkeypatch.setenv("COMET_PROJECT_NAME", "from environment")
    known = metadata(local_server, APIExperiment().key)
    assert (known["workspaceName"], known["projectName"]) == ("ws", "from environment")


@pytest.mark.parametrize("name", ["api_key", "rest_api_key", "api", "position"])
def test_an_experiment_that_exists_is_found(name: str, local_server: LocalServer, key: str) -> None:
    there = {"url": local_server.url, "previous_experiment": key, "cache": True}
    if name == "position":
        found = APIExperiment(local_server.api_key, False, "v2", url=local_server.url, previous_experiment=key)
    elif name == "api":
        api = API(local_server.api_key, url=local_server.url)
        found = APIExperiment(api=api, previous_experiment=key)
        assert found._connection is api._connection
    else:
        found = APIExperiment(**there, **{name: local_server.api_key})
    assert (found.key, found.id, found.workspace) == (key, key, "ws")
    assert not metadata(local_server, key)["archived"]


def test_metadata_at_hand_cost_no_request(local_server: LocalServer, key: str) -> None:
    connection = connect(local_server.api_key, url=local_server.url)
    found = APIExperiment.of(connection, metadata(local_server, key))
    assert (found.name, found.workspace, found.project_name, found.archived) == (None, "ws", "tests", False)
    assert found.url == f"{local_server.url}/ws/tests/{key}"
    assert connection.requests == 0
    assert found == APIExperiment.of(connection, {"experimentKey": key})
    assert len({found, APIExperiment.of(connection, {"experimentKey": key})}) == 1
    assert APIExperiment.of(connection, {"experimentKey": key}).workspace == "ws"
    assert connection.requests == 1
    part = APIExperiment.of(connection, {"experimentKey": key, "experimentName": "listed"})
    assert (part.name, part.project_name) == ("listed", "tests")


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"previous_experiment": "0" * 32}, NotFoundError, "There is no experiment with key"),
        ({"previous_experiment": ""}, InvalidArgumentError, "leave it out for a new experiment"),
        ({"previous_experiment": None}, InvalidArgumentError, "leave it out for a new experiment"),
        ({"api_key": "wrong" * 8}, UnauthorizedError, "401"),
        ({"url": "http://127.0.0.1:1"}, ConnectionFailedError, "got no answer"),
        ({"version": "v3"}, ConfigurationError, "version='v3' is unknown"),
        ({"experiment": "x"}, TypeError, "knows no argument 'experiment'; it takes api, api_key, cache"),
        ({"api": object()}, TypeError, "api is expected to be an API; got object"),
    ],
)
def test_what_cannot_be_made_is_told(
    arguments: dict[str, Any], error: type[Exception], told: str, local_server: LocalServer
) -> None:
    usual = {"api_key": local_server.api_key, "url": local_server.url, "workspace": "ws"}
    with pytest.raises(error, match=told):
        APIExperiment(**{**usual, **arguments})


def test_a_key_that_the_cloud_refuses_is_not_found(comet: ScriptedComet) -> None:
    comet.answer_with("experiment/metadata", Answer(400, {"msg": "No such experiment", "sdk_error_code": 90210}))
    with pytest.raises(NotFoundError, match=r"of 'wrong'.*status 400: No such experiment") as raised:
        APIExperiment("key", url=comet.root, previous_experiment="wrong")
    assert raised.value.sdk_error_code == 90210


def test_positions_are_told() -> None:
    with pytest.raises(TypeError, match="takes api_key, cache, version by position and got 4"):
        APIExperiment("key", True, "v2", "0" * 32)
    with pytest.raises(TypeError, match="got 'api_key' by position and by name"):
        APIExperiment("key", api_key="other")


@pytest.mark.parametrize(
    ("state", "running", "crashed"),
    [("running", True, False), ("finished", False, False), ("crashed", False, True)],
)
def test_state(state: str, running: bool, crashed: bool, local_server: LocalServer, experiment: APIExperiment) -> None:
    experiment.set_state(state)
    known = metadata(local_server, experiment.key)
    assert (known["running"], known["hasCrashed"]) == (running, crashed)
    assert experiment.get_state() == state


def test_update_status_is_a_sign_of_life(local_server: LocalServer, experiment: APIExperiment) -> None:
    experiment.set_state("finished")
    answer = experiment.update_status()
    assert answer == {
        "isAliveBeatDurationMillis": 10_000, "gpuMonitorIntervalMillis": 60_000, "cpuMonitorIntervalMillis": 68_000
    }  # fmt: skip
    assert metadata(local_server, experiment.key)["running"]


def test_end_changes_nothing(local_server: LocalServer, experiment: APIExperiment) -> None:
    before = experiment._connection.requests
    experiment.end()
    assert experiment._connection.requests == before


def test_times_with_the_other_one_missing(local_server: LocalServer, ours: Callable[[str], APIExperiment]) -> None:
    def times(*calls: tuple[str, int]) -> tuple[int, int]:
        key = local_server.post("write/experiment/create", workspaceName="ws")["experimentKey"]
        experiment = ours(key)
        for method, millis in calls:
            getattr(experiment, method)(millis)
        known = metadata(local_server, key)
        assert (experiment.start_server_timestamp, experiment.end_server_timestamp) == (
            known["startTimeMillis"],
            known["endTimeMillis"],
        )
        return known["startTimeMillis"], known["endTimeMillis"]

    assert times(("set_start_time", 5_000)) == (5_000, 6_000)
    assert times(("set_start_time", 5_000), ("set_end_time", 9_000)) == (5_000, 9_000)
    assert times(("set_end_time", 9_000), ("set_start_time", 5_000)) == (5_000, 9_000)


def test_archive(local_server: LocalServer, experiment: APIExperiment, official: Callable[[str], Any]) -> None:
    assert not experiment.archived
    experiment.archive()
    assert metadata(local_server, experiment.key)["archived"]
    assert experiment.archived
    assert experiment.url == official(experiment.key).url
    assert local_server.call("GET", experiment.url.removeprefix(f"{local_server.url}/")).status_code == 200


def test_create_symlink(local_server: LocalServer, experiment: APIExperiment) -> None:
    link = experiment.create_symlink("my-other-project")
    assert link == f"{local_server.url}/ws/my-other-project/{experiment.key}"
    for project in ("my-other-project", "tests"):
        listed = local_server.get("experiments", workspaceName="ws", projectName=project)["experiments"]
        assert experiment.key in {row["experimentKey"] for row in listed}


@pytest.mark.parametrize(
    "arguments",
    [{}, {"tab": "metrics"}, {"new": 1, "autoraise": False}],
)
def test_display_opens_what_the_official_sdk_opens(
    arguments: dict[str, Any], empty: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(webbrowser, "open", lambda *given, **named: opened.append((given, named)))
    for one in (empty.ours, empty.official):
        one.display(**arguments)
        if "tab" not in arguments:
            one.display_project(**arguments)
    half = len(opened) // 2
    assert opened[:half] == opened[half:]
    assert half


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a notebook shows: IPython stood in for, with a kernel's shell."""
    found: list[Any] = []
    shell = type("ZMQInteractiveShell", (), {})()
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: shell  # type: ignore[attr-defined]
    display = types.ModuleType("IPython.display")
    display.IFrame = lambda **given: given  # type: ignore[attr-defined]
    display.display = found.append  # type: ignore[attr-defined]
    display.clear_output = lambda wait: found.append(f"clear, wait={wait}")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(webbrowser, "open", lambda *_, **__: pytest.fail("opened a browser"))
    return found


def test_display_in_a_notebook(empty: Pair, shown: list[Any]) -> None:
    empty.ours.display()
    empty.ours.display(clear=True, wait=False, tab="code")
    frame = {"src": empty.ours.url, "width": "100%", "height": 800}
    assert shown == [frame, "clear, wait=False", {**frame, "src": f"{empty.ours.url}?experiment-tab=code"}]


def test_display_in_ipython_on_a_terminal_opens_a_browser(
    empty: Pair, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = type("TerminalInteractiveShell", (), {})()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell, raising=False)
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url, **_: opened.append(url))
    empty.ours.display()
    assert (opened, shown) == ([empty.ours.url], [])
