"""The steps of a run find each other, and ZenML the page that shows them all."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import context_pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import grouping
from zenml_comet_tracker.tracker.background import background

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]
Config = dict[str, Any]
RUN: Any = "5f0c"


def test_the_runs_page_shows_the_experiments_of_the_run_and_no_others(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps, zenml_client: Any
) -> None:
    """Where it is is known only when the server has said so, and ZenML asks nobody about a dynamic pipeline's run."""
    del local_config["workspace"], local_config["project_name"]
    # No tag of the run: people may take tags off.
    tracked_stack({**local_config, "auto_tags": [], "log_output": False})

    context_pipelines.one_quiet_step()
    context_pipelines.quiet_and_dynamic()

    assert background.settle(30)
    steps = [steps_of(name)["quiet"] for name in ("one_quiet_step", "quiet_and_dynamic")]
    keys = [step.run_metadata["comet_experiment_key"] for step in steps]
    for step in steps:
        page = zenml_client.get_pipeline_run(step.pipeline_run_id).run_metadata["comet_project_url"]
        assert urlsplit(page).path == urlsplit(step.run_metadata["experiment_tracker_url"]).path.rpartition("/")[0]
        assert parse_qs(urlsplit(page).query) == {"q": [f"zenml_run_id={step.pipeline_run_id}"]}
        shown = readback.server.call("GET", page.removeprefix(f"{readback.server.url}/")).text
        assert [key for key in keys if f"/{key}" in shown] == [step.run_metadata["comet_experiment_key"]]


def test_zenml_is_told_of_the_page_before_the_first_step(
    tracked_stack: Stack, local_config: Config, zenml_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked_stack(local_config)
    # Earlier steps of this process may have met the server.
    monkeypatch.setattr(grouping, "_local_pages", set())
    tracker = zenml_client.active_stack.experiment_tracker
    assert tracker.get_pipeline_run_metadata(uuid.uuid4()) == {}
    of_the_pipeline = SimpleNamespace(settings={"experiment_tracker.comet_rest": {"project_name": "digits"}})
    monkeypatch.setattr(grouping, "run_in_progress", lambda _: SimpleNamespace(config=of_the_pipeline))
    page = f"{local_config['url']}/team/digits"
    assert tracker.get_pipeline_run_metadata(uuid.uuid4()) == {"comet_project_url": page}
    # A step has met the local server there: so it is the run's own page from the start.
    grouping.page_of(cast(Any, SimpleNamespace(project_url=page, on_local_server=True)), RUN)
    run_id = uuid.uuid4()
    expected = {"comet_project_url": f"{page}?q=zenml_run_id%3D{run_id}"}
    assert tracker.get_pipeline_run_metadata(run_id) == expected
    monkeypatch.setattr(grouping, "page_before", lambda *_: 1 / 0)
    assert tracker.get_pipeline_run_metadata(uuid.uuid4()) == {}


@pytest.mark.parametrize(
    ("config", "page"),
    [
        pytest.param({"api_key": "k"}, "https://www.comet.com/team/digits", id="comet"),
        pytest.param({"url": "https://comet.example.com"}, "https://comet.example.com/team/digits", id="own"),
        pytest.param({"url": "https://comet.example.com", "project_name": None}, None, id="no project"),
        pytest.param({"url": "offline", "api_key": "k"}, None, id="offline"),
        pytest.param({"url": "ftp://x"}, None, id="no address"),
        pytest.param({}, None, id="no key"),
    ],
)
def test_before_the_first_step_a_page_is_named_only_where_it_is_known(
    config: Config, page: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMET_API_KEY", "COMET_WORKSPACE", "COMET_PROJECT_NAME", "COMET_URL_OVERRIDE"):
        monkeypatch.delenv(name, raising=False)
    given = {"workspace": "team", "project_name": "digits", **config}
    settings = CometExperimentTrackerSettings(workspace=given["workspace"], project_name=given["project_name"])
    assert grouping.page_before(CometExperimentTrackerConfig(**given), settings, RUN) == page


def test_the_local_servers_page_is_known_where_it_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from zenml_comet_tracker.local import launch

    config = CometExperimentTrackerConfig(url="local")
    settings = CometExperimentTrackerSettings(workspace="team", project_name="digits")
    monkeypatch.setattr(launch, "ensure", lambda: pytest.fail("started a server"))
    found: list[Any] = [None, launch.Address("http://127.0.0.1:5470", "k" * 40)]
    monkeypatch.setattr(launch, "address", lambda: found.pop(0))
    assert grouping.page_before(config, settings, RUN) is None
    expected = "http://127.0.0.1:5470/team/digits?q=zenml_run_id%3D5f0c"
    assert grouping.page_before(config, settings, RUN) == expected


def test_a_page_of_comets_own_has_no_filter_in_its_address() -> None:
    experiment: Any = SimpleNamespace(project_url="https://www.comet.com/team/digits", on_local_server=False)
    assert grouping.page_of(experiment, RUN) == "https://www.comet.com/team/digits"
    nowhere: Any = SimpleNamespace(project_url=None, on_local_server=False)
    assert grouping.page_of(nowhere, RUN) is None
