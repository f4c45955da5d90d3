"""What is deleted is gone, from the database and from the disk, and nothing else is."""

from __future__ import annotations

import io
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.local.store.conftest import KEY
from zenml_comet_tracker.local.store import assets, deletion, experiments, facts, metrics, projects, schema, symlinks
from zenml_comet_tracker.local.store.assets import NewAsset
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.faults import ProjectInUseError, UnknownExperimentError, UnknownProjectError
from zenml_comet_tracker.local.store.metrics import MetricValue
from zenml_comet_tracker.local.store.store import Store

OTHER = "f" * 32


def contents(store: Store) -> set[bytes]:
    """What lies in the folder of files, read from the disk."""
    return {path.read_bytes() for path in (store.folder / "files").glob("[0-9a-f][0-9a-f]/*")}


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def upload(store: Store, key: str, content: bytes, *, overwrite: bool = False, **more: Any) -> str:
    """Stores a file as a request does; its asset id."""
    with store.arriving() as arriving:
        stored = arriving.add(io.BytesIO(content))
        new = NewAsset(
            **{"asset_id": os.urandom(16).hex(), "file_name": "a", "type": "asset", "created_millis": 1, **more},
            size=stored.size,
            sha256=stored.sha256,
        )
        with store.write_to(key) as target:
            assets.add(target.transaction, target.experiment.id, new, overwrite=overwrite)
    return new.asset_id


def log(store: Store, key: str, points: int = 10) -> None:
    with store.write_to(key) as target:
        values = [MetricValue(f"m{n % 3}", n / 7, n, None, "", n) for n in range(points)]
        metrics.add(target.connection, target.experiment.id, "w" * 32, values)
        facts.add_tags(target.connection, target.experiment.id, ["t"])
        facts.add_other(target.transaction, target.experiment.id, "o", "v", 1)


@pytest.fixture
def two(store: Store) -> Store:
    """A store with two experiments in one project."""
    with store.write() as transaction:
        project = projects.ensure(transaction, "ws", "p")
        experiments.create(transaction, NewExperiment(OTHER, project, running=True))
    return store


def project_of(store: Store, name: str = "p") -> Any:
    with store.read() as connection:
        return projects.require_named(connection, "ws", name)


def test_a_deleted_experiment_leaves_nothing_and_takes_nothing_else_along(two: Store) -> None:
    log(two, OTHER)
    upload(two, OTHER, b"shared")
    before = rows(two)
    log(two, KEY)
    upload(two, KEY, b"shared")
    upload(two, KEY, b"its own")
    with two.write() as transaction:
        elsewhere = projects.ensure(transaction, "ws", "elsewhere")
        symlinks.add(transaction, experiments.require(transaction.connection, KEY), elsewhere)
    assert contents(two) == {b"shared", b"its own"}
    deletion.delete_experiment(two, KEY)
    assert contents(two) == {b"shared"}
    assert rows(two) == {**before, "experiment": 1, "project": before["project"] + 1}
    with pytest.raises(UnknownExperimentError):
        deletion.delete_experiment(two, KEY)


def test_what_an_artifact_holds_outlives_its_experiment(two: Store) -> None:
    with two.write() as transaction:
        transaction.connection.execute(
            schema.artifact.insert().values(id="a", workspace="ws", name="n", type="t", created_millis=1)
        )
        transaction.connection.execute(
            schema.artifact_version.insert().values(
                id="v", artifact_id="a", version="1.0.0", major=1, minor=0, patch=0, state="OPEN",
                experiment_key=KEY, created_millis=1,
            )
        )  # fmt: skip
    kept = upload(two, KEY, b"of the artifact", artifact_version_id="v")
    upload(two, KEY, b"its own")
    deletion.delete_experiment(two, KEY)
    assert contents(two) == {b"of the artifact"}
    with two.read() as connection:
        assert two.files.path(assets.require(connection, kept, None, "v").sha256).read_bytes() == b"of the artifact"


