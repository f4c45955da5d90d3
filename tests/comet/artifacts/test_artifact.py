"""Putting an artifact together: what gets which logical path, and what is refused before anything is added."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import pytest

from zenml_comet_tracker.comet.artifacts import Artifact, create_artifact
from zenml_comet_tracker.comet.artifacts.artifact import sources_of
from zenml_comet_tracker.comet.errors import InvalidValueError


def paths(artifact: Artifact) -> list[str]:
    return [asset.logical_path for asset in artifact.assets]


def contents(artifact: Artifact) -> dict[str, bytes]:
    read = {}
    for path, source in sources_of(artifact).items():
        with source.open() as stream:
            read[path] = stream.read()
    return read


@pytest.fixture
def artifact() -> Artifact:
    return Artifact("digits", "dataset")


def test_a_folder_goes_by_its_name_or_by_a_logical_path(artifact: Artifact, folder: Path) -> None:
    artifact.add(str(folder), metadata={"k": 1})
    artifact.add(local_path=folder, logical_path="more/")
    artifact.add(folder, "")
    inside = ["train/a.csv", "weights.bin", "über.txt"]
    assert paths(artifact) == [f"{base}{name}" for base in ("data/", "more/", "") for name in inside]
    first = artifact.assets[0]
    assert (first.size, first.metadata, first.remote, first.link) == (4, {"k": 1}, False, None)
    assert first.local_path_or_data == str(folder / "train" / "a.csv")


def test_blanks_belong_to_the_name_of_a_file(artifact: Artifact, tmp_path: Path) -> None:
    for name in ("a", " a", "a "):
        (tmp_path / name).write_text(name)
    artifact.add(tmp_path, "")
    assert contents(artifact) == {name: name.encode() for name in ("a", " a", "a ")}


def test_files_data_and_open_files(artifact: Artifact, folder: Path) -> None:
    artifact.add(folder / "train" / "a.csv")
    artifact.add(folder / "train" / "a.csv", "into/")
    artifact.add(b"bytes", "b.bin")
    artifact.add({"a": [1]}, "j.json")
    artifact.add(io.StringIO("ü"), "t.txt")
    with (folder / "weights.bin").open("rb") as stream:
        stream.seek(511_999)
        artifact.add(stream)
    artifact.add(local_path_or_data=io.BytesIO(b"later"), logical_path="l.bin", copy_to_tmp=False)
    assert contents(artifact) == {
        "a.csv": b"a,1\n",
        "into/a.csv": b"a,1\n",
        "b.bin": b"bytes",
        "j.json": b'{"a": [1]}',
        "t.txt": "ü".encode(),
        "weights.bin": b"\xff",
        "l.bin": b"later",
    }


def test_an_open_file_may_be_added_twice(artifact: Artifact) -> None:
    stream = io.BytesIO(b"whole")
    artifact.add(stream, "a", copy_to_tmp=False)
    artifact.add(stream, "b", copy_to_tmp=False)
    assert contents(artifact) == {"a": b"whole", "b": b"whole"}


def test_an_open_file_is_copied_when_it_is_added(artifact: Artifact) -> None:
    stream = io.BytesIO(b"now")
    artifact.add(stream, "s.bin")
    stream.seek(0)
    stream.write(b"new")
    stream.close()
    assert contents(artifact) == {"s.bin": b"now"}


def test_links_keep_what_was_said_of_them(artifact: Artifact) -> None:
    artifact.add_remote("s3://bucket/d/train.csv?x=1", metadata={"k": 1}, asset_type="csv")
    artifact.add_remote(uri="http://localhost/dataset.dat", logical_path="dataset", metadata={})
    first, second = artifact.assets
    assert (first.logical_path, first.link) == ("train.csv", "s3://bucket/d/train.csv?x=1")
    assert (first.remote, first.size, first.metadata, first.asset_type) == (True, 0, {"k": 1}, "csv")
    assert (second.logical_path, second.local_path_or_data) == ("dataset", None)
    with pytest.raises(InvalidValueError, match="logical_path"):
        artifact.add_remote("http://host/")


def test_a_taken_path_is_refused_or_replaced(artifact: Artifact, folder: Path) -> None:
    artifact.add(b"one", "data/train/a.csv")
    with pytest.raises(InvalidValueError, match=r"'data/train/a\.csv' already; .*overwrite=True"):
        artifact.add(folder)
    assert paths(artifact) == ["data/train/a.csv"]
    artifact.add(folder, overwrite=True)
    assert len(paths(artifact)) == 3
    assert contents(artifact)["data/train/a.csv"] == b"a,1\n"
    artifact.add_remote("http://h/a.csv", "data/train/a.csv", overwrite=True)
    assert "data/train/a.csv" not in contents(artifact)


def test_nothing_is_file_and_folder_at_once(artifact: Artifact) -> None:
    artifact.add(b"x", "a/b")
    for path in ("a", "a/b/c"):
        with pytest.raises(InvalidValueError, match="folder"):
            artifact.add(b"x", path)
    assert paths(artifact) == ["a/b"]


def test_links_in_a_folder_are_followed_and_end(
    artifact: Artifact, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.csv").write_text("b")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "train" / "c.csv").symlink_to(folder / "train" / "a.csv")
    (folder / "train" / "round").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "gone")
    os.mkfifo(folder / "pipe")
    with caplog.at_level(logging.WARNING):
        artifact.add(folder, "d")
    assert sorted(paths(artifact)) == [
        "d/linked/b.csv",
        "d/train/a.csv",
        "d/train/c.csv",
        "d/weights.bin",
        "d/über.txt",
    ]
    assert contents(artifact)["d/train/c.csv"] == b"a,1\n"
    assert "nowhere" in caplog.text
    assert "pipe" in caplog.text


@pytest.mark.parametrize("added", ["gone.csv", "empty", 7, None])
def test_what_cannot_be_added_says_why(artifact: Artifact, tmp_path: Path, added: object) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidValueError):
        artifact.add(tmp_path / added if isinstance(added, str) else added, "x")
    assert paths(artifact) == []


def test_data_need_a_path(artifact: Artifact) -> None:
    with pytest.raises(InvalidValueError, match="logical_path"):
        artifact.add(b"data")


def test_labels_and_metadata_are_checked() -> None:
    made = Artifact("a", aliases="one", version="1.0.0", version_tags=["t", "t"], metadata={"m": 1})
    assert (made.artifact_type, made.aliases, made.version_tags) == ("data", {"one"}, {"t"})
    for wrong in ({"metadata": [1]}, {"aliases": 7}, {"version_tags": [""]}, {"version": "1"}):
        with pytest.raises(InvalidValueError):
            Artifact("a", **wrong)


def test_the_document_makes_one_by_keywords(folder: Path) -> None:
    artifact = create_artifact(
        artifact_name="artifact-name",
        artifact_type="dataset",
        metadata={"foo": "bar"},
        aliases=["alias1", "alias2"],
        version_tags=["tag1", "tag2"],
    )
    artifact.add_remote(uri="http://localhost/dataset.dat", logical_path="dataset", metadata={"foo": "bar"})
    artifact.add(local_path=str(folder), logical_path="data-files", metadata={"foo": "bar"})
    assert (artifact.name, artifact.aliases, artifact.version) == ("artifact-name", {"alias1", "alias2"}, None)
    assert paths(artifact)[:2] == ["dataset", "data-files/train/a.csv"]
