"""One server per data folder: found, started, restarted, stopped; and clear words when it cannot be."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from zenml_comet_tracker import filesystem
from zenml_comet_tracker.local import errors, folder, launch, lock
from zenml_comet_tracker.local.launch import RunningServer


def answers(server: RunningServer) -> bool:
    headers = {"Authorization": server.api_key}
    return requests.get(f"{server.url}/api/rest/v2/workspaces", headers=headers, timeout=20).status_code == 200


def port(server: launch.Address) -> int:
    return urlsplit(server.url).port or 0


def until(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


def test_a_server_is_started_found_and_stopped(daemon_folder: Path) -> None:
    assert launch.find(daemon_folder) is None
    assert launch.address(daemon_folder) is None
    started = time.monotonic()
    server = launch.ensure(daemon_folder)
    assert answers(server)
    assert time.monotonic() - started < 10, "a start takes two seconds; ten on a busy machine"
    assert launch.find(daemon_folder) == server
    assert launch.ensure(daemon_folder) == server
    assert launch.stop(daemon_folder)
    assert launch.find(daemon_folder) is None
    assert not launch.stop(daemon_folder)
    known = launch.address(daemon_folder)
    assert known is not None
    assert (known.url, known.api_key) == (server.url, server.api_key)


def test_the_port_and_the_key_are_kept(daemon_folder: Path) -> None:
    first = launch.ensure(daemon_folder)
    launch.stop(daemon_folder)
    second = launch.ensure(daemon_folder)
    assert (second.url, second.api_key) == (first.url, first.api_key)
    assert second.pid != first.pid
    assert answers(second)


def test_it_belongs_to_nobody_and_holds_nothing_of_its_starter(daemon_folder: Path) -> None:
    """A shell that captures the output of whoever started it gets it back at once."""
    code = f"from zenml_comet_tracker.local import launch; print(launch.ensure({str(daemon_folder)!r}).pid)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    process = psutil.Process(int(done.stdout))
    assert process.ppid() != os.getpid()
    assert os.getsid(process.pid) != os.getsid(0)
    opened = {os.readlink(link) for link in Path(f"/proc/{process.pid}/fd").iterdir() if link.is_symlink()}
    assert str(daemon_folder / "server.log") in opened
    assert not [name for name in opened if name.startswith("pipe:")]


def test_everything_in_the_folder_is_for_its_owner_only(daemon_folder: Path, daemon: RunningServer) -> None:
    assert answers(daemon)
    for path in [daemon_folder, *daemon_folder.rglob("*")]:
        assert not path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path
    assert (daemon_folder / "api_key").read_text() == daemon.api_key
    assert len(daemon.api_key) >= 32
    assert daemon.api_key not in repr(daemon)
    assert daemon.api_key not in (daemon_folder / "server.log").read_text()


def test_it_listens_on_the_loopback_only(daemon: RunningServer) -> None:
    listening = [c.laddr.ip for c in psutil.Process(daemon.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


def test_many_starts_at_once_make_one_server(daemon_folder: Path) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(launch.ensure(daemon_folder).pid)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_killed_servers_lock_and_record_mean_nothing(daemon_folder: Path, daemon: RunningServer) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: lock.holder(daemon_folder) is None)
    assert launch.find(daemon_folder) is None
    again = launch.ensure(daemon_folder)
    assert again.url == daemon.url
    assert answers(again)


def test_a_record_of_a_living_stranger_is_not_taken_for_the_server(daemon_folder: Path) -> None:
    daemon_folder.mkdir(mode=0o700)
    folder.api_key(daemon_folder)
    folder.write_record(daemon_folder, folder.ServerRecord("http://127.0.0.1:9", os.getpid(), "0", 0.0))
    assert launch.find(daemon_folder) is None
    assert not launch.stop(daemon_folder)


def test_a_server_that_is_still_coming_up_is_not_found_by_its_predecessors_record(daemon_folder: Path) -> None:
    daemon_folder.mkdir(mode=0o700)
    folder.api_key(daemon_folder)
    folder.write_record(daemon_folder, folder.ServerRecord("http://127.0.0.1:9", 1, "0", 0.0))
    with lock.ServerLock(daemon_folder):
        assert lock.holder(daemon_folder) == os.getpid()
        assert launch.find(daemon_folder) is None


def test_a_server_of_another_version_is_replaced(
    daemon_folder: Path, daemon: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = json.loads((daemon_folder / "server.json").read_text())
    (daemon_folder / "server.json").write_text(json.dumps({**record, "version": "0.0.1"}))
    again = launch.ensure(daemon_folder)
    assert again.pid != daemon.pid
    assert (again.url, again.version) == (daemon.url, daemon.version)
    until(lambda: not psutil.pid_exists(daemon.pid))


def test_a_taken_port_is_told_and_nothing_is_left_running(daemon_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(errors.PortTakenError, match=f"{taken}.*--port"):
            launch.ensure(daemon_folder, port=taken)
    assert lock.holder(daemon_folder) is None


def test_the_kept_port_taken_by_another_is_told_not_changed(daemon_folder: Path, daemon: RunningServer) -> None:
    launch.stop(daemon_folder)
    with (
        socket.create_server(("127.0.0.1", port(daemon))),
        pytest.raises(errors.PortTakenError, match=str(port(daemon))),
    ):
        launch.ensure(daemon_folder)
    assert launch.ensure(daemon_folder).url == daemon.url


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.DataFolderError, match="cannot be made"):
        launch.ensure(tmp_path / "file" / "data")


def test_a_network_file_system_is_refused_before_anything_is_made(
    daemon_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = [filesystem.Mount("/", "ext4"), filesystem.Mount(str(daemon_folder.parent), "nfs4")]
    monkeypatch.setattr(filesystem, "_mounts", lambda: mounts)
    with pytest.raises(errors.DataFolderError, match=r"network file system \(nfs4\).*--data"):
        launch.ensure(daemon_folder)
    assert not daemon_folder.exists()


def test_a_folder_that_others_may_write_is_refused(daemon_folder: Path) -> None:
    daemon_folder.mkdir()
    daemon_folder.chmod(0o777)
    with pytest.raises(errors.DataFolderError, match="chmod 700"):
        launch.ensure(daemon_folder)


def test_a_folder_with_somebodys_files_is_refused_and_left_alone(daemon_folder: Path) -> None:
    for name in ("files/en/manual.txt", "files/incoming/x.txt"):
        (daemon_folder / name).parent.mkdir(parents=True)
        (daemon_folder / name).write_text("mine")
    daemon_folder.chmod(0o755)
    before = {path: path.lstat().st_mode for path in [daemon_folder, *daemon_folder.rglob("*")]}
    with pytest.raises(errors.DataFolderError, match=r"'files'.*empty folder"):
        launch.ensure(daemon_folder)
    assert {path: path.lstat().st_mode for path in [daemon_folder, *daemon_folder.rglob("*")]} == before


def test_an_empty_folder_keeps_the_mode_it_has(daemon_folder: Path) -> None:
    daemon_folder.mkdir()
    daemon_folder.chmod(0o755)
    launch.ensure(daemon_folder)
    assert stat.S_IMODE(daemon_folder.stat().st_mode) == 0o755
    assert not (daemon_folder / "api_key").stat().st_mode & 0o077


def test_a_start_after_one_that_failed_early_takes_the_folder(daemon_folder: Path) -> None:
    daemon_folder.mkdir(mode=0o700)
    (daemon_folder / "server.log").write_text("it died here")
    (daemon_folder / "api_key").write_text("")
    (daemon_folder / "server.json").write_text(
        '{"url": "http://127.0.0.1:99999", "pid": 1, "version": "1", "started": 1}'
    )
    server = launch.ensure(daemon_folder)
    assert answers(server)
    assert len((daemon_folder / "api_key").read_text()) == 45


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_cannot_be_looked_into_is_told(daemon_folder: Path) -> None:
    daemon_folder.mkdir(mode=0o000)
    try:
        for ask in (launch.find, launch.stop, launch.ensure):
            with pytest.raises(errors.DataFolderError, match=r"server\.lock"):
                ask(daemon_folder)
    finally:
        daemon_folder.chmod(0o700)


def test_an_unreadable_lock_is_told(daemon_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lock.os, "open", refuse)
    with pytest.raises(errors.DataFolderError, match="Permission denied"):
        launch.find(daemon_folder)
    with pytest.raises(errors.DataFolderError, match="Permission denied"):
        lock.ServerLock(daemon_folder).__enter__()


def test_a_broken_database_is_told_at_once(daemon_folder: Path) -> None:
    daemon_folder.mkdir(mode=0o700)
    (daemon_folder / "comet.db").write_bytes(b"nothing of ours" * 100)
    with pytest.raises(errors.DataFolderError, match="cannot be used as a database"):
        launch.ensure(daemon_folder)


@pytest.mark.long
def test_a_store_that_cannot_be_opened_is_told_before_it_is_said_to_run(daemon_folder: Path) -> None:
    def start_fails(words: str) -> None:
        with pytest.raises(errors.DataFolderError, match=words):
            launch.ensure(daemon_folder)
        assert lock.holder(daemon_folder) is None

    launch.ensure(daemon_folder)
    launch.stop(daemon_folder)
    (daemon_folder / "files").rename(daemon_folder / "elsewhere")
    (daemon_folder / "files").write_text("")
    start_fails("files cannot be written")
    (daemon_folder / "files").unlink()
    with closing(sqlite3.connect(daemon_folder / "comet.db")) as connection, connection:
        connection.execute("DROP TABLE tag")
    start_fails("no table 'tag'")
    with closing(sqlite3.connect(daemon_folder / "comet.db")) as connection, connection:
        connection.execute("DELETE FROM migration")
    start_fails("not a usable database")


def test_a_start_that_dies_shows_the_end_of_its_log(daemon_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon_folder.mkdir(mode=0o700)
    monkeypatch.setattr(sys, "executable", "/bin/false-python")
    with pytest.raises(errors.StartFailedError, match="false-python"):
        launch.ensure(daemon_folder)


def test_missing_packages_are_named(daemon_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_NEEDED", ("fastapi", "no_such_package"))
    with pytest.raises(errors.MissingExtraError, match=r"no_such_package.*\[local\]"):
        launch.ensure(daemon_folder)


def test_it_leaves_after_a_long_silence(daemon_folder: Path) -> None:
    server = launch.ensure(daemon_folder, idle_seconds=0.5)
    assert answers(server)
    until(lambda: launch.find(daemon_folder) is None)


def test_what_was_logged_survives_a_restart(daemon_folder: Path, daemon: RunningServer) -> None:
    headers = {"Authorization": daemon.api_key}
    body = {"experimentKey": "a" * 32}
    requests.post(f"{daemon.url}/clientlib/logger/add/run", json=body, headers=headers, timeout=20)
    body["addedTags"] = ["kept"]  # type: ignore[assignment]
    requests.post(f"{daemon.url}/api/rest/v2/write/experiment/tags", json=body, headers=headers, timeout=20)
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: lock.holder(daemon_folder) is None)
    again = launch.ensure(daemon_folder)
    query = {"experimentKey": "a" * 32}
    answer = requests.get(f"{again.url}/api/rest/v2/experiment/tags", params=query, headers=headers, timeout=20)
    assert answer.json() == {"tags": ["kept"]}


def test_a_stop_folds_the_write_ahead_log_into_the_database(daemon_folder: Path, daemon: RunningServer) -> None:
    assert answers(daemon)
    assert (daemon_folder / "comet.db-wal").exists()
    launch.stop(daemon_folder)
    assert not (daemon_folder / "comet.db-wal").exists()


def test_the_default_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert launch.default_data_folder() == tmp_path / "zenml-comet" / "local"
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(tmp_path / "mine"))
    assert launch.default_data_folder() == tmp_path / "mine"
    monkeypatch.delenv("ZENML_COMET_LOCAL_DATA")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert launch.default_data_folder() == Path.home() / ".local" / "share" / "zenml-comet" / "local"


@pytest.mark.long
def test_up_makes_a_server_stay_that_would_have_left(daemon_folder: Path) -> None:
    server = launch.ensure(daemon_folder, idle_seconds=1.0)
    assert launch.ensure(daemon_folder, idle_seconds=0) == server
    assert answers(server)
    until(lambda: time.time() > server.started + 5)
    assert launch.find(daemon_folder) == server


def test_an_older_package_leaves_a_newer_server_alone(daemon_folder: Path, daemon: RunningServer) -> None:
    record = json.loads((daemon_folder / "server.json").read_text())
    (daemon_folder / "server.json").write_text(json.dumps({**record, "version": "999.0.0"}))
    assert launch.ensure(daemon_folder).pid == daemon.pid


def test_a_stop_signals_no_process_but_a_server(daemon_folder: Path) -> None:
    daemon_folder.mkdir(mode=0o700)
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        with lock.ServerLock(daemon_folder):
            (daemon_folder / "server.lock").write_text(str(stranger.pid))
            with pytest.raises(errors.StartFailedError):
                launch.stop(daemon_folder, timeout=0.2)
        assert stranger.poll() is None
        stranger.kill()
