"""A disk that is full, broken or read-only, and a database that another program holds: told, and nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin, serving
from zenml_comet_tracker.local import folder, launch
from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.launch import RunningServer
from zenml_comet_tracker.local.store import database, disk, garbage, integrity
from zenml_comet_tracker.local.store.faults import DiskFaultError, DiskFullError
from zenml_comet_tracker.local.store.store import Store


@contextmanager
def preparing(monkeypatch: pytest.MonkeyPatch, pragma: str) -> Iterator[None]:
    """Every new connection of a server has this set."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "_PRAGMAS", (*database._PRAGMAS, pragma))
        yield


def tags(server: LocalServer, key: str) -> list[str]:
    return list(server.get("experiment/tags", experimentKey=key)["tags"])


def test_a_full_disk_is_told_and_loses_nothing_that_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        key = begin(server)
    with closing(sqlite3.connect(data / "comet.db")) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    answered = []
    with preparing(monkeypatch, f"PRAGMA max_page_count={pages + 20}"), serving(data) as server:
        for number in range(100):
            tag = f"{number}-{'x' * 5000}"
            answer = server.call(
                "POST", "api/rest/v2/write/experiment/tags", json={"experimentKey": key, "addedTags": [tag]}
            )
            if answer.status_code != 200:
                break
            answered.append(tag)
        assert answer.status_code == 507, answer.text
        assert answer.json()["code"] == 507
        assert "full" in answer.json()["msg"]
        assert "local gc" in answer.json()["msg"]
        assert len(answered) > 3
        assert tags(server, key) == answered
    assert integrity.examine(data).problems == []
    with serving(data) as server:
        assert tags(server, key) == answered
        server.post("write/experiment/tags", experimentKey=key, addedTags=["more"])
        assert tags(server, key) == [*answered, "more"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_an_upload_for_which_there_is_no_room_is_told_and_leaves_nothing(
    daemon_folder: Path, daemon: RunningServer
) -> None:
    headers, key = {"Authorization": daemon.api_key}, "d" * 32

    def upload(content: bytes, name: str) -> requests.Response:
        return requests.post(
            f"{daemon.url}/clientlib/asset/upload",
            params={"experimentId": key, "assetId": name},
            files={"file": (name, content)},
            headers=headers,
            timeout=30,
        )

    body = {"experimentKey": key}
    requests.post(f"{daemon.url}/clientlib/logger/add/run", json=body, headers=headers, timeout=30).raise_for_status()
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    for size in (1_999_000, 2_100_000, 6_000_000):
        answer = upload(os.urandom(size), f"of-{size}")
        assert answer.status_code == (200 if size < 2_000_000 else 507), answer.text
    assert "full" in answer.json()["msg"]
    left = [path for path in (daemon_folder / "files").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in left] == [1_999_000]
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)
    assert upload(b"x" * 6_000_000, "again").status_code == 200
    launch.stop(daemon_folder)
    report = integrity.examine(daemon_folder)
    assert (report.problems, report.files, report.orphans) == ([], 2, 0)


def test_nothing_is_taken_for_a_database_that_was_moved_away(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        key, database = begin(server), tmp_path / "data" / "comet.db"
        os.rename(database, tmp_path / "away.db")
        body = {"experimentKey": key, "addedTags": ["x"]}
        answer = server.call("POST", "api/rest/v2/write/experiment/tags", json=body)
        assert (answer.status_code, "moved away or deleted" in answer.json()["msg"]) == (503, True)
        os.rename(tmp_path / "away.db", database)
        server.post("write/experiment/tags", experimentKey=key, addedTags=["y"])
        assert tags(server, key) == ["y"]


def test_a_database_that_another_program_holds_is_told_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with serving(tmp_path / "data") as server:
        key = begin(server)
        body = {"experimentKey": key, "addedTags": ["a"]}
        with closing(sqlite3.connect(tmp_path / "data" / "comet.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = server.call("POST", "api/rest/v2/write/experiment/tags", json=body)
            assert answer.status_code == 503, answer.text
            assert "in use" in answer.json()["msg"]
            assert tags(server, key) == []
            other.execute("ROLLBACK")
        server.post("write/experiment/tags", **body)
        with server.store.write():
            assert server.call("POST", "api/rest/v2/write/experiment/tags", json=body).status_code == 503


def test_a_database_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        key = begin(server)
        with preparing(monkeypatch, "PRAGMA query_only=ON"):
            server.store._database._engine.dispose()
            body = {"experimentKey": key, "addedTags": ["a"]}
            answer = server.call("POST", "api/rest/v2/write/experiment/tags", json=body)
        assert answer.status_code == 503, answer.text
        assert "readonly" in answer.json()["msg"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [(28, DiskFullError), (27, DiskFullError), (122, DiskFullError), (5, DiskFaultError), (30, DiskFaultError)],
)
def test_what_the_system_says_of_the_disk_is_known(number: int, kind: type[Exception]) -> None:
    assert isinstance(disk.fault_of(OSError(number, os.strerror(number))), kind)
    assert disk.fault_of(ConnectionResetError(104, "reset")) is None


def test_a_start_for_which_there_is_no_room_is_told_in_a_line(daemon_folder: Path) -> None:
    server = [sys.executable, "-m", "zenml_comet_tracker.local", "--data", str(daemon_folder)]
    unable_to_write = ["/bin/sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
    started = subprocess.run([*unable_to_write, *server], capture_output=True, timeout=60)
    assert started.returncode == 1
    said = json.loads(started.stderr.splitlines()[-1])
    assert said["error"] == "DataFolderError"
    assert "File too large" in said["message"]


def test_a_small_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = folder.rotate_api_key(tmp_path)

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(DataFolderError, match="No space left"):
        folder.rotate_api_key(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["api_key"]
    assert folder.read_api_key(tmp_path) == key


def test_garbage_is_freed_without_room_for_a_second_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(tmp_path / "data")) as store:
        with closing(sqlite3.connect(tmp_path / "data" / "comet.db")) as connection, connection:
            connection.execute("CREATE TABLE waste AS SELECT zeroblob(3000000) AS x")
            connection.execute("DROP TABLE waste")

        def no_room() -> None:
            with disk.faults_told():
                raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(store._database, "rebuild", no_room)
        assert garbage.collect(store, rebuild=True).database_bytes > 2_900_000
