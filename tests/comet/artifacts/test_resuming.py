"""Cut half way, an upload goes on and a download goes on; what is there already does not travel again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.artifacts.conftest import Make, Shelf
from tests.fixtures.gate import gate_to
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.artifacts import Artifact
from zenml_comet_tracker.comet.artifacts.upload import WORKERS
from zenml_comet_tracker.comet.errors import ConnectionFailedError, DeliveryError

MANY = 60
PIECE = 6 << 20

# Logs the folder and comes to its end, which waits for the upload.
PROGRAM = """
import sys
from zenml_comet_tracker.comet.artifacts import Artifact
from zenml_comet_tracker.comet.experiment import Experiment

root, api_key, key, journals, name, folder = sys.argv[1:]
reach = {"api_key": api_key, "url": root, "journal_folder": journals, "strict": True}
experiment = Experiment(workspace="ws", experiment_key=key, mode="get_or_create", **reach)
artifact = Artifact(name)
artifact.add(folder, "")
experiment.log_artifact(artifact)
"""


class Taken:
    """What the server took: how many files, how many bytes. After `limit` files it takes no more until it is let."""

    def __init__(self, server: LocalServer, patch: pytest.MonkeyPatch, limit: int | None = None) -> None:
        self.files = self.bytes = 0
        self.full = threading.Event()
        self.more = threading.Event()
        self._limit = limit
        self._lock = threading.Lock()
        self._add: Callable[..., Any] = server.store.files.add
        patch.setattr(server.store.files, "add", self._take)

    def _take(self, *arguments: Any) -> Any:
        with self._lock:
            self.files += 1
            if self.files == self._limit:
                self.full.set()
            waits = self._limit is not None and self.files >= self._limit
        if waits:
            self.more.wait(30)
        stored = self._add(*arguments)
        with self._lock:
            self.bytes += stored.size
        return stored


@pytest.fixture
def many(tmp_path: Path) -> dict[str, bytes]:
    """Small files by name; they lie in the folder `many`."""
    files = {f"{number % 7}/{number:03}.txt": f"file {number}".encode() for number in range(MANY)}
    for path, data in files.items():
        (tmp_path / "many" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "many" / path).write_bytes(data)
    return files


def test_a_killed_upload_goes_on(
    shelf: Shelf,
    name: str,
    many: dict[str, bytes],
    tmp_path: Path,
    journals: Path,
    local_server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "many"
    arguments = (local_server.url, local_server.api_key, uuid.uuid4().hex, str(journals), name, str(folder))
    program = [sys.executable, "-c", PROGRAM, *arguments]
    with monkeypatch.context() as patch:
        first = Taken(local_server, patch, limit=MANY // 2)
        with subprocess.Popen(program) as process:
            assert first.full.wait(60)
            process.send_signal(signal.SIGKILL)
        first.more.set()
    assert shelf.states() == {"1.0.0": "OPEN"}
    # One of those that the server has is another now, as long as before.
    changed = next(iter(many))
    (folder / changed).write_bytes(b"FILE 0")
    second = Taken(local_server, monkeypatch)
    subprocess.run(program, check=True, timeout=60)
    # What the server was just taking when the process died was acknowledged to nobody.
    assert MANY // 2 + 1 <= second.files <= MANY // 2 + 1 + 2 * WORKERS
    assert shelf.states() == {"1.0.0": "CLOSED"}
    assert shelf.contents() == {**many, changed: b"FILE 0"}
    assert list((journals / ".artifacts").iterdir()) == []


def test_an_upload_that_lost_the_server_goes_on(
    make: Make, shelf: Shelf, name: str, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number}.bin": os.urandom(PIECE // 24) for number in range(24)}
    artifact = Artifact(name)
    for path, data in files.items():
        artifact.add(data, path)
    key = uuid.uuid4().hex
    with gate_to(local_server.url) as gate:
        first = make(url=gate.url, experiment_key=key, strict=False)
        first.wait_for_url(10)
        gate.open(up=PIECE // 2)
        cut = first.log_artifact(artifact)
        assert gate.shut.wait(30)
        report = first.end(timeout=10)
        assert not report.delivered
        assert "is not uploaded whole" in str(report)
        for companion in first._live.companions._under_way:
            companion._upload.stop()
        with pytest.raises(DeliveryError, match="log the same artifact to the same experiment"):
            cut.wait(30)
        assert shelf.states() == {"1.0.0": "OPEN"}
        # One of those that were acknowledged is gone since.
        (version,) = local_server.get("artifacts/get", workspace="ws", artifactName=name)["versions"]
        there = local_server.get("artifacts/version/files", versionId=version["artifactVersionId"])["files"]
        local_server.get("write/experiment/asset/delete", experimentKey=key, assetId=there[0]["assetId"])
        gate.open()
        taken = Taken(local_server, monkeypatch)
        make(url=gate.url, experiment_key=key, mode="get_or_create").log_artifact(artifact).wait()
    # Of the half that passed, what was on its way to no end comes again.
    assert taken.files <= 13 + 2 * WORKERS
    assert shelf.states() == {"1.0.0": "CLOSED"}
    assert shelf.contents() == files


def test_a_cut_download_goes_on(
    make: Make, name: str, tmp_path: Path, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(PIECE)
    artifact = Artifact(name)
    artifact.add(data, "d/large.bin")
    experiment = make()
    experiment.log_artifact(artifact).wait()
    target = tmp_path / "down"
    monkeypatch.setattr("zenml_comet_tracker.comet.artifacts.fetch.MAX_ATTEMPTS", 1)
    with gate_to(local_server.url) as gate:
        found = API(local_server.api_key, url=gate.url).get_artifact("ws", name)
        gate.open(down=PIECE // 2)
        with pytest.raises(ConnectionFailedError):
            found.download(str(target))
        # Nothing half lies under a name that somebody could take for whole.
        assert [path.suffix for path in target.rglob("*") if path.is_file()] == [".part"]
        gate.open()
        before = gate.down
        found.download(str(target))
        assert gate.down - before < PIECE * 0.75
    assert [path.name for path in target.rglob("*") if path.is_file()] == ["large.bin"]
    assert (target / "d" / "large.bin").read_bytes() == data
