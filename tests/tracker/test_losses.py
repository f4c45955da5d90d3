"""What is lost of a step is counted in its metadata, and neither counting nor telling harms the step."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import pipelines
from tests.comet.scripted import Answer, ScriptedComet
from tests.tracker.conftest import Readback
from zenml_comet_tracker.comet import handle
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal.place import Place
from zenml_comet_tracker.comet.stats import Stats
from zenml_comet_tracker.tracker import metadata, patience, permanence

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]
Config = dict[str, Any]
PUBLISH = "zenml.orchestrators.publish_utils.publish_step_run_metadata"
LOSSES = ("comet_dropped", "comet_refused", "comet_lost", "comet_loss_reasons")


def losses_of(step: Any) -> dict[str, Any]:
    return {name: step.run_metadata[name] for name in LOSSES if name in step.run_metadata}


@pytest.mark.parametrize("fails", [False, True])
def test_values_that_could_not_be_logged_are_counted_with_the_reasons(
    fails: bool, tracked_stack: Stack, local_config: Config, steps_of: Steps
) -> None:
    tracked_stack(local_config)

    if fails:
        with pytest.raises(RuntimeError):
            pipelines.losing(fails=True)
    else:
        pipelines.losing()

    step = steps_of("losing")["logs_bad_values"]
    assert step.status == ("failed" if fails else "completed")
    assert losses_of(step) == {"comet_dropped": 3, "comet_loss_reasons": "not a number: 2; empty name: 1"}


def test_a_step_that_loses_nothing_has_no_word_of_losses(
    tracked_stack: Stack, local_config: Config, steps_of: Steps
) -> None:
    tracked_stack(local_config)
    pipelines.fitting([1.0])
    assert losses_of(steps_of("fitting")["fit"]) == {}


def test_what_the_server_refuses_for_good_is_counted(
    tracked_stack: Stack, steps_of: Steps, comet: ScriptedComet, journals: Path
) -> None:
    comet.answer_with("/experiment/metric", Answer(400, {"msg": "such values are not taken"}))
    own = {"journal_folder": str(journals), "log_system_metrics": False}
    tracked_stack({"url": comet.root, "api_key": "k", **own})

    pipelines.fitting([1.0, 2.0])

    found = losses_of(steps_of("fitting")["fit"])
    assert found.pop("comet_loss_reasons").endswith(": 5")
    assert found == {"comet_refused": 5}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """How long each end of an experiment was allowed to wait, and how long it took, in seconds."""
    found: list[tuple[float, float]] = []
    end = Experiment.end

    def timed(experiment: Experiment, timeout: float, **how: Any) -> Any:
        began = time.monotonic()
        try:
            return end(experiment, timeout=timeout, **how)
        finally:
            found.append((timeout, time.monotonic() - began))

    monkeypatch.setattr(Experiment, "end", timed)
    return found


def test_a_journal_that_dies_with_the_step_is_waited_for_and_then_counted_as_lost(
    tracked_stack: Stack,
    steps_of: Steps,
    journals: Path,
    closed_port: int,
    waits: list[tuple[float, float]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    where = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(journals)}
    tracked_stack({**where, "journal_persistent": False, "finish_timeout": 2.0})

    pipelines.fitting([1.0])

    ((allowed, took),) = waits
    assert took >= allowed
    step = steps_of("fitting")["fit"]
    lines = [line for path in journals.rglob("*.jsonl") for line in path.read_text().splitlines()]
    assert losses_of(step) == {"comet_lost": len(lines)}
    assert step.status == "completed"
    (journal,) = journals.iterdir()
    (said,) = [r.getMessage() for r in caplog.records if "not everything is delivered" in r.getMessage()]
    assert f"({len(lines)} values) is lost if {journal} goes with this step" in said
    assert f"zenml-comet sync {journal}" in said
    assert "nothing keeps" not in caplog.text
    assert [r.getMessage() for r in caplog.records if "which waits for it, up to" in r.getMessage()]


def test_what_no_disk_took_is_lost_even_where_journals_last(
    tracked_stack: Stack, steps_of: Steps, journals: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permanence, "find_place", lambda _: Place(None, persistent=False))
    monkeypatch.setattr(handle, "find_place", lambda _: Place(None, persistent=False))
    where = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(journals)}
    tracked_stack({**where, "finish_timeout": 0.5})

    pipelines.fitting([1.0, 2.0])

    # Two values of each of two steps and one through the stack; two parameters twice, a file, and others and tags.
    assert losses_of(steps_of("fitting")["fit"])["comet_lost"] >= 5 + 3 + 1
    assert not journals.exists()


def test_a_journal_that_outlives_the_step_is_not_waited_for_and_not_lost(
    tracked_stack: Stack, steps_of: Steps, journals: Path, closed_port: int, waits: list[tuple[float, float]]
) -> None:
    where = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(journals)}
    tracked_stack({**where, "finish_timeout": 600.0})

    pipelines.fitting([1.0])

    assert waits[0][1] < 60
    assert losses_of(steps_of("fitting")["fit"]) == {}


def test_zenml_refusing_the_count_harms_nothing(
    tracked_stack: Stack,
    steps_of: Steps,
    comet: ScriptedComet,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("ZenML is away")

    monkeypatch.setattr(PUBLISH, refuse)
    comet.answer_with("/experiment/metric", Answer(400))
    own = {"journal_folder": str(journals), "log_system_metrics": False}
    tracked_stack({"url": comet.root, "api_key": "k", **own})

    pipelines.fitting([1.0])

    assert steps_of("fitting")["fit"].status == "completed"
    assert "ZenML did not take the metadata {'comet_refused': 3" in caplog.text


def test_zenml_not_answering_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    called, answered = threading.Event(), threading.Event()

    def hang(*_: Any, **__: Any) -> None:
        called.set()
        answered.wait(60)

    monkeypatch.setattr(PUBLISH, hang)
    metadata.publish(None, None, {"comet_lost": 1}, patience=0.05)  # type: ignore[arg-type]
    assert called.wait(30)
    assert not answered.is_set()
    answered.set()
    for thread in threading.enumerate():
        if thread.name == patience.THREAD:
            thread.join(30)


def test_reasons_are_cut_to_what_a_dashboard_shows() -> None:
    found = metadata.of_losses(Stats(dropped={f"reason {number}": 1 for number in range(1000)}), lost=2)
    assert (found["comet_dropped"], found["comet_lost"]) == (1000, 2)
    assert len(str(found["comet_loss_reasons"])) == metadata.TEXT_LIMIT


def test_offline_steps_leave_a_journal_and_say_so(
    tracked_stack: Stack, steps_of: Steps, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="zenml_comet_tracker")
    name = tracked_stack({"url": "offline", "journal_folder": str(journals), "workspace": "w", "project_name": "p"})

    pipelines.fitting([1.0])

    step = steps_of("fitting")["fit"]
    assert step.status == "completed"
    assert step.run_metadata["comet_delivery"] == "offline"
    assert losses_of(step) == {}
    assert name
    assert b"through_the_stack" in b"".join(path.read_bytes() for path in journals.rglob("*.jsonl"))
    said = [record.getMessage() for record in caplog.records if record.name.startswith("zenml_comet_tracker")]
    assert len([line for line in said if "zenml-comet sync" in line]) == 1


@pytest.mark.parametrize(("wanted", "counted"), [(None, False), (False, True)])
def test_an_offline_step_loses_only_what_somebody_said_would_not_last(
    wanted: bool | None,
    counted: bool,
    tracked_stack: Stack,
    steps_of: Steps,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracked_stack({"url": "offline", "journal_folder": str(journals), "journal_persistent": wanted})
    monkeypatch.setattr(permanence, "in_container", lambda: True)
    monkeypatch.setattr(permanence, "on_volume", lambda _: False)

    pipelines.fitting([1.0])

    lines = [line for path in journals.rglob("*.jsonl") for line in path.read_text().splitlines()]
    assert losses_of(steps_of("fitting")["fit"]) == ({"comet_lost": len(lines)} if counted else {})
    assert ("goes with this step" in caplog.text) == counted


def test_the_journal_names_the_component_whose_key_delivers_it(
    tracked_stack: Stack, zenml_client: Any, journals: Path, closed_port: int
) -> None:
    where = {"url": f"http://127.0.0.1:{closed_port}", "api_key": "k", "journal_folder": str(journals)}
    tracked_stack(where)

    pipelines.fitting([1.0])

    (header,) = [path.read_text() for path in journals.rglob("header.json")]
    assert f'"{zenml_client.active_stack.experiment_tracker.id}"' in header


def test_what_is_delivered_in_spite_of_a_dropped_value_is_all_the_rest(
    tracked_stack: Stack, local_config: Config, readback: Readback, steps_of: Steps
) -> None:
    tracked_stack(local_config)
    pipelines.losing()
    key = steps_of("losing")["logs_bad_values"].run_metadata["comet_experiment_key"]
    assert readback.points(key, "good") == [(1.0, None, None)]
    assert readback.metrics(key) == {"good"}
