"""Contents by hash: whole or not there, and nothing left behind."""

from __future__ import annotations

import hashlib
import io
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


def test_a_sweep_keeps_what_is_named(tmp_path: Path) -> None:
    files = Files(tmp_path)
    kept, swept = (files.add(io.BytesIO(content)) for content in (b"kept", b"swept"))
    files.sweep({kept.sha256})
    assert files.path(kept.sha256).read_bytes() == b"kept"
    assert not files.path(swept.sha256).exists()


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
