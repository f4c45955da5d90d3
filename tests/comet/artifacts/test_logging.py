"""What is logged is on the server, whole and labelled, or nobody gets it and somebody is told."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.comet.artifacts.conftest import Make, Shelf
from tests.fixtures.gate import gate_to
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts import Artifact, handing_in, upload

LARGE = 24 << 20


@pytest.mark.parametrize("protocol", ["batch", "rest"])
def test_all_of_it_arrives(make: Make, shelf: Shelf, name: str, folder: Path, protocol: str) -> None:
    experiment = make(protocol=protocol)
    artifact = Artifact(name, "dataset", "1.2.0", ["newest", "good"], {"rows": 3}, ["checked"])
    artifact.add(folder, "d", metadata={"source": "test"})
    artifact.add(b"", "empty.bin")
    artifact.add_remote("s3://bucket/more.csv", "more.csv", metadata={"n": 1})
    logged = experiment.log_artifact(artifact)
    assert (logged.name, str(logged.version), logged.workspace) == (name, "1.2.0", "ws")
    experiment.end()
    said = shelf.version()
    assert (said["artifactVersion"], said["alias"], said["tags"]) == ("1.2.0", ["good", "newest"], ["checked"])
    assert (said["artifact"]["artifactType"], said["metadata"]) == ("dataset", '{"rows":3}')
    assert said["experimentKey"] == experiment.id
    assert shelf.contents() == {
        "d/train/a.csv": b"a,1\n",
        "d/über.txt": "ü".encode(),
        "d/weights.bin": bytes(range(256)) * 2_000,
        "empty.bin": b"",
    }
    files = shelf.files()
    assert files["d/train/a.csv"]["metadata"] == '{"source":"test"}'
    assert (files["more.csv"]["remote"], files["more.csv"]["link"]) == (True, "s3://bucket/more.csv")
    assert files["more.csv"]["metadata"] == '{"n":1}'
    assert shelf.states() == {"1.2.0": "CLOSED"}


def test_what_was_logged_says_what_it_is(make: Make, name: str) -> None:
    experiment = make()
    artifact = Artifact(name, "dataset", aliases=["a"], metadata={"m": [1]}, version_tags=["t"])
    artifact.add(b"12345", "x.bin")
    logged = experiment.log_artifact(artifact).wait()
    assert (logged.artifact_type, logged.aliases, logged.version_tags) == ("dataset", {"a"}, {"t"})
    assert (logged.artifact_tags, logged.metadata, logged.size) == (frozenset(), {"m": [1]}, 5)
    assert logged.source_experiment_key == experiment.id
    assert [asset.logical_path for asset in logged.assets] == ["x.bin"]
    # The server counts the versions.
    assert str(logged.version) == "1.0.0"
    assert str(experiment.log_artifact(artifact).wait().version) == "1.1.0"


def test_a_version_is_logged_once(make: Make, shelf: Shelf, name: str) -> None:
    artifact = Artifact(name, version="1.0.0")
    artifact.add(b"one", "x")
    make().log_artifact(artifact).wait()
    with pytest.raises(errors.StatusError, match=r"1\.0\.0"):
        make().log_artifact(artifact)
    lenient = make(strict=False)
    refused = lenient.log_artifact(artifact)
    with pytest.raises(errors.StatusError, match=r"1\.0\.0"):
        refused.wait()
    assert not lenient.end().delivered
    assert shelf.contents() == {"x": b"one"}


def test_what_is_no_artifact_harms_nobody(make: Make) -> None:
    wrong: Any = "folder"
    lenient = make(strict=False)
    nothing = lenient.log_artifact(wrong)
    assert "not logged" in repr(nothing)
    with pytest.raises(errors.InvalidValueError, match="Artifact"):
        nothing.version  # noqa: B018
    assert lenient.stats().dropped == {"log_artifact: InvalidValueError": 1}
    with pytest.raises(errors.InvalidValueError, match="Artifact"):
        make().log_artifact(wrong)


def test_offline_there_is_nothing_to_get(make: Make, name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="offline"):
        make(url="offline").get_artifact(name)


def test_a_file_that_is_gone_logs_nothing(make: Make, local_server: LocalServer, name: str, folder: Path) -> None:
    artifact = Artifact(name)
    artifact.add(folder)
    (folder / "weights.bin").unlink()
    with pytest.raises(errors.InvalidValueError, match=r"data/weights\.bin"):
        make().log_artifact(artifact)
    listed = local_server.get("artifacts/get-all", workspace="ws")["artifacts"]
    assert name not in {entry["name"] for entry in listed}


def test_an_open_file_that_was_closed_logs_nothing(make: Make, name: str, journals: Path) -> None:
    artifact, stream = Artifact(name), io.BytesIO(b"x")
    artifact.add(stream, "x", copy_to_tmp=False)
    stream.close()
    with pytest.raises(errors.InvalidValueError, match=f"{name} is not logged: .*closed"):
        make().log_artifact(artifact)
    assert list(journals.rglob("*.upload")) == []


def test_a_forked_child_that_logged_nothing_else_uploads(make: Make, shelf: Shelf, name: str) -> None:
    experiment = make()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            artifact = Artifact(name)
            artifact.add(b"from the child", "x")
            experiment.log_artifact(artifact).wait(20)
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert shelf.states() == {"1.0.0": "CLOSED"}


def test_a_forked_child_is_told_that_an_upload_is_the_parents(
    make: Make, shelf: Shelf, name: str, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for threads that it does not have."""
    add, forked = local_server.store.files.add, threading.Event()

    def wait_for_the_child(*arguments: Any) -> Any:
        forked.wait(60)
        return add(*arguments)

    monkeypatch.setattr(local_server.store.files, "add", wait_for_the_child)
    artifact = Artifact(name)
    artifact.add(b"from the parent", "x")
    logged = make().log_artifact(artifact)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            logged.wait()
        except errors.DeliveryError as error:
            os._exit(0 if "by the process that logged it" in str(error) else 1)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    forked.set()
    logged.wait(30)
    assert shelf.states() == {"1.0.0": "CLOSED"}


