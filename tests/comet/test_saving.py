"""Files that arrive: whole or not at all, and only where they are to be."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zenml_comet_tracker.comet import saving
from zenml_comet_tracker.comet.errors import DownloadError


def cut() -> Iterator[bytes]:
    yield b"new"
    raise OSError("the connection was cut")


def nothing() -> Iterator[bytes]:
    raise OSError("there is no such thing")
    yield b""


def zipped(*names: str, content: bytes = b"x") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_file_that_is_cut_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert saving.save([b"o", b"ld"], path).read_bytes() == b"old"
    with pytest.raises(OSError, match="cut"):
        saving.save(cut(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_mode_that_others_have(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    saved = saving.save([b"x"], tmp_path / "saved")
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_nothing_is_made_for_what_never_comes(tmp_path: Path) -> None:
    for make in (saving.save, saving.unpack):
        with pytest.raises(OSError, match="no such thing"):
            make(nothing(), tmp_path / "new" / "place")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="is a folder; expected the name of a file"):
        saving.save([b"x"], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "a\0b"])
def test_what_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="leads out of the folder"):
        saving.below(tmp_path, name)


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    assert saving.save([], tmp_path / "empty").read_bytes() == b""


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    written = saving.unpack([zipped("a", "sub/größe", "sub/")], tmp_path)
    assert written == [tmp_path / "a", tmp_path / "sub" / "größe"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", "sub"}


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_zip_with_a_file_in_a_file_writes_nothing(names: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="in a file that arrived with it"):
        saving.unpack([zipped(*names)], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("flags", "packing"), [(1, 0), (0, 99)], ids=["encrypted", "packed in an unknown way"])
def test_a_zip_that_cannot_be_read_writes_nothing(flags: int, packing: int, tmp_path: Path) -> None:
    data = bytearray(zipped("a"))
    entry = data.index(b"PK\x01\x02")
    data[6] = data[entry + 8] = flags
    data[8] = data[entry + 10] = packing
    with pytest.raises(DownloadError, match="is no whole zip"):
        saving.unpack([bytes(data)], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../out", "sub/../../out", "/etc/out", "..\\out", "C:/out", "C:out", "a/../b"])
def test_a_name_that_leads_out_writes_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="leads out of the folder"):
        saving.unpack([zipped("inside", name)], tmp_path / "folder")
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder"]


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DownloadError, match="through a link"):
        saving.unpack([zipped("inside", "link/file")], tmp_path / "folder")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "folder" / "inside").exists()


def test_a_link_in_a_zip_becomes_a_plain_file(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    saving.unpack([stream.getvalue()], tmp_path)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "link").read_text() == "/etc/passwd"


def test_a_damaged_zip_writes_nothing(tmp_path: Path) -> None:
    whole = zipped("first", "second", content=os.urandom(1_000))
    flipped = bytearray(whole)
    flipped[whole.rindex(b"second", 0, -200) + 500] ^= 1
    for damaged in (bytes(flipped), whole[:-10], b"no zip", b""):
        with pytest.raises(DownloadError, match="What arrived for"):
            saving.unpack([damaged], tmp_path)
        assert list(tmp_path.iterdir()) == []
