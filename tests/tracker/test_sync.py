"""A step whose values waited gets the address of its experiment, and no losses, from whoever delivers them."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from zenml import Model

from tests import context_pipelines, pipelines
from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.delivery.adoption import Adopter, Kin
from zenml_comet_tracker.comet.journal.record import fingerprint
from zenml_comet_tracker.comet.transport import Transport
from zenml_comet_tracker.tracker import delivered
from zenml_comet_tracker.tracker.background import background

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]
Config = dict[str, Any]


def test_sync_finds_the_key_in_zenml_and_tells_zenml_the_address_once(
    comet: ScriptedComet,
    tracked_stack: Callable[..., str],
    steps_of: Callable[[str], dict[str, Any]],
    zenml_client: Any,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zenml_client.create_secret("vault", {"api_key": "in-the-vault"})
    monkeypatch.setenv("COMET_URL_OVERRIDE", comet.root)
    tracked_stack({"url": "offline", "api_key": "{{vault.api_key}}", "journal_folder": str(journals)})
    pipelines.fitting([0.5, 0.25])
    before = steps_of("fitting")["fit"].run_metadata

    result = CliRunner().invoke(main, ["sync", str(journals)])

    after = steps_of("fitting")["fit"].run_metadata
    page = f"{comet.root}/ws/proj/{before['comet_experiment_key']}"
    assert result.exit_code == 0, result.output
    assert page in result.stdout
    assert {asked.headers["authorization"] for asked in comet.asked if "authorization" in asked.headers} == {
        "in-the-vault"
    }
    assert (before["comet_delivery"], "experiment_tracker_url" in before) == ("offline", False)
    assert (after["comet_delivery"], str(after["experiment_tracker_url"])) == ("synced", page)
    assert list(journals.iterdir()) == []


def test_sync_tells_the_run_and_the_model_version_too(
    local_server: LocalServer,
    tracked_stack: Stack,
    steps_of: Steps,
    zenml_client: Any,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    tracked_stack({"url": "offline", "journal_folder": str(journals)})
    context_pipelines.scoring(0.5)
    assert background.settle(30)
    before = _beside(zenml_client, steps_of("scoring")["scores"])
    written: list[Any] = []
    create = type(zenml_client).create_run_metadata

    def counted(*args: Any, **kwargs: Any) -> Any:
        written.append(kwargs["metadata"])
        return create(*args, **kwargs)

    monkeypatch.setattr(type(zenml_client), "create_run_metadata", counted)

    result = CliRunner().invoke(main, ["sync", str(journals)])

    step = steps_of("scoring")["scores"]
    page = step.run_metadata["experiment_tracker_url"]
    run, version = _beside(zenml_client, step)
    assert result.exit_code == 0, result.output
    assert ("comet_project_url" in before[0], "comet_url_scores" in before[1]) == (False, False)
    assert run["comet_project_url"] == f"{page.rpartition('/')[0]}?q=zenml_run_id%3D{step.pipeline_run_id}"
    assert (version["comet_url_scores"], version["comet_metric_scores_loss"]) == (page, 0.5)
    # What was known is not told again.
    assert [sorted(told) for told in written[1:]] == [["comet_project_url"], ["comet_url_scores"]]


def test_the_page_of_an_earlier_run_never_takes_the_place_of_a_later_ones(
    local_server: LocalServer,
    tracked_stack: Stack,
    steps_of: Steps,
    zenml_client: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    scoring = context_pipelines.scoring.with_options(model=Model(name="same", version="one"))
    steps = []
    for name in ("earlier", "later"):
        tracked_stack({"url": "offline", "journal_folder": str(tmp_path / name)})
        scoring(0.5)
        steps.append(steps_of("scoring")["scores"])
    assert background.settle(30)

    pages = []
    for name, step in zip(("earlier", "later"), steps, strict=True):
        assert CliRunner().invoke(main, ["sync", str(tmp_path / name)]).exit_code == 0
        pages.append(_beside(zenml_client, step)[1]["comet_url_scores"])
    delivered.tell_beside(steps[0].id, zenml_client.active_stack.experiment_tracker.id, "", pages[0], local=True)

    assert [page.rpartition("/")[2] for page in pages] == [step.run_metadata["comet_experiment_key"] for step in steps]
    assert _beside(zenml_client, steps[0])[1]["comet_url_scores"] == pages[1]


def _beside(client: Any, step: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metadata of a step's run and of its model version."""
    run = client.get_pipeline_run(step.pipeline_run_id)
    version = step.model_version or run.model_version
    return run.run_metadata, client.get_model_version(version.model.id, version.id).run_metadata


