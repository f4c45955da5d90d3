"""What was logged offline, or while no server was there, is brought by `zenml-comet sync`, with what it was then."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.comet.artifacts.conftest import Make, Shelf
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.artifacts import Artifact
from zenml_comet_tracker.comet.artifacts.record import Done, UploadRecord, records_in
from zenml_comet_tracker.comet.errors import ConfigurationError, DeliveryError, JournalError
from zenml_comet_tracker.comet.resources.artifacts import MadeVersion
from zenml_comet_tracker.comet.settings import ResolvedSettings


@pytest.fixture
def offline(local_server: LocalServer) -> ResolvedSettings:
    """Settings of an experiment that is meant for the local server and sends nothing."""
    return ResolvedSettings(local_server.api_key, local_server.url, "ws", "artifacts", uuid.uuid4().hex, offline=True)


@contextlib.contextmanager
def records_of(journals: Path) -> Iterator[list[UploadRecord]]:
    records = list(records_in(journals))
    yield records
    for record in records:
        record.close(finished=False)


def call(command: str, journals: Path, server: LocalServer) -> tuple[int, Any]:
    key = ["--api-key", server.api_key] if command == "sync" else []
    done = CliRunner().invoke(main, [command, str(journals), "--json", *key], catch_exceptions=False)
    return done.exit_code, json.loads(done.output)["artifacts"]


def log(make: Make, offline: ResolvedSettings, name: str, folder: Path) -> None:
    artifact = Artifact(name, "dataset", "3.0.0", ["a"], {"m": 1}, ["t"])
    artifact.add(folder, "", metadata={"k": 1})
    artifact.add(b"in memory", "m.bin")
    artifact.add_remote("http://h/z.csv", "z.csv")
    experiment = make(settings=offline)
    logged = experiment.log_artifact(artifact)
    with pytest.raises(ConfigurationError, match="zenml-comet sync"):
        logged.version  # noqa: B018
    report = experiment.end()
    assert not report.delivered
    assert f"Artifact {name} waits for `zenml-comet sync`" in str(report)


def test_sync_brings_what_was_logged_offline(
    make: Make,
    shelf: Shelf,
    name: str,
    folder: Path,
    journals: Path,
    offline: ResolvedSettings,
    local_server: LocalServer,
) -> None:
    log(make, offline, name, folder)
    code, (row,) = call("pending", journals, local_server)
    assert (code, row["artifact"], row["files"], row["left"]) == (0, name, 4, True)
    code, (row,) = call("sync", journals, local_server)
    assert (code, row["artifact"], row["files"], row["left"]) == (0, name, 4, False)
    said = shelf.version()
    assert (said["artifactVersion"], said["alias"], said["tags"], said["metadata"]) == (
        "3.0.0",
        ["a"],
        ["t"],
        '{"m":1}',
    )
    assert said["experimentKey"] == offline.experiment_key
    assert set(shelf.contents()) == {"train/a.csv", "über.txt", "weights.bin", "m.bin"}
    assert shelf.contents()["m.bin"] == b"in memory"
    assert shelf.files()["z.csv"]["link"] == "http://h/z.csv"
    assert call("sync", journals, local_server) == (0, [])
    assert list((journals / ".artifacts").iterdir()) == []


def test_what_changed_meanwhile_is_not_passed_off_as_what_was_logged(
    make: Make,
    shelf: Shelf,
    name: str,
    folder: Path,
    journals: Path,
    offline: ResolvedSettings,
    local_server: LocalServer,
) -> None:
    log(make, offline, name, folder)
    (folder / "train" / "a.csv").write_text("b,2\n")
    code, (row,) = call("sync", journals, local_server)
    assert (code, row["left"]) == (1, True)
    assert "train/a.csv was written to after it was logged" in row["reason"]
    assert shelf.states() == {"3.0.0": "ERROR"}


def test_data_that_find_no_room_are_not_said_to_wait(
    make: Make, name: str, offline: ResolvedSettings, journals: Path
) -> None:
    artifact = Artifact(name)
    artifact.add(b"x" * 2_000_000, "large.bin")
    with pytest.raises(JournalError, match="no disk keeps it"):
        make(settings=offline, journal_max_bytes=2_000_000).log_artifact(artifact)
    assert list((journals / ".artifacts").iterdir()) == []


def test_a_version_that_the_server_does_not_know_any_more_is_made_anew(
    make: Make,
    shelf: Shelf,
    name: str,
    folder: Path,
    journals: Path,
    offline: ResolvedSettings,
    local_server: LocalServer,
) -> None:
    log(make, offline, name, folder)
    with records_of(journals) as (record,):
        record.begin(MadeVersion("a", "gone", "1.0.0"))
        record.note(Done("b", 4, "0" * 64, None))
    code, (row,) = call("sync", journals, local_server)
    assert (code, row["left"]) == (0, False)
    assert shelf.states() == {"3.0.0": "CLOSED"}
    assert len(shelf.contents()) == 4


def test_without_its_server_it_goes_on_waiting(
    make: Make, name: str, folder: Path, journals: Path, offline: ResolvedSettings, local_server: LocalServer
) -> None:
    away = ResolvedSettings(offline.api_key, "http://127.0.0.1:9", "ws", "a", offline.experiment_key, offline=True)
    log(make, away, name, folder)
    for _ in range(2):
        code, (row,) = call("sync", journals, local_server)
        assert (code, row["left"]) == (1, True)
        assert "got no answer" in row["reason"]


def test_an_experiment_that_is_refused_costs_no_upload(
    make: Make,
    shelf: Shelf,
    name: str,
    folder: Path,
    journals: Path,
    offline: ResolvedSettings,
    local_server: LocalServer,
) -> None:
    """What an earlier process left is still there when a later one may not open the experiment."""
    log(make, offline, name, folder)
    with records_of(journals) as (record,):
        record.begin(MadeVersion("a", "v", "3.0.0"))
    artifact = Artifact(name, "dataset", "3.0.0", ["a"], {"m": 1}, ["t"])
    artifact.add(folder, "", metadata={"k": 1})
    artifact.add(b"in memory", "m.bin")
    artifact.add_remote("http://h/z.csv", "z.csv")
    assert offline.experiment_key is not None
    begin(local_server, experimentKey=offline.experiment_key)
    with pytest.raises(DeliveryError, match="exists already"):
        make(experiment_key=offline.experiment_key).log_artifact(artifact)
    with records_of(journals) as (record,):
        assert record.made == MadeVersion("a", "v", "3.0.0")
        assert record.wanted is not None