def test_a_project_goes_with_its_experiments_or_only_empty(two: Store) -> None:
    upload(two, KEY, b"x")
    with two.write() as transaction:
        experiments.change(transaction, experiments.require(transaction.connection, OTHER).id, archived=True)
    with pytest.raises(ProjectInUseError, match=r"2 experiments.*deleteAllExperiments"):
        deletion.delete_project(two, project_of(two), with_experiments=False)
    assert rows(two)["experiment"] == 2
    deletion.delete_project(two, project_of(two), with_experiments=True)
    assert (rows(two)["experiment"], rows(two)["project"], contents(two)) == (0, 0, set())
    with two.write() as transaction:
        projects.ensure(transaction, "ws", "empty")
    deletion.delete_project(two, project_of(two, "empty"), with_experiments=False)
    with pytest.raises(UnknownProjectError):
        project_of(two, "empty")


def test_more_experiments_than_one_transaction_takes_are_deleted(two: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_AT_ONCE", 2)
    with two.write() as transaction:
        project = projects.ensure(transaction, "ws", "p")
        for number in range(6):
            experiments.create(transaction, NewExperiment(f"{number:032}", project, running=False))
    deletion.delete_project(two, project_of(two), with_experiments=True)
    assert rows(two)["experiment"] == 0


def test_the_database_file_shrinks(two: Store) -> None:
    path = two.folder / "comet.db"

    def size() -> int:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size

    before = size()
    with two.write_to(KEY) as target:
        facts.add_other(target.transaction, target.experiment.id, "long", "x" * 5_000_000, 1)
    assert size() > before + 4_000_000
    deletion.delete_experiment(two, KEY)
    assert size() < before + 100_000


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_overwritten_is_freed(two: Store, overwrite: bool) -> None:
    more = {} if overwrite else {"asset_id": "1" * 32}
    upload(two, KEY, b"first", **more)
    upload(two, KEY, b"second", overwrite=overwrite, **more)
    assert contents(two) == {b"second"}


def test_an_upload_that_fails_leaves_no_content(two: Store) -> None:
    upload(two, KEY, b"named")
    for content in (b"of nobody", b"named"):
        with pytest.raises(UnknownExperimentError):
            upload(two, "0" * 32, content)
    assert contents(two) == {b"named"}


def test_an_upload_that_names_nothing_leaves_no_content(two: Store) -> None:
    """A marked one that is sent again, and what it stored was deleted since."""
    with two.arriving() as arriving:
        arriving.add(io.BytesIO(b"stored before"))
    assert contents(two) == set()


def test_a_content_that_comes_again_while_its_last_name_goes_stays(two: Store) -> None:
    """The upload has brought its bytes, the deletion commits and frees, the upload names its bytes."""
    upload(two, KEY, b"again")
    brought, deleted = threading.Event(), threading.Event()

    def upload_slowly() -> None:
        with two.arriving() as arriving:
            stored = arriving.add(io.BytesIO(b"again"))
            brought.set()
            assert deleted.wait(10)
            new = NewAsset("2" * 32, "a", "asset", 1, size=stored.size, sha256=stored.sha256)
            with two.write_to(OTHER) as target:
                assets.add(target.transaction, target.experiment.id, new, overwrite=False)

    thread = threading.Thread(target=upload_slowly)
    thread.start()
    assert brought.wait(10)
    deletion.delete_experiment(two, KEY)
    deleted.set()
    thread.join()
    assert contents(two) == {b"again"}
    deletion.delete_experiment(two, OTHER)
    assert contents(two) == set()


def test_a_deletion_stands_though_the_disk_gives_nothing_back(
    two: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upload(two, KEY, b"x")

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        deletion.delete_experiment(two, KEY)
    assert rows(two)["asset"] == 0
    assert "could not be given back" in caplog.text


def test_whoever_watches_the_project_is_told(two: Store) -> None:
    def number() -> Any:
        with two.read() as connection:
            return connection.scalar(select(schema.project.c.change_number).where(schema.project.c.name == "p"))

    before = number()
    deletion.delete_experiment(two, KEY)
    assert number() > before
