"""The keys that servers make: one for each experiment, whoever asks on this machine."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from zenml_comet_tracker.comet.delivery import server_keys
from zenml_comet_tracker.comet.delivery.server_keys import ServerKey, ServerKeys
from zenml_comet_tracker.comet.errors import ConnectionFailedError, JournalError, OccupiedError

ROOT = "https://comet.example.com"
KEY = "k" * 32


def made(name: str) -> ServerKey:
    return ServerKey(name, 42)


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[ServerKeys]:
    yield ServerKeys(tmp_path / "journals")
    server_keys._unsaved.clear()


def test_the_first_one_makes_it_and_the_others_find_it(keys: ServerKeys, tmp_path: Path) -> None:
    assert keys.find_or_make(ROOT, KEY, lambda: made("first")) == (made("first"), True)
    again = ServerKeys(tmp_path / "journals")
    assert again.find_or_make(ROOT, KEY, lambda: made("second")) == (made("first"), False)
    assert keys.find_or_make("https://other", KEY, lambda: made("third")) == (made("third"), True)
    (file, _) = sorted((tmp_path / "journals" / ".server-keys").iterdir())
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_try_that_failed_leaves_nothing_behind(keys: ServerKeys) -> None:
    def fail() -> ServerKey:
        raise ConnectionFailedError("no answer")

    with pytest.raises(ConnectionFailedError):
        keys.find_or_make(ROOT, KEY, fail)
    assert keys.find_or_make(ROOT, KEY, lambda: made("later")) == (made("later"), True)


def test_while_one_makes_it_another_is_told_to_come_back(keys: ServerKeys) -> None:
    def meanwhile() -> ServerKey:
        with pytest.raises(OccupiedError):
            keys.find_or_make(ROOT, KEY, lambda: made("a second one"))
        return made("the one")

    assert keys.find_or_make(ROOT, KEY, meanwhile) == (made("the one"), True)


def test_a_file_that_says_something_else_makes_no_second_experiment(keys: ServerKeys, tmp_path: Path) -> None:
    keys.find_or_make(ROOT, KEY, lambda: made("first"))
    (file,) = (tmp_path / "journals" / ".server-keys").iterdir()
    file.write_text('{"what": "is this"}')
    with pytest.raises(JournalError, match="which key the server made"):
        keys.find_or_make(ROOT, KEY, lambda: made("second"))


def test_without_a_folder_the_process_remembers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "journals").write_text("a file where the folder should be")
    keys = ServerKeys(tmp_path / "journals")
    assert keys.find_or_make(ROOT, KEY, lambda: made("first")) == (made("first"), True)
    assert ServerKeys(None).find_or_make(ROOT, KEY, lambda: made("second")) == (made("first"), False)
    assert len(caplog.records) == 1
    server_keys._unsaved.clear()


def _race(folder: Path, name: str, gate: object, answers: object) -> None:
    keys = ServerKeys(folder)
    gate.wait(30)  # type: ignore[attr-defined]
    while True:
        try:
            answers.put(keys.find_or_make(ROOT, KEY, lambda: made(name)))  # type: ignore[attr-defined]
            return
        except OccupiedError:
            continue


def test_processes_that_race_agree_on_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(4), context.Queue()
    children = [context.Process(target=_race, args=(tmp_path, f"by {i}", gate, answers)) for i in range(4)]
    for child in children:
        child.start()
    found = [answers.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
    assert len({key.experiment_key for key, _ in found}) == 1
    assert [was_made for _, was_made in found].count(True) == 1


def test_a_child_forked_in_the_middle_holds_no_lock(keys: ServerKeys, tmp_path: Path) -> None:
    reader, writer = os.pipe()

    def fork() -> ServerKey:
        if (child := os.fork()) == 0:
            os.read(reader, 1)
            os._exit(0)
        children.append(child)
        return made("the one")

    children: list[int] = []
    keys.find_or_make(ROOT, KEY, fork)
    (file,) = (tmp_path / "journals" / ".server-keys").iterdir()
    with file.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(writer, b"x")
    os.waitpid(children[0], 0)
    os.close(reader)
    os.close(writer)
