"""What ZenML is told of an experiment, as its server would get it, and what it is told when more becomes known."""

from __future__ import annotations

import json
import math
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests import context_pipelines
from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.last_values import MAX_NAMES, LastValues
from zenml_comet_tracker.tracker import delivered, metadata
from zenml_comet_tracker.tracker.background import Background, background

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]

ODD = {
    "loss": 0.5,
    "diverged": "NaN",
    "endless": "Infinity",
    "a:colon/and more": 1e308,
    "n" * 300: 1.0,
    "läßt 🚀": -0.0,
    "count": 2**60,
}


def _as_sent(values: metadata.Metadata, monkeypatch: pytest.MonkeyPatch, client: Any) -> dict[str, Any]:
    """The values in the body of the request that ZenML's REST store would make of them."""
    stored: list[Any] = []
    monkeypatch.setattr(type(client.zen_store), "create_run_metadata", lambda _, request: stored.append(request))
    client.create_run_metadata(values, resources=[])
    (request,) = stored
    prepared = requests.Request("POST", "http://zenml", json=request.model_dump(mode="json")).prepare()
    assert isinstance(prepared.body, bytes)

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    sent: dict[str, Any] = json.loads(prepared.body, parse_constant=refuse)["values"]
    return sent


def test_metrics_are_told_as_zenmls_server_takes_them(monkeypatch: pytest.MonkeyPatch, zenml_client: Any) -> None:
    told = metadata.of_metrics(ODD)

    assert _as_sent(told, monkeypatch, zenml_client) == {
        "comet_metric_loss": 0.5,
        "comet_metric_diverged": "NaN",
        "comet_metric_endless": "Infinity",
        "comet_metric_a.colon/and more": 1e308,
        "comet_metric_läßt 🚀": -0.0,
        "comet_metric_count": 2**60,
        "comet_metrics_left_out": 1,
    }


def test_no_more_metrics_are_told_than_zenml_takes_in_a_moment() -> None:
    told = metadata.of_metrics({f"m{number}": float(number) for number in range(500)})
    assert told.pop("comet_metrics_left_out") == 500 - metadata.MAX_METRICS
    assert list(told) == [f"comet_metric_m{number}" for number in range(metadata.MAX_METRICS)]
    told = metadata.of_metrics({f"m{number}": float(number) for number in range(MAX_NAMES)})
    assert told["comet_metrics_left_out"] == f"{MAX_NAMES - metadata.MAX_METRICS} or more"


def test_a_second_tracker_of_a_step_is_told_apart_and_found_again(
    zenml_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"comet_experiment_key": "one", "comet_lost": 3} | metadata.labelled(
        {"comet_experiment_key": "two", "comet_delivery": "pending", "experiment_tracker_url": "/two"}, "the:second"
    )
    published: list[metadata.Metadata] = []
    monkeypatch.setattr(type(zenml_client), "get_run_step", lambda *_: SimpleNamespace(run_metadata=told))
    monkeypatch.setattr(metadata, "publish_now", lambda *call: published.append(call[-1]))
    monkeypatch.setattr(delivered, "_tell_beside", lambda *_: None)

    for key, page, complete in (("one", "/1", True), ("two", "/2", True), ("two", "/2", False), ("one", None, False)):
        delivered.tell(uuid.uuid4(), uuid.uuid4(), key, page, complete=complete, patience=30)

    synced = {"comet_delivery_the.second": "synced", "experiment_tracker_url_the.second": "/2"}
    assert published == [{"comet_lost": 0}, synced, {"experiment_tracker_url_the.second": "/2"}]


def test_late_delivery_tells_each_trackers_own_values_and_no_page_of_a_run_over_another_one() -> None:
    known = {
        "comet_experiment_key": "one",
        "comet_metric_loss": 1.0,
        "comet_experiment_key_second": "two",
        "comet_metric_loss_second": 2.0,
    }
    assert [delivered._metrics(known, label) for label in ("", "second")] == [{"loss": 1.0}, {"loss": 2.0}]
    page, project = "http://here/team/project/key", "http://here/team/project"
    run: Any = SimpleNamespace(
        id=uuid.uuid4(), run_metadata={"comet_project_url": "http://here/team/that-of-a-later-step"}
    )
    assert delivered._of_run(run, page, local=True) == {}
    run.run_metadata["comet_project_url"] = project
    assert delivered._of_run(run, page, local=True) == {"comet_project_url": f"{project}?q=zenml_run_id%3D{run.id}"}


