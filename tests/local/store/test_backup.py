"""Backups: whole, private, taken beside a server that goes on; and put back whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.local.store.folders import everything, fill, upload
from zenml_comet_tracker.local import lock
from zenml_comet_tracker.local.errors import BackupError, DataFolderError
from zenml_comet_tracker.local.lock import ServerLock
from zenml_comet_tracker.local.store import backup, keys, looking, restore, sessions
from zenml_comet_tracker.local.store.backup import back_up
from zenml_comet_tracker.local.store.integrity import examine
from zenml_comet_tracker.local.store.store import Store

KEY, OTHER = "a1" * 16, "b2" * 16


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder and its backup; neither is to be changed."""
    folder = tmp_path_factory.mktemp("made")
    with closing(Store(folder / "data")) as store:
        fill(store, KEY)
    return folder / "data", back_up(folder / "data", folder / "backup.zip").path


def paths(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_backup_put_back_is_everything_there_was(made: tuple[Path, Path], tmp_path: Path) -> None:
    data, archive = made
    restored = restore.restore(archive, tmp_path / "new")
    assert everything(tmp_path / "new") == everything(data)
    assert (restored.files, restored.missing, restored.aside) == (3, 0, None)
    assert examine(tmp_path / "new").problems == []
    for path in [archive, tmp_path / "new", *(tmp_path / "new").rglob("*")]:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_a_backup_holds_no_key_and_names_no_folder(made: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(made[1]) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"comet.db", "manifest.json", "files"}
        assert archive.testzip() is None
        assert str(made[0]) not in archive.read("manifest.json").decode()


def granted(folder: Path, *names: str) -> dict[str, str]:
    """Keys by these names, and a session, that the folder knows from now on."""
    with closing(Store(folder)) as store, store.write() as transaction:
        sessions.create(transaction, "of a browser")
        return {name: keys.add(transaction, name) for name in names}


def known(folder: Path, given: dict[str, str]) -> set[str]:
    """Which of the keys are good in the folder."""
    with closing(Store(folder)) as store, store.read() as connection:
        return {name for name, key in given.items() if keys.name_of(connection, key) == name}


def test_keys_and_sessions_neither_leave_nor_come_by_a_backup(made: tuple[Path, Path], tmp_path: Path) -> None:
    data, mine = Path(shutil.copytree(made[0], tmp_path / "data")), tmp_path / "mine"
    theirs = granted(data, "a stranger's", "revoked")
    archive = back_up(data, tmp_path / "b.zip").path
    with zipfile.ZipFile(archive) as opened:
        database = opened.read("comet.db")
    assert known(data, theirs) == set(theirs)
    for key in theirs.values():
        assert keys.hashed(key).encode() not in database
    own = granted(mine, "mine")
    hostile = rewritten(
        archive, tmp_path / "h.zip", with_database("INSERT INTO api_key VALUES (1, 'evil', 'h', 1, NULL, NULL)")
    )
    restore.restore(hostile, mine, force=True)
    assert known(mine, {**theirs, **own}) == {"mine"}
    with closing(sqlite3.connect(mine / "comet.db")) as connection:
        assert connection.execute("SELECT name FROM api_key").fetchall() == [("mine",)]
        assert connection.execute("SELECT * FROM session").fetchall() == []


def test_a_backup_beside_writers_and_deletions_is_one_moment(tmp_path: Path) -> None:
    done = threading.Event()
    with closing(Store(tmp_path / "data")) as store:
        fill(store, KEY)

        def churn() -> None:
            while not done.is_set():
                content = upload(store, KEY, os.urandom(3000))
                with store.write() as transaction:
                    transaction.connection.exec_driver_sql("DELETE FROM asset WHERE sha256 = ?", (content,))
                store.free([content])

        writers = [threading.Thread(target=churn) for _ in range(3)]
        for writer in writers:
            writer.start()
        try:
            archives = [back_up(tmp_path / "data", tmp_path / f"{number}.zip") for number in range(4)]
        finally:
            done.set()
            for writer in writers:
                writer.join(20)
    for archive in archives:
        assert archive.missing == []
        restore.restore(archive.path, tmp_path / f"back-{archive.path.stem}")
        assert examine(tmp_path / f"back-{archive.path.stem}").problems == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["0.zip", "1.zip", "2.zip", "3.zip"]


def test_a_content_deleted_after_the_database_was_copied_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store(tmp_path / "data")) as store:
        fill(store, KEY)
        content = upload(store, KEY, b"short-lived")
        real = backup.told_by

        def deleting(database: Path) -> tuple[set[str], int]:
            told = real(database)
            with store.write() as transaction:
                transaction.connection.exec_driver_sql("DELETE FROM asset WHERE sha256 = ?", (content,))
            store.free([content])
            return told

        monkeypatch.setattr(backup, "told_by", deleting)
        assert back_up(tmp_path / "data", tmp_path / "b.zip").missing == []
        monkeypatch.undo()
    restore.restore(tmp_path / "b.zip", tmp_path / "back")
    assert examine(tmp_path / "back").problems == []


