"""`zenml-comet local backup`, `restore`, `check`, `gc`: what they print, their exit codes, with a server or without."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.local.store.folders import upload
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import folder, launch
from zenml_comet_tracker.local.store import experiments, projects
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.store import Store

KEY = "a1" * 16
CONTENT = os.urandom(200_000)


def local(*words: object) -> Result:
    return CliRunner().invoke(main, ["local", *map(str, words)])


def said(*words: object) -> dict[str, Any]:
    """The JSON of a command that went well."""
    result = local(*words, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


@pytest.fixture
def data(daemon_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands find in the environment: an experiment with two files, and no server."""
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon_folder))
    # `gc` sets it, for a process that ends with the command.
    monkeypatch.setenv("SQLITE_TMPDIR", "/tmp")
    folder.prepare(daemon_folder)
    folder.api_key(daemon_folder)
    with closing(Store(daemon_folder)) as store:
        with store.write() as transaction:
            project = projects.ensure(transaction, "ws", "p")
            experiments.create(transaction, NewExperiment(KEY, project, running=True))
        for content in (CONTENT, b"small"):
            upload(store, KEY, content)
    return daemon_folder


def test_backup_restore_and_check_from_start_to_end(data: Path, tmp_path: Path) -> None:
    server = launch.ensure(data)
    made = said("backup", tmp_path / "b.zip")
    assert (made["path"], made["files"], made["file_bytes"]) == (str(tmp_path / "b.zip"), 2, 200_005)
    refused = local("restore", made["path"])
    assert (refused.exit_code, "zenml-comet down" in refused.stderr) == (1, True)
    launch.stop(data)
    assert "--force" in local("restore", made["path"]).stderr
    aside = said("restore", made["path"], "--force")["aside"]
    assert Path(aside, "comet.db").exists()
    whole = said("check")
    assert (whole["experiments"], whole["files"], whole["problems"]) == (1, 2, [])
    assert {path.read_bytes() for path in (data / "files").glob("??/*")} == {CONTENT, b"small"}
    assert launch.ensure(data).url == server.url
    there = local("backup", made["path"])
    assert (there.exit_code, there.stderr) == (1, f"Error: {made['path']} is there already. Choose another name.\n")
    into = local("backup", tmp_path)
    assert into.exit_code == 0
    assert "2 files (200.0 kB)" in into.stdout


def test_check_names_what_is_wrong_and_says_so_by_its_exit_code(data: Path, tmp_path: Path) -> None:
    assert local("check").stdout == "1 experiments, 0 metrics with 0 points, 2 files (200.0 kB).\nAll is well.\n"
    lost = next(path for path in (data / "files").glob("??/*") if path.stat().st_size == 5)
    lost.unlink()
    result = local("check")
    assert (result.exit_code, "All is well" in result.stdout) == (1, False)
    assert f"Content {lost.name} is not on the disk." in result.stdout
    assert "local restore" in result.stderr
    as_json = local("check", "--json")
    assert (as_json.exit_code, len(json.loads(as_json.stdout)["problems"])) == (1, 1)
    without = local("backup", tmp_path)
    assert (without.exit_code, "1 files are not in it" in without.stderr) == (1, True)


@pytest.mark.parametrize("running", [True, False])
def test_gc_frees_what_nothing_names_and_says_how_much(data: Path, running: bool) -> None:
    orphan = data / "files" / "00" / ("0" * 64)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x" * 1234)
    with closing(sqlite3.connect(data / "comet.db")) as connection, connection:
        connection.execute("CREATE TABLE waste (x)")
        connection.execute("INSERT INTO waste VALUES (zeroblob(3000000))")
        connection.execute("DROP TABLE waste")
    left = data / "restoring-half"
    left.mkdir()
    if running:
        launch.ensure(data)
    assert said("check")["orphans"] == 1
    before = sum(path.stat().st_size for path in data.glob("comet.db*") if path.suffix != ".db-shm")
    freed = said("gc")
    after = sum(path.stat().st_size for path in data.glob("comet.db*") if path.suffix != ".db-shm")
    assert (freed["files"], freed["file_bytes"]) == (1, 1234)
    assert freed["database_bytes"] == before - after > 2_900_000
    assert not orphan.exists()
    # With a server it may be somebody's who just begins.
    assert left.exists() == running
    checked = said("check")
    assert (checked["files"], checked["orphans"], checked["problems"]) == (2, 0, [])
    assert said("gc")["file_bytes"] == 0


@pytest.mark.parametrize("running", [True, False])
def test_gc_frees_no_file_for_a_database_that_was_lost(data: Path, running: bool) -> None:
    before = {path.name for path in (data / "files").glob("??/*")}
    (data / "comet.db").write_bytes(b"")
    if running:
        launch.ensure(data)
    result = local("gc")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "names no file at all, but 2 lie beside it" in result.stderr
    assert {path.name for path in (data / "files").glob("??/*")} == before


def test_what_to_type_next_names_the_folder_where_another_would_be_meant(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "not the usual one"
    data.rename(other)
    next((other / "files").glob("??/*")).unlink()
    assert f"local restore --data '{other}'" in local("check", "--data", other).stderr
    assert f"zenml-comet up --data '{other}'" in CliRunner().invoke(main, ["status", "--data", str(other)]).stderr
    assert "--data" not in CliRunner().invoke(main, ["status"]).stderr


def test_where_there_are_no_data_it_is_said(tmp_path: Path) -> None:
    for words in (["check"], ["gc"], ["backup", str(tmp_path / "b.zip")]):
        result = local(*words, "--data", tmp_path / "none")
        assert (result.exit_code, "no database" in result.stderr) == (4, True)
    assert list(tmp_path.iterdir()) == []
