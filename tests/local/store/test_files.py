"""Contents by hash: whole or not there, and nothing left behind."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.store.files import Files


class CutStream(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece:
            raise ConnectionError("cut")
        return piece


def test_a_content_lies_under_its_hash(tmp_path: Path) -> None:
    files = Files(tmp_path)
    stored = files.add(io.BytesIO(b"x" * 3_000_000))
    assert stored.sha256 == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert (stored.size, files.path(stored.sha256).read_bytes()) == (3_000_000, b"x" * 3_000_000)


def age(path: Path, days: float) -> Path:
    moment = time.time() - days * 24 * 3600
    os.utime(path, (moment, moment))
    return path


def test_a_sweep_takes_only_old_contents_that_nothing_names(tmp_path: Path) -> None:
    files = Files(tmp_path)
    named, young, old = (files.add(io.BytesIO(content)).sha256 for content in (b"named", b"young", b"old"))
    age(files.path(named), 30)
    age(files.path(young), 6.9)
    age(files.path(old), 7.1)
    files.sweep({named})
    assert [files.path(sha256).exists() for sha256 in (named, young, old)] == [True, True, False]


def test_a_sweep_takes_nothing_when_the_database_names_nothing(tmp_path: Path) -> None:
    files = Files(tmp_path)
    content = age(files.path(files.add(io.BytesIO(b"all there is")).sha256), 30)
    files.sweep(set())
    assert content.exists()


def test_a_sweep_takes_nothing_that_is_not_ours(tmp_path: Path) -> None:
    Files(tmp_path)
    (tmp_path / "en").mkdir()
    strangers = [tmp_path / "en" / "manual.txt", tmp_path / "incoming" / "x.txt", tmp_path / "ab"]
    for path in strangers:
        path.write_text("mine")
        age(path, 30)
    Files(tmp_path).sweep({"0" * 64})
    assert all(path.exists() for path in strangers)


def test_a_cut_upload_leaves_nothing(tmp_path: Path) -> None:
    files = Files(tmp_path)
    with pytest.raises(ConnectionError):
        files.add(CutStream(b"half"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_crash_left_is_swept_at_the_start(tmp_path: Path) -> None:
    Files(tmp_path).temporary().write_bytes(b"half")
    Files(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataFolderError, match="cannot be written"):
        Files(tmp_path / "file")
