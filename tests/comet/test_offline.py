"""Offline: journals are written, nothing is sent, and `zenml-comet sync` delivers them."""

from __future__ import annotations

import json
import logging
import os
import shlex
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.comet.conftest import KEY
from tests.comet.scripted import ScriptedComet
from tests.fixtures.removal import remove
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal import lane_writer
from zenml_comet_tracker.comet.live import LOST

SECONDS = 30


@pytest.fixture(autouse=True)
def _configured(comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is configured and running, but no key."""
    monkeypatch.setenv("COMET_URL_OVERRIDE", comet.root)
    monkeypatch.setenv("COMET_OFFLINE_DIRECTORY", str(journals))


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What this process connected to."""
    made: list[Any] = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda own, address: (made.append(address), connect(own, address))[1])
    return made


def _sync(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["sync", "--json", *arguments])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def _header(journals: Path) -> dict[str, Any]:
    (header,) = (json.loads(path.read_bytes()) for path in journals.glob("*/header.json"))
    return dict(header)


@pytest.mark.parametrize("switch", ["argument", "variable", "url variable"])
def test_an_offline_run_sends_nothing_and_says_how_to_deliver_it(
    switch: str,
    comet: ScriptedComet,
    journals: Path,
    connections: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if switch == "variable":
        monkeypatch.setenv("COMET_START_ONLINE", "false")
    if switch == "url variable":
        monkeypatch.setenv("COMET_URL_OVERRIDE", "offline")
    threads = set(threading.enumerate())
    experiment = Experiment(url="offline" if switch == "argument" else None, experiment_name="run", strict=True)
    for step in range(1_500):
        experiment.log_metric("loss", step / 8, step=step)
    experiment.log_asset_data("abc", name="a.txt")
    assert experiment.wait_for_url(SECONDS) is None
    assert (experiment.flush(SECONDS), experiment.opening) == (False, "pending")
    report = experiment.end(timeout=SECONDS)
    experiment.end(timeout=SECONDS)

    begun = [t.name for t in set(threading.enumerate()) - threads if t.name.startswith("zenml-comet")]
    assert (begun, connections, comet.asked) == ([], [], [])
    assert (report.delivered, report.reason, report.values_left) == (False, "offline", 1_502)
    assert report.stats.accepted == 1_502
    assert report.command is not None
    (folder,) = journals.iterdir()
    assert shlex.split(report.command) == ["zenml-comet", "sync", str(folder)]
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line.endswith(f"zenml-comet sync {shlex.quote(str(journals))}") for line in said] == [True]


def test_an_offline_process_says_once_for_each_folder_what_delivers_it_and_each_loss(
    journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A run has many steps, and a line of each says nothing new."""
    caplog.set_level(logging.DEBUG, logger="zenml_comet_tracker.comet.delivery.offline")
    reports = [Experiment(url="offline", journal_folder=folder).end() for folder in (None, None, tmp_path / "b", None)]
    with Experiment(url="offline") as losing:
        losing.log_metric("loss", "n/a")
    said = [(record.levelno, record.getMessage()) for record in caplog.records if "zenml-comet sync" in record.message]
    warned = [line for level, line in said if level == logging.WARNING]
    assert [line.rpartition("sync ")[2] for line in warned[:2]] == [str(journals), str(tmp_path / "b")]
    assert "1 dropped" in warned[2]
    assert len(warned) == 3
    # Which journal is whose can be looked up.
    assert [line for level, line in said if level == logging.DEBUG] == [
        f"Experiment {report.journal.name.partition('.')[0]}: {report}" for report in reports if report.journal
    ]


def test_nobody_waits_for_what_nobody_sends_even_where_the_journal_may_not_stay(journals: Path) -> None:
    experiment = Experiment(url="offline", journal_persistent=False)
    experiment.log_metric("loss", 1)
    began = time.monotonic()
    assert experiment.end(timeout=SECONDS).command is not None
    assert time.monotonic() - began < SECONDS / 2


def test_what_was_written_offline_without_a_key_is_delivered_with_any(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Experiment(url="offline", workspace="ws", project_name="p") as experiment:
        for step in range(10):
            experiment.log_metric("loss", step, step=step)
    header = _header(journals)
    assert (header["offline"], header["key_fingerprint"], header["root"]) == (True, "", comet.root)

    monkeypatch.setenv("COMET_API_KEY", KEY)
    _sync(str(journals))

    assert [value["step"] for value in comet.metric_values()] == list(range(10))
    assert {asked.headers["authorization"] for asked in comet.asked} == {KEY}
    opening = comet.requests("/logger/add/run")[0].json
    assert (opening["experimentKey"], opening["teamName"]) == (experiment.id, "ws")
    assert comet.requests("/status-report/update")[-1].json["is_alive"] is False
    assert list(journals.iterdir()) == []


def test_a_key_that_is_known_offline_is_the_one_to_deliver_with(journals: Path) -> None:
    Experiment(api_key=KEY, url="offline").end()
    done = CliRunner().invoke(main, ["sync", str(journals)], env={"COMET_API_KEY": "another"})
    assert done.exit_code == 1
    assert "no API key that is found here" in done.output
    assert KEY not in done.output


def test_an_offline_run_that_fails_is_delivered_as_failed(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RuntimeError, match="no luck"), Experiment(url="offline"):
        raise RuntimeError("no luck")
    assert caplog.text.count("zenml-comet sync") == 1
    monkeypatch.setenv("COMET_API_KEY", KEY)
    _sync(str(journals))
    (failure,) = comet.requests("/update-status")
    assert "no luck" in failure.json["error"]


def test_a_forked_child_of_an_offline_run_writes_offline_to_the_same_experiment(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    experiment = Experiment(url="offline")
    experiment.log_metric("parent", 1)
    child = os.fork()
    if child == 0:
        experiment.log_metric("child", 2)
        experiment.end()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    experiment.end()
    assert comet.asked == []

    monkeypatch.setenv("COMET_API_KEY", KEY)
    _sync(str(journals))
    assert sorted(value["metricName"] for value in comet.metric_values()) == ["child", "parent"]
    keys = {asked.json["experimentKey"] for asked in comet.requests("/experiment/metric")}
    assert keys == {experiment.id}
    ends = [asked for asked in comet.requests("/status-report/update") if not asked.json["is_alive"]]
    assert len(ends) == 1


def test_what_a_deleted_folder_took_along_is_counted(
    journals: Path, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The closed segments are gone with it; the one that is open comes back at the end."""
    monkeypatch.setattr(lane_writer, "SEGMENT_BYTES", 4_000)
    experiment = Experiment(url="offline", journal_folder=journals, api_key=KEY)
    for step in range(500):
        experiment.log_metric("loss", step / 8, step=step)
    remove(journals)
    report = experiment.end(timeout=SECONDS)

    _sync(str(journals), "--api-key", KEY)
    arrived = [value["step"] for value in comet.metric_values()]
    assert 0 < len(arrived) < 500
    assert arrived == list(range(500 - len(arrived), 500))
    assert report.stats.dropped == {LOST: 500 - len(arrived)}
    assert report.values_left == len(arrived)
    assert str(500 - len(arrived)) in str(report)
