"""A check finds what is wrong, each thing by its name, and nothing where nothing is."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.local.store.folders import everything, fill, upload
from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.store import integrity
from zenml_comet_tracker.local.store.integrity import examine
from zenml_comet_tracker.local.store.store import Store

KEY = "a1" * 16


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which all is well."""
    folder = tmp_path_factory.mktemp("sound")
    with closing(Store(folder)) as store:
        fill(store, KEY)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def run(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "comet.db")) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement


def test_a_sound_folder_has_no_fault_and_stays_as_it_is(folder: Path) -> None:
    before = everything(folder)
    report = examine(folder)
    assert report.problems == []
    assert (report.experiments, report.metrics, report.files) == (1, 5, 3)
    assert report.points == 12 * 440
    assert report.file_bytes == sum(len(content) for name, content in before.items() if len(name) == 64)
    assert everything(folder) == before


def test_a_check_goes_on_beside_a_server_and_sees_its_latest_write(folder: Path) -> None:
    with closing(Store(folder)) as store:
        fill(store, "b2" * 16, seed=2)
        report = examine(folder)
        assert (report.problems, report.experiments, report.points) == ([], 2, 24 * 440)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE metric SET count = count + 1 WHERE name = 'long'", "'long'.*count 4801, it is 4800"),
        ("UPDATE metric SET last_value = 7 WHERE name = 'loss'", "'loss'.*last_value 7"),
        ("UPDATE metric SET last_step = -1 WHERE name = 'long'", "last_step -1"),
        ("UPDATE metric SET min_value = -99 WHERE name = 'long'", "min_value -99"),
        ("UPDATE metric SET max_step = 3 WHERE name = 'long'", "no point has the max .* at step 3"),
        ("UPDATE metric SET step_max = 4800 WHERE name = 'long'", "step_max 4800, it is 4799"),
        ("UPDATE metric SET millis_min = 5 WHERE name = 'train_acc'", "'train_acc'.*millis_min 5"),
        ("DELETE FROM chunk WHERE id = (SELECT min(id) FROM chunk WHERE count > 300)", "starts at .* ends at 0"),
        ("UPDATE chunk SET start = start + 1 WHERE id = (SELECT max(id) FROM chunk)", "starts at"),
        (
            "UPDATE chunk SET count = count - 1 WHERE id = (SELECT max(id) FROM chunk)",
            "cannot be read|, it is",
        ),
        ("UPDATE chunk SET value_max = 1e9 WHERE id = (SELECT max(id) FROM chunk)", "says value_max 1000000000"),
        ("UPDATE chunk SET \"values\" = x'00' WHERE id = (SELECT max(id) FROM chunk)", "cannot be read"),
        ("UPDATE rollup SET groups = zeroblob(length(groups))", "the rollup of chunk"),
        ("UPDATE rollup SET groups = substr(groups, 1, 90)", "the rollup of chunk|cannot be read"),
        ("DELETE FROM chunk", "it has no points"),
        ("UPDATE tag SET experiment_id = 77", "of table tag belongs to a row of experiment that is not there"),
        ("UPDATE asset SET size = 1 WHERE id = 1", "has [0-9]+ bytes, its assets say 1"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, statement: str, words: str) -> None:
    run(folder, statement)
    problems = examine(folder).problems
    assert problems
    assert re.search(words, "\n".join(problems)), problems


def test_lost_and_altered_contents_are_named_and_orphans_counted(folder: Path) -> None:
    lost, altered, cut = sorted(path for path in (folder / "files").glob("??/*") if len(path.name) == 64)
    lost.unlink()
    altered.write_bytes(altered.read_bytes().replace(b"a", b"b", 1))
    cut.write_bytes(b"")
    orphan = folder / "files" / "00" / ("0" * 64)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"nobody's")
    report = examine(folder)
    assert sorted(report.problems) == sorted(
        [
            f"Content {lost.name} is not on the disk.",
            f"Content {altered.name} has other bytes than it had.",
            f"Content {cut.name} has other bytes than it had.",
        ]
    )
    assert (report.orphans, report.orphan_bytes) == (1, 8)


def test_a_damaged_file_is_told(folder: Path) -> None:
    size = (folder / "comet.db").stat().st_size
    with open(folder / "comet.db", "r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 8192)
    assert any("damaged" in problem or "cannot be read" in problem for problem in examine(folder).problems)


@pytest.mark.parametrize(
    "make",
    [lambda folder: None, lambda folder: run(folder, "CREATE TABLE x (y)")],
    ids=["no database", "another's database"],
)
def test_what_is_no_data_folder_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path)
    with pytest.raises(DataFolderError, match=r"no database|older version"):
        examine(tmp_path)


def test_a_content_that_is_deleted_meanwhile_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(folder)) as store:
        content = upload(store, KEY, b"short-lived")
        real = integrity.contents

        def deleting(where: Path) -> dict[str, int]:
            run(folder, f"DELETE FROM asset WHERE sha256 = '{content}'")
            store.free([content])
            return real(where)

        monkeypatch.setattr(integrity, "contents", deleting)
        assert examine(folder).problems == []