def test_lost_and_altered_contents_are_told_and_the_rest_is_kept(made: tuple[Path, Path], tmp_path: Path) -> None:
    data = Path(shutil.copytree(made[0], tmp_path / "data"))
    lost, altered, kept = sorted((data / "files").glob("??/*"))
    lost.unlink()
    altered.write_bytes(b"else")
    archive = back_up(data, tmp_path)
    assert archive.path.parent == tmp_path
    assert (archive.missing, archive.files) == ([lost.name, altered.name], 1)
    restored = restore.restore(archive.path, tmp_path / "back")
    assert (restored.files, restored.missing) == (1, 2)
    assert set(looking.contents(tmp_path / "back")) == {kept.name}


def test_a_database_of_the_first_schema_is_backed_up_and_migrated_when_it_is_back(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    script = (Path(__file__).parent / "schemas" / "first.sql").read_text("utf-8")
    with closing(sqlite3.connect(tmp_path / "data" / "comet.db")) as connection:
        connection.executescript(script)
    archive = back_up(tmp_path / "data", tmp_path / "b.zip")
    restore.restore(archive.path, tmp_path / "back")
    with closing(Store(tmp_path / "back")):
        pass
    assert not [problem for problem in examine(tmp_path / "back").problems if "Content" not in problem]


def test_a_backup_that_cannot_be_written_leaves_nothing(made: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_bytes(b"mine")
    for target, words in ((tmp_path / "there.zip", "there already"), (tmp_path / "no" / "b.zip", "No such file")):
        with pytest.raises(BackupError, match=words):
            back_up(made[0], target)
    with pytest.raises(DataFolderError, match="no database"):
        back_up(tmp_path, tmp_path / "b.zip")
    assert paths(tmp_path) == {"there.zip"}


def test_no_backup_is_made_of_a_damaged_database(made: tuple[Path, Path], tmp_path: Path) -> None:
    data = Path(shutil.copytree(made[0], tmp_path / "data"))
    with closing(sqlite3.connect(data / "comet.db")) as connection, connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tag_by_name'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with open(data / "comet.db", "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"x" * size)
    with pytest.raises(BackupError, match="damaged, so no backup is made"):
        back_up(data, tmp_path / "b.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_backup_that_is_broken_off_leaves_nothing(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_manifest", fails)
    with pytest.raises(BackupError, match="No space left"):
        back_up(made[0], tmp_path / "b.zip")
    assert paths(tmp_path) == set()


def test_data_are_replaced_only_on_demand_and_kept_aside(made: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    with closing(Store(data)) as store:
        fill(store, OTHER, seed=5)
        shared = upload(store, OTHER, f"{KEY} 1".encode() * 1000)
    (data / "api_key").write_text("the key")
    before = everything(data)
    with pytest.raises(BackupError, match=r"holds data.*--force"):
        restore.restore(made[1], data)
    assert everything(data) == before
    restored = restore.restore(made[1], data, force=True)
    assert everything(data) == everything(made[0])
    assert shared in everything(data)
    assert restored.aside is not None
    assert everything(restored.aside) == before
    assert (data / "api_key").read_text() == "the key"
    assert [path.name for path in data.iterdir() if path.name.startswith("restoring")] == []


def test_what_a_killed_server_left_in_its_log_goes_aside_and_not_into_the_new_database(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    with closing(Store(data)) as store:
        fill(store, OTHER, seed=5)
        assert (data / "comet.db-wal").stat().st_size > 0
        shutil.copytree(data, copy)
    restored = restore.restore(made[1], copy, force=True)
    assert everything(copy) == everything(made[0])
    assert restored.aside is not None
    assert everything(restored.aside) == everything(data)


def test_a_running_server_keeps_its_data(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.01)
    with ServerLock(tmp_path), pytest.raises(BackupError, match="Stop it first"):
        restore.restore(made[1], tmp_path, force=True)
    assert paths(tmp_path) == {"server.lock"}


@pytest.mark.parametrize("over", [True, False], ids=["over data", "into nothing"])
def test_a_restore_broken_off_at_any_step_leaves_the_old_data_or_the_new(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    data, steps, breaks_at = tmp_path / "data", 0, 0
    if over:
        with closing(Store(data)) as store:
            fill(store, OTHER, seed=7)
            upload(store, OTHER, f"{KEY} 1".encode() * 1000)
    before, after = everything(data) if over else {}, everything(made[0])

    def breaking(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **more: object) -> object:
            nonlocal steps
            steps += 1
            if steps == breaks_at:
                raise KeyboardInterrupt
            return real(*arguments, **more)

        return step

    for where, name in ((restore.os, "replace"), (restore.os, "fsync"), (restore, "_link"), (restore, "_named")):
        monkeypatch.setattr(where, name, breaking(getattr(where, name)))
    broken = 0
    while not data.exists() or everything(data) == before:
        steps, breaks_at = 0, breaks_at + 1
        try:
            restore.restore(made[1], data, force=over)
        except KeyboardInterrupt:
            broken += 1
        assert not list(data.glob("restoring-*"))
        if over:
            assert bool(list(data.glob("replaced-*"))) == (everything(data) != before)
        else:
            assert not data.exists() or looking.contents(data)
    assert {name: rows for name, rows in everything(data).items() if name not in before or name in after} == after
    assert examine(data).problems == []
    assert broken > (12 if over else 8)


def rewritten(archive: Path, target: Path, change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> Path:
    """A copy of the archive in which `change` has had its way with the entries, and may add some of its own."""
    with zipfile.ZipFile(archive) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as made:
        warnings.simplefilter("ignore")
        change(made, entries)
        for name, content in entries.items():
            made.writestr(name, content)
    target.write_bytes(target.read_bytes().replace(b"comet.db_", b"comet.db\0"))
    return target


def adding(name: str, content: bytes = b"x", *, mode: int = 0, method: int = zipfile.ZIP_STORED) -> Callable[..., None]:
    def change(archive: zipfile.ZipFile, _: dict[str, bytes]) -> None:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.compress_type = method
        archive.writestr(entry, content)

    return change


def with_database(*statements: str) -> Callable[..., None]:
    """The database after some statements, and the manifest to it: what somebody who means harm can make."""

    def change(_: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(entries["comet.db"])
            file.flush()
            with closing(sqlite3.connect(file.name)) as connection:
                for statement in statements:
                    connection.execute(statement)
                connection.commit()
                connection.execute("PRAGMA journal_mode=DELETE")
            entries["comet.db"] = Path(file.name).read_bytes()
        with_manifest(database_sha256=hashlib.sha256(entries["comet.db"]).hexdigest())(_, entries)

    return change


def with_manifest(**members: object) -> Callable[..., None]:
    def change(_: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = json.dumps({**json.loads(entries["manifest.json"]), **members}).encode()

    return change


def without(prefix: str) -> Callable[..., None]:
    def change(_: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        del entries[next(name for name in entries if name.startswith(prefix))]

    return change


def altered(prefix: str) -> Callable[..., None]:
    def change(_: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        name = next(name for name in entries if name.startswith(prefix))
        entries[name] = entries[name][:-1] + b"!"

    return change


HASH = "files/ab/ab" + "0" * 62
REFUSED: dict[str, tuple[Callable[..., None], str]] = {
    "an absolute name": (adding("/etc/passwd"), "no entry '/etc/passwd'"),
    "a way out": (adding("../../escaped"), "no entry"),
    "a way out below files": (adding("files/../../escaped"), "no entry"),
    "a backslash": (adding("files\\ab"), "no entry"),
    "a name cut by a zero": (adding("comet.db_.txt"), "no entry"),
    "a folder": (adding("files/"), "no entry"),
    "a key": (adding("api_key"), "no entry 'api_key'"),
    "a content under another's folder": (adding("files/ac/ab" + "0" * 62), "no entry"),
    "a duplicate": (adding("comet.db"), "there twice"),
    "a link": (adding(HASH, b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "link"),
    "a device": (adding(HASH, mode=stat.S_IFCHR), "no file"),
    "a compressed entry": (adding(HASH, b"0" * 10_000_000, method=zipfile.ZIP_DEFLATED), "compressed"),
    "no manifest": (without("manifest"), "lacks manifest"),
    "no database": (without("comet.db"), "lacks manifest.json or comet.db"),
    "no content": (without("files"), "lacks 1 of its files"),
    "an altered content": (altered("files"), "other bytes"),
    "an altered database": (altered("comet.db"), "other bytes"),
    "a manifest that is none": (with_manifest(missing=3), "cannot be understood"),
    "a newer format": (with_manifest(format=99, version="9.9"), "version 9.9"),
    "a trigger": (with_database("CREATE TRIGGER t AFTER INSERT ON tag BEGIN DELETE FROM experiment; END"), "triggers"),
    "a view": (with_database("ALTER TABLE tag RENAME TO x", "CREATE VIEW tag AS SELECT * FROM x"), "views"),
    "a virtual table": (with_database("CREATE VIRTUAL TABLE v USING fts5(a)"), "virtual"),
    "a newer schema": (with_database("INSERT INTO migration VALUES (99, 'future', 0)"), "newer version"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_backup_of_ours_is_refused_and_leaves_nothing(
    made: tuple[Path, Path], tmp_path: Path, what: str
) -> None:
    change, words = REFUSED[what]
    archive = rewritten(made[1], tmp_path / "b.zip", change)
    with pytest.raises((BackupError, DataFolderError), match=words):
        restore.restore(archive, tmp_path / "inner" / "data")
    assert paths(tmp_path) <= {"b.zip", "inner"}


def test_entries_that_lie_over_each_other_are_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    """A zip bomb needs no compression: its directory may name the same bytes again and again."""
    content = b"0" * 100_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("comet.db", content)
        entry = archive.infolist()[1]
        for number in range(50):
            again = zipfile.ZipInfo(f"files/{number:02d}/{number:02d}{'0' * 62}")
            again.header_offset, again.file_size, again.compress_size = entry.header_offset, len(content), len(content)
            again.CRC = entry.CRC
            archive.filelist.append(again)
    (tmp_path / "b.zip").write_bytes(packed.getvalue())
    with pytest.raises(BackupError, match="more bytes than the archive"):
        restore.restore(tmp_path / "b.zip", tmp_path / "data")
    assert paths(tmp_path) == {"b.zip"}


def test_too_many_entries_and_too_little_room_are_refused(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(restore, "MAX_ENTRIES", 4)
        with pytest.raises(BackupError, match=r"5 entries; at most 4"):
            restore.restore(made[1], tmp_path / "data")
    monkeypatch.setattr(restore.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(BackupError, match="has room for 1,000 bytes"):
        restore.restore(made[1], tmp_path / "data")
    assert paths(tmp_path) == set()


@pytest.mark.parametrize("size", [0, 100, -200])
def test_what_is_no_whole_archive_is_refused(made: tuple[Path, Path], tmp_path: Path, size: int) -> None:
    (tmp_path / "b.zip").write_bytes(made[1].read_bytes()[:size])
    with pytest.raises(BackupError, match="not a whole backup"):
        restore.restore(tmp_path / "b.zip", tmp_path / "data")
    assert paths(tmp_path) == {"b.zip"}