def test_a_file_that_changes_fails_the_version(
    make: Make, shelf: Shelf, name: str, folder: Path, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = local_server.store.files.add

    def write_meanwhile(*arguments: Any) -> Any:
        (folder / "weights.bin").write_bytes(b"other")
        return add(*arguments)

    monkeypatch.setattr(local_server.store.files, "add", write_meanwhile)
    artifact = Artifact(name)
    artifact.add(folder / "weights.bin")
    experiment = make(strict=False)
    with pytest.raises(errors.InvalidValueError, match=r"weights\.bin was written to after it was logged"):
        experiment.log_artifact(artifact).wait()
    assert shelf.states() == {"1.0.0": "ERROR"}
    report = experiment.end()
    assert not report.delivered
    assert f"ws/{name}:1.0.0 could not be uploaded" in str(report)


def test_what_the_server_refuses_fails_the_version(
    make: Make, shelf: Shelf, name: str, folder: Path, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = local_server.store.files.add
    broken = [True]
    monkeypatch.setattr(upload, "MAX_FAULTS", 2)

    def refuse_the_large_one(source: Any, *more: Any) -> Any:
        stored = add(source, *more)
        # What it keeps is something else than it got.
        return type(stored)("0" * 64, stored.size) if stored.size > 1_000 and broken else stored

    monkeypatch.setattr(local_server.store.files, "add", refuse_the_large_one)
    artifact = Artifact(name, version="2.0.0")
    artifact.add(folder)
    experiment = make(strict=False)
    with pytest.raises(errors.BrokenAnswerError, match="stored something else"):
        experiment.log_artifact(artifact).wait()
    assert shelf.states() == {"2.0.0": "ERROR"}
    with pytest.raises(errors.NotFinalError):
        experiment.get_artifact(name)
    # Logged again it goes on, and is there.
    broken.clear()
    experiment.log_artifact(artifact).wait()
    assert shelf.states() == {"2.0.0": "CLOSED"}
    assert len(shelf.contents()) == 3


def test_a_server_that_is_away_is_waited_for(
    make: Make, shelf: Shelf, name: str, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_in, "OPENING_SECONDS", 0.05)
    monkeypatch.setattr(upload, "ASK_AGAIN_SECONDS", 0.05)
    artifact = Artifact(name)
    artifact.add(b"patience", "x")
    with gate_to(local_server.url) as gate:
        gate.shut.set()
        logged = make(url=gate.url).log_artifact(artifact)
        assert "not registered yet" in repr(logged)
        gate.open()
        logged.wait()
    assert str(logged.version) == "1.0.0"
    assert shelf.contents() == {"x": b"patience"}


def test_what_is_just_being_uploaded_is_waited_for(
    make: Make, name: str, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, asked = threading.Event(), threading.Event()
    add = local_server.store.files.add

    def take_late(*arguments: Any) -> Any:
        taken.set()
        asked.wait(30)
        return add(*arguments)

    monkeypatch.setattr(local_server.store.files, "add", take_late)
    artifact = Artifact(name)
    artifact.add(b"x", "x")
    experiment = make()
    experiment.log_artifact(artifact)
    assert taken.wait(30)
    # Sooner than this the version cannot be final.
    threading.Timer(0.1, asked.set).start()
    assert experiment.get_artifact(name).get_asset("x").size == 1


def test_memory_stays_flat(make: Make, shelf: Shelf, name: str, tmp_path: Path) -> None:
    """Of the client and the server together, which share this process."""
    with (tmp_path / "large.bin").open("wb") as stream:
        for _ in range(LARGE >> 20):
            stream.write(os.urandom(1 << 20))
    artifact = Artifact(name)
    artifact.add(tmp_path / "large.bin")
    experiment = make()
    experiment.wait_for_url(10)
    tracemalloc.start()
    try:
        experiment.log_artifact(artifact).wait()
        up = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        experiment.get_artifact(name).download(str(tmp_path / "down"))
        down = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "down" / "large.bin").read_bytes() == (tmp_path / "large.bin").read_bytes()
    assert max(up, down) < LARGE / 2
    assert shelf.files()["large.bin"]["fileSize"] == LARGE
