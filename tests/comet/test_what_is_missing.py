"""What is not there, may not be read or does not answer has an error of its own, whichever call asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker import API, Metric, cometr
from zenml_comet_tracker.comet import errors

ABSENT = "f" * 32

MISSING: dict[str, tuple[Callable[[API, str], Any], str]] = {
    "a workspace, by get": (lambda api, key: api.get("nobodys"), "workspace 'nobodys'"),
    "a workspace, its projects": (lambda api, key: api.get_projects("nobodys"), "workspace 'nobodys'"),
    "a workspace, its experiments": (lambda api, key: api.get_experiments("nobodys"), "workspace 'nobodys'"),
    "a project, by get": (lambda api, key: api.get("ws/none"), "project 'none'"),
    "a project, its experiments": (lambda api, key: api.get_experiments("ws", "none"), "project 'none'"),
    "a project, its columns": (lambda api, key: api.get_project_columns("ws", "none"), "project 'none'"),
    "a project, a query": (lambda api, key: api.query("ws", "none", Metric("loss") > 1), "project 'none'"),
    "a project, its notes": (lambda api, key: api.get_project_notes(ABSENT), f"project with id '{ABSENT}'"),
    "an experiment, its tags": (lambda api, key: api.get_experiment_tags(ABSENT), f"experiment with key '{ABSENT}'"),
    "an experiment, to delete": (lambda api, key: api.delete_experiment(ABSENT), f"experiment with key '{ABSENT}'"),
    "an asset": (lambda api, key: api.get_experiment_asset(key, ABSENT), f"asset with id '{ABSENT}'"),
    "an artifact": (lambda api, key: api.get_artifact("ws", "none"), "artifact 'none'"),
    "a model": (lambda api, key: api.get_model("ws", "none"), "model 'none'"),
}


@pytest.fixture
def api(local_server: LocalServer) -> API:
    return API(local_server.api_key, url=local_server.url)


@pytest.mark.parametrize(("ask", "said"), MISSING.values(), ids=MISSING)
def test_what_is_not_there(api: API, key: str, ask: Callable[[API, str], Any], said: str) -> None:
    with pytest.raises(errors.NotFoundError, match=said) as raised:
        ask(api, key)
    assert raised.value.status == 404


def test_what_is_looked_for_by_name_may_be_absent(api: API, key: str) -> None:
    assert api.get_project("ws", "none") is None
    assert api.get_experiment("ws", "tests", "none") is None
    assert api.get_experiment_by_key(ABSENT) is None


WITH_A_WRONG_KEY: dict[str, Callable[[str, str], Any]] = {
    "API": lambda url, key: API("wrong-key", url=url).get(),
    "API, an experiment": lambda url, key: API("wrong-key", url=url).get_experiment_tags(key),
    "cometr": lambda url, key: cometr.get_workspaces(api_key="wrong-key"),
    "cometr, an endpoint": lambda url, key: cometr.call_api("workspaces", api_key="wrong-key"),
}


@pytest.mark.parametrize("ask", WITH_A_WRONG_KEY.values(), ids=WITH_A_WRONG_KEY)
def test_a_wrong_key(
    local_server: LocalServer, key: str, monkeypatch: pytest.MonkeyPatch, ask: Callable[[str, str], Any]
) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    with pytest.raises(errors.UnauthorizedError) as raised:
        ask(local_server.url, key)
    assert "wrong-key" not in str(raised.value)


def test_nobody_answers(comet: ScriptedComet) -> None:
    comet.close()
    with pytest.raises(errors.ConnectionFailedError, match="Connection refused"):
        API("key", url=comet.root).get()


def test_an_artifact_whose_upload_goes_on_is_not_final(local_server: LocalServer, api: API) -> None:
    owner = begin(local_server)
    local_server.post(
        "write/artifacts/upsert", workspaceName="ws", artifactName="half", artifactType="dataset", experimentKey=owner
    )
    with pytest.raises(errors.NotFinalError):
        api.get_artifact("ws", "half")


def test_a_server_that_wants_to_be_left_alone(comet: ScriptedComet) -> None:
    comet.answer_with("workspaces", Answer(429, headers={"Retry-After": "7"}))
    with pytest.raises(errors.ThrottledError) as raised:
        API("key", url=comet.root).get_workspaces()
    assert raised.value.retry_after == 7
