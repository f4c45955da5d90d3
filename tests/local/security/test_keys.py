"""Keys: long, private, several, revocable, and known to the server by more than the client's word."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from tests.fixtures.local_server import KEY, LocalServer, TurnedClock
from tests.local.test_auth import sign_in
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import folder, launch
from zenml_comet_tracker.local.gate import Gate
from zenml_comet_tracker.local.store import backup, keys, restore
from zenml_comet_tracker.local.store.store import Store

DAY = 24 * 3600


def asks(server: LocalServer | launch.RunningServer, key: str, path: str = "api/rest/v2/workspaces") -> int:
    """The status of the answer to who brings this key."""
    return requests.get(f"{server.url}/{path}", headers={"Authorization": key}, timeout=20).status_code


def added(server: LocalServer, name: str) -> str:
    answer = server.call("POST", "api/local/keys/add", json={"name": name})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["apiKey"])


def local(*words: str) -> Result:
    return CliRunner().invoke(main, ["local", "keys", *words])


def test_the_owners_key_is_long_random_and_in_a_private_file(tmp_path: Path) -> None:
    keys = {folder.rotate_api_key(tmp_path) for _ in range(50)}
    assert len(keys) == 50
    for key in keys:
        assert len(bytes.fromhex(key.removeprefix("local"))) * 8 >= 128
    assert stat.S_IMODE((tmp_path / "api_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["api_key"]


def test_a_named_key_opens_the_api_until_it_is_revoked(local_server: LocalServer) -> None:
    key = added(local_server, "ci")
    assert asks(local_server, key) == 200
    write = {"Authorization": key}
    body = {"experimentKey": "c1" * 16}
    url = f"{local_server.url}/clientlib/logger/add/run"
    assert requests.post(url, json=body, headers=write, timeout=20).status_code == 200
    assert local_server.call("POST", "api/local/keys/revoke", json={"name": "ci"}).status_code == 200
    assert asks(local_server, key) == 401
    assert requests.post(url, json=body, headers=write, timeout=20).json()["sdk_error_code"] == 90212
    assert local_server.call("POST", "api/local/keys/revoke", json={"name": "ci"}).status_code == 404
    again = added(local_server, "ci")
    assert again != key
    assert (asks(local_server, again), asks(local_server, key)) == (200, 401)


def test_a_named_key_makes_no_keys_and_signs_nobody_in(local_server: LocalServer) -> None:
    headers = {"Authorization": added(local_server, "colleague")}
    for call in ("keys/add", "keys/revoke", "keys/rotate", "sign-in-codes"):
        url = f"{local_server.url}/api/local/{call}"
        assert requests.post(url, json={"name": "x"}, headers=headers, timeout=20).status_code == 403
    assert asks(local_server, headers["Authorization"], "api/local/keys") == 403
    with sign_in(local_server) as browser:
        for call in ("keys", "keys/add"):
            assert browser.get(f"{local_server.url}/api/local/{call}", timeout=20).status_code == 403


def test_a_name_is_taken_once_and_has_to_be_one(local_server: LocalServer) -> None:
    added(local_server, "twice")
    for name in ("twice", "", " ", " x", "a\nb", "x" * 101):
        answer = local_server.call("POST", "api/local/keys/add", json={"name": name})
        assert answer.status_code == 400, name


def test_only_hashes_are_kept_and_the_last_use_to_the_day(clocked_server: LocalServer, clock: TurnedClock) -> None:
    key = added(clocked_server, "robot")
    clock.turn(DAY)
    assert asks(clocked_server, key) == 200
    used = clock.now // (DAY * 1000) * DAY * 1000
    clock.turn(60)
    assert asks(clocked_server, key) == 200
    listed = clocked_server.call("GET", "api/local/keys").json()["keys"]
    assert [(row["name"], row["used_millis"]) for row in listed] == [("robot", used)]
    assert key not in json.dumps(listed)
    for path in clocked_server.data.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path


def test_a_use_that_cannot_be_noted_is_still_answered(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = added(local_server, "full disk")
    gate = Gate(local_server.store, KEY, 1)
    with monkeypatch.context() as broken:
        broken.setattr(local_server.store, "write", lambda: 1 / 0)
        assert gate.name_of(key) == "full disk"


def test_rotation_ends_the_old_key_sessions_and_codes(clocked_server: LocalServer) -> None:
    with sign_in(clocked_server) as browser:
        code = clocked_server.call("POST", "api/local/sign-in-codes", json={}).json()["url"]
        new = str(clocked_server.call("POST", "api/local/keys/rotate", json={}).json()["apiKey"])
        assert (asks(clocked_server, new), asks(clocked_server, KEY)) == (200, 401)
        assert browser.get(f"{clocked_server.url}/", timeout=20).status_code == 401
        assert requests.get(code, allow_redirects=False, timeout=20).status_code == 401
    assert (clocked_server.data / "api_key").read_text() == new


def test_the_command_works_while_the_server_runs(daemon: launch.RunningServer, daemon_folder: Path) -> None:
    data = ["--data", str(daemon_folder)]
    key = local("add", "laptop", *data).output.strip()
    assert asks(daemon, key) == 200
    assert local("add", "laptop", *data).exit_code == 1
    listed = local("list", *data).output
    assert "laptop" in listed
    assert key not in listed
    assert local("revoke", "laptop", *data).exit_code == 0
    assert asks(daemon, key) == 401
    assert local("rotate", *data).exit_code == 0
    found = launch.find(daemon_folder)
    assert found is not None
    assert found.api_key != daemon.api_key
    assert (asks(daemon, found.api_key), asks(daemon, daemon.api_key)) == (200, 401)


def test_the_command_works_while_the_server_does_not(daemon_folder: Path) -> None:
    data = ["--data", str(daemon_folder)]
    for words in (["list"], ["list", "--json"], ["revoke", "laptop"], ["rotate"]):
        missing = local(*words, *data)
        assert (missing.exit_code, missing.stdout) == (4, "")
        assert f"no data of a local Comet in {daemon_folder}" in missing.stderr
    assert not daemon_folder.exists()
    made = json.loads(local("add", "laptop", "--json", *data).output)
    assert [key["name"] for key in json.loads(local("list", "--json", *data).output)["keys"]] == ["laptop"]
    second = local("add", "phone", *data).output.strip()
    owner = folder.read_api_key(daemon_folder)
    assert local("add", "laptop", *data).exit_code == 1
    assert local("revoke", "phone", *data).exit_code == 0
    assert local("revoke", "tablet", *data).exit_code == 1
    assert local("rotate", *data).exit_code == 0
    assert folder.read_api_key(daemon_folder) != owner
    server = launch.ensure(daemon_folder)
    assert asks(server, made["api_key"]) == 200
    assert [asks(server, key) for key in (second, owner or "")] == [401, 401]
    with closing(sqlite3.connect(daemon_folder / "comet.db")) as connection:
        names = connection.execute("SELECT name, revoked_millis IS NULL FROM api_key ORDER BY name").fetchall()
    assert names == [("laptop", 1), ("phone", 0)]


def test_a_backup_brings_no_keys_and_no_sessions_and_revives_none(tmp_path: Path) -> None:
    def named(folder: Path) -> list[tuple[str, bool]]:
        with closing(Store(folder)) as store, store.read() as connection:
            return [(key.name, key.revoked_millis is None) for key in keys.everyone(connection)]

    own, others = tmp_path / "own", tmp_path / "others"
    with closing(Store(own)) as store:
        with store.write() as transaction:
            stolen = keys.add(transaction, "stolen")
            keys.add(transaction, "kept")
        Gate(store, "owner", 1).open_session()
    archive = backup.back_up(own, tmp_path / "backup.zip").path
    with closing(Store(own)) as store, store.write() as transaction:
        keys.revoke(transaction, "stolen")
    restore.restore(archive, own, force=True)
    assert named(own) == [("kept", True), ("stolen", False)]
    restore.restore(archive, others)
    assert named(others) == []
    for folder_ in (own, others):
        with closing(Store(folder_)) as store, store.read() as connection:
            assert keys.name_of(connection, stolen) is None
        with closing(sqlite3.connect(folder_ / "comet.db")) as connection:
            assert connection.execute("SELECT count(*) FROM session").fetchone() == (0,)