@pytest.fixture
def offline(comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The configuration of a component whose journals `sync` takes to the scripted server."""
    monkeypatch.setenv("COMET_URL_OVERRIDE", comet.root)
    monkeypatch.setenv("COMET_API_KEY", "k")
    return {"url": "offline", "journal_folder": str(journals)}


def test_what_sync_has_delivered_is_not_lost_any_more(
    tracked_stack: Stack, steps_of: Steps, offline: Config, journals: Path
) -> None:
    tracked_stack({**offline, "journal_persistent": False})
    pipelines.fitting([0.5])
    before = steps_of("fitting")["fit"].run_metadata

    result = CliRunner().invoke(main, ["sync", str(journals)])

    after = steps_of("fitting")["fit"].run_metadata
    assert result.exit_code == 0, result.output
    assert before["comet_lost"] > 0
    assert (after["comet_delivery"], after["comet_lost"]) == ("synced", 0)


def test_the_last_sync_has_the_last_word_on_a_step_that_was_synced_while_it_ran(
    tracked_stack: Stack, steps_of: Steps, offline: Config, comet: ScriptedComet, journals: Path
) -> None:
    tracked_stack(offline)
    pipelines.syncing_midway(str(journals))
    before = steps_of("syncing_midway")["syncs_itself"].run_metadata
    at_the_end = [value["metricName"] for value in comet.metric_values()]

    result = CliRunner().invoke(main, ["sync", str(journals)])

    after = steps_of("syncing_midway")["syncs_itself"].run_metadata
    page = f"{comet.root}/ws/proj/{before['comet_experiment_key']}"
    assert result.exit_code == 0, (result.output, pipelines.seen[-1])
    assert at_the_end == ["before"], pipelines.seen[-1]
    assert [value["metricName"] for value in comet.metric_values()] == ["before", "after"]
    assert (before["comet_delivery"], str(before["experiment_tracker_url"])) == ("offline", page)
    assert (after["comet_delivery"], str(after["experiment_tracker_url"])) == ("synced", page)


@pytest.fixture
def left_by_an_outage(
    tracked_stack: Stack, comet: ScriptedComet, journals: Path, tmp_path: Path, closed_port: int
) -> Path:
    """The journal folder of a step of `fitting` that found no server, as another process finds it when one is there."""
    where = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(tmp_path / "of_the_step")}
    tracked_stack({**where, "journal_persistent": False, "finish_timeout": 0.2})
    pipelines.fitting([0.5, 0.25])
    # This process goes on trying to deliver the original, which is nobody else's as long as it lives.
    shutil.copytree(tmp_path / "of_the_step", journals)
    (header,) = journals.glob("*/header.json")
    header.write_text(header.read_text().replace(where["url"], comet.root))
    return journals


def adopt(comet: ScriptedComet, journals: Path, pause: Callable[[float], bool] = lambda _: True) -> int:
    kin = Kin(journals, comet.root, fingerprint("k"))
    new_transport = functools.partial(Transport, comet.root, "k")
    return Adopter(kin, "k", new_transport, shared_by_network=lambda _: False).adopt(pause)


def test_a_process_that_adopts_tells_zenml_what_it_delivered(
    left_by_an_outage: Path, comet: ScriptedComet, steps_of: Steps
) -> None:
    before = steps_of("fitting")["fit"].run_metadata

    assert adopt(comet, left_by_an_outage) == 1

    after = steps_of("fitting")["fit"].run_metadata
    page = f"{comet.root}/ws/proj/{before['comet_experiment_key']}"
    assert (before["comet_delivery"], before["comet_lost"] > 0) == ("pending", True)
    assert "experiment_tracker_url" not in before
    assert (after["comet_delivery"], str(after["experiment_tracker_url"])) == ("synced", page)
    assert after["comet_lost"] == 0


def test_an_adoption_that_is_cut_short_names_the_page_and_the_next_one_says_the_rest(
    left_by_an_outage: Path, comet: ScriptedComet, steps_of: Steps
) -> None:
    comet.answer_with("/experiment/metric", Answer(503))
    assert adopt(comet, left_by_an_outage, lambda _: False) == 0
    cut_short = steps_of("fitting")["fit"].run_metadata
    comet.rules.clear()

    assert adopt(comet, left_by_an_outage) == 1

    after = steps_of("fitting")["fit"].run_metadata
    assert cut_short["comet_lost"] > 0
    assert (cut_short["comet_delivery"], "experiment_tracker_url" in cut_short) == ("pending", True)
    assert (after["comet_delivery"], after["comet_lost"]) == ("synced", 0)


def test_zenml_failing_costs_the_adoption_nothing(
    left_by_an_outage: Path,
    comet: ScriptedComet,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("ZenML is away")

    monkeypatch.setattr("zenml.client.Client.get_run_step", fail)
    assert adopt(comet, left_by_an_outage) == 1
    assert "ZenML is away" in caplog.text
    assert list(left_by_an_outage.iterdir()) == []