def test_of_a_killed_step_zenml_is_told_where_its_experiment_is_once_all_is_delivered(
    zenml_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[metadata.Metadata] = []
    monkeypatch.setattr(type(zenml_client), "get_run_step", lambda *_: SimpleNamespace(run_metadata={}))
    monkeypatch.setattr(metadata, "publish_now", lambda *call: published.append(call[-1]))
    monkeypatch.setattr(delivered, "_tell_beside", lambda *_: None)

    delivered.tell(uuid.uuid4(), uuid.uuid4(), "key", "/page", patience=30)
    delivered.tell(uuid.uuid4(), uuid.uuid4(), "key", None, patience=30)

    assert published == [{"experiment_tracker_url": "/page", "comet_experiment_key": "key"}]


def test_of_a_step_that_was_interrupted_while_it_told_the_key_is_told_after_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "_place", lambda _: {})
    run: Any = SimpleNamespace(inert=None, experiment=SimpleNamespace(primary=True), telling=None, told={}, key="k")
    assert metadata.corrections(run, {}) == {"comet_experiment_key": "k"}
    run.told = {"comet_experiment_key": "k"}
    assert metadata.corrections(run, {}) == {}


def test_of_endless_names_only_so_many_are_remembered() -> None:
    last = LastValues()
    for number in range(2 * MAX_NAMES):
        last.note(None, [(f"m{number}", 1.0)])
    last.note(None, [("m0", 2.0)])
    shown = last.shown()
    assert (len(shown), shown["m0"], f"m{MAX_NAMES}" in shown) == (MAX_NAMES, 2.0, False)
    for number in range(2 * MAX_NAMES):
        last.note(f"context {number}", [("m", math.pi)])
    assert len(last) == MAX_NAMES


def _wait(steps_of: Steps, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = steps_of("scoring")["scores"].run_metadata
        if enough(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"ZenML was never told: {found}")


def test_what_this_process_delivers_later_is_told_then(
    tracked_stack: Stack,
    steps_of: Steps,
    zenml_client: Any,
    comet: ScriptedComet,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "PATIENCE", 1.0)
    away = [True]
    comet.rules.append(lambda asked: Answer(503) if away and asked.path.endswith("/logger/add/run") else None)
    own = {"journal_folder": str(journals), "journal_persistent": False, "log_system_metrics": False}
    tracked_stack({"url": comet.root, "api_key": "k", "finish_timeout": 0.2, **own})

    context_pipelines.scoring(1.0)

    before = steps_of("scoring")["scores"].run_metadata
    assert before["comet_delivery"] == "pending"
    assert before["comet_lost"] > 0
    assert "experiment_tracker_url" not in before
    away.clear()
    after = _wait(steps_of, lambda found: found["comet_delivery"] != "pending" and found["comet_lost"] == 0)
    assert after["comet_delivery"] == "synced"
    assert after["experiment_tracker_url"].endswith(after["comet_experiment_key"])
    assert background.settle(30)
    step = steps_of("scoring")["scores"]
    run = zenml_client.get_pipeline_run(step.pipeline_run_id)
    page = run.run_metadata["comet_project_url"].partition("?")[0]
    assert page == after["experiment_tracker_url"].rpartition("/")[0]
    version = step.model_version or run.model_version
    told = zenml_client.get_model_version(version.model.id, version.id).run_metadata
    assert told["comet_url_scores"] == after["experiment_tracker_url"]


def test_what_is_told_in_the_background_comes_in_order_and_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    background, done = Background(), []

    def fail() -> None:
        raise ConnectionError("ZenML is away")

    background.submit(lambda: done.append(uuid.uuid4()))
    background.submit(fail)
    background.submit(lambda: done.append("last"))

    assert background.settle(30)
    assert (len(done), done[-1]) == (2, "last")
    assert "ZenML is away" in caplog.text


def test_what_is_told_when_python_starts_no_thread_any_more_is_left_out_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    earlier, later, done = Background(), Background(), []
    earlier.submit(lambda: done.append("before"))
    assert earlier.settle(30)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    earlier.submit(lambda: done.append("by the thread that there is"))
    later.submit(lambda: done.append("by nobody"))
    metadata.publish(uuid.uuid4(), uuid.uuid4(), {"comet_lost": 1})

    assert earlier.settle(30)
    assert later.settle(0)
    assert done == ["before", "by the thread that there is"]
    assert caplog.records == []
