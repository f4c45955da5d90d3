"""Files: uploaded from paths, bytes and open files; read, saved and deleted; models and their zips."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from tests.comet.api_experiment.conftest import Pair
from tests.comet.api_experiment.everything import DIFF, upload
from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import connect
from zenml_comet_tracker.comet.errors import (
    ConnectionFailedError,
    DownloadError,
    InvalidArgumentError,
    InvalidValueError,
    NotFoundError,
)


def content(server: LocalServer, key: str, asset_id: str) -> bytes:
    params = {"experimentKey": key, "assetId": asset_id}
    return server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=params).content


def only_asset(server: LocalServer, key: str) -> dict[str, Any]:
    (asset,) = server.get("experiment/asset/list", experimentKey=key)["assets"]
    return asset


def test_log_asset_with_all_that_can_be_said_of_it(
    local_server: LocalServer, experiment: APIExperiment, tmp_path: Path
) -> None:
    path = tmp_path / "größe 🚀.json"
    path.write_bytes(b'{"a": 1}')
    said = experiment.log_asset(str(path), 3, True, "train", "audio", {"k": [1, "ü"]})
    asset = only_asset(local_server, experiment.key)
    assert asset["assetId"] == said["assetId"]
    assert asset["link"] == said["link"]
    assert (asset["fileName"], asset["type"], asset["step"]) == ("größe 🚀.json", "audio", 3)
    assert (asset["runContext"], json.loads(asset["metadata"])) == ("train", {"k": [1, "ü"]})
    assert content(local_server, experiment.key, said["assetId"]) == b'{"a": 1}'


class Trickle(io.RawIOBase):
    """A stream that can only be read forward, as a pipe."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(buffer)


def at(position: int, stream: io.BytesIO) -> io.BytesIO:
    stream.seek(position)
    return stream


LARGE = bytes(range(256)) * 1_200


SOURCES: dict[str, tuple[Callable[[Path], Any], bytes]] = {
    "bytes": (lambda _: b"bytes", b"bytes"),
    "no bytes": (lambda _: b"", b""),
    "bytearray": (lambda _: bytearray(b"bytes"), b"bytes"),
    "BytesIO": (lambda _: io.BytesIO(b"binary"), b"binary"),
    "large BytesIO": (lambda _: io.BytesIO(LARGE), LARGE),
    "rest of a BytesIO": (lambda _: at(3, io.BytesIO(b"binary")), b"ary"),
    "rest of a large BytesIO": (lambda _: at(3, io.BytesIO(LARGE)), LARGE[3:]),
    "StringIO": (lambda _: io.StringIO("größe 🚀"), "größe 🚀".encode()),
    "pipe": (lambda _: Trickle(LARGE), LARGE),
    "path": (lambda path: path, b"path"),
    "open file": (lambda path: path.open("rb"), b"path"),
    "open text file": (lambda path: path.open(), b"path"),
}


@pytest.mark.parametrize("form", SOURCES)
def test_log_asset_takes_paths_bytes_and_open_files(
    form: str, local_server: LocalServer, experiment: APIExperiment, tmp_path: Path
) -> None:
    make, stored = SOURCES[form]
    path = tmp_path / "file.txt"
    path.write_bytes(b"path")
    source = make(path)
    try:
        said = experiment.log_asset(source, name="named.txt")
    finally:
        if hasattr(source, "close"):
            source.close()
    assert content(local_server, experiment.key, said["assetId"]) == stored
    assert only_asset(local_server, experiment.key)["fileName"] == "named.txt"


def test_an_open_file_has_its_own_name(local_server: LocalServer, experiment: APIExperiment, tmp_path: Path) -> None:
    (tmp_path / "own.bin").write_bytes(b"x")
    with (tmp_path / "own.bin").open("rb") as file:
        experiment.log_asset(file)
    assert only_asset(local_server, experiment.key)["fileName"] == "own.bin"


def test_overwrite_takes_the_place_of_its_name(local_server: LocalServer, experiment: APIExperiment) -> None:
    for overwrite in (None, False, True):
        experiment.log_asset(f"{overwrite}".encode(), name="a", overwrite=overwrite)
    asset = only_asset(local_server, experiment.key)
    assert content(local_server, experiment.key, asset["assetId"]) == b"True"


@pytest.mark.parametrize("form", ["array", "PIL", "bytes", "path", "open"])
def test_pictures_in_all_forms(form: str, local_server: LocalServer, experiment: APIExperiment, tmp_path: Path) -> None:
    picture = Image.new("RGB", (5, 4))
    picture.save(tmp_path / "picture.png")
    encoded = (tmp_path / "picture.png").read_bytes()
    given = {
        "array": numpy.zeros((4, 5, 3), "uint8"), "PIL": picture, "bytes": encoded, "path": tmp_path / "picture.png",
        "open": io.BytesIO(encoded),
    }  # fmt: skip
    said = experiment.log_image(given[form], "a picture", 3, context="train", metadata={"k": "ü"})
    asset = only_asset(local_server, experiment.key)
    assert (asset["fileName"], asset["type"], asset["step"], asset["runContext"]) == ("a picture", "image", 3, "train")
    assert json.loads(asset["metadata"]) == {"k": "ü"}
    assert Image.open(io.BytesIO(content(local_server, experiment.key, said["assetId"]))).size == (5, 4)


def test_films(local_server: LocalServer, experiment: APIExperiment, tmp_path: Path) -> None:
    (tmp_path / "film.MP4").write_bytes(b"film")
    said = experiment.log_video(tmp_path / "film.MP4", step=1, context="c")
    asset = only_asset(local_server, experiment.key)
    assert (asset["fileName"], asset["type"], asset["step"], asset["runContext"]) == ("film.MP4", "video", 1, "c")
    assert content(local_server, experiment.key, said["assetId"]) == b"film"
    with pytest.raises(InvalidValueError, match=r"notes\.txt is no film that Comet plays; \.mp4"):
        experiment.log_video("notes.txt")


@pytest.mark.parametrize("source", ["/not/there", "/tmp", 3, None])
def test_what_is_no_file_is_told(source: Any, experiment: APIExperiment) -> None:
    with pytest.raises(InvalidValueError, match="file is expected"):
        experiment.log_asset(source)


def test_long_file_names_keep_their_ending(local_server: LocalServer, experiment: APIExperiment) -> None:
    experiment.log_asset(b"x", name="n" * 400 + ".json")
    asset = only_asset(local_server, experiment.key)
    assert len(asset["fileName"]) == 250
    assert asset["fileName"].endswith(".json")


def test_get_asset_in_all_forms(local_server: LocalServer, experiment: APIExperiment) -> None:
    text = upload(local_server, experiment.key, "t.txt", "größe".encode())
    data = upload(local_server, experiment.key, "d.json", b'{"a": [1, NaN]}')
    assert experiment.get_asset(text) == "größe".encode()
    assert experiment.get_asset(text, "text") == "größe"
    assert repr(experiment.get_asset(data, return_type="json")) == "{'a': [1, nan]}"
    assert experiment.get_asset(text, "response").content == "größe".encode()
    with experiment.get_asset(text, "response", stream=True) as response:
        assert b"".join(response.iter_content(3)) == "größe".encode()


def test_content_that_is_not_what_was_asked_for(local_server: LocalServer, experiment: APIExperiment) -> None:
    asset_id = upload(local_server, experiment.key, "b", b"\xff\xfe")
    for return_type in ("text", "json"):
        with pytest.raises(InvalidArgumentError, match=f"does not hold what return_type='{return_type}' says"):
            experiment.get_asset(asset_id, return_type)
    for call in (experiment.get_asset, experiment.get_asset_by_name, experiment.get_assets_by_name):
        with pytest.raises(InvalidArgumentError, match="return_type='xml' is unknown; expected one of 'binary'"):
            call(asset_id, return_type="xml")


@pytest.mark.parametrize(
    "call",
    [
        lambda e, path: e.get_asset("0" * 32),
        lambda e, path: e.get_asset("0" * 32, "response"),
        lambda e, path: e.download_asset("0" * 32, path / "new" / "file"),
        lambda e, path: e.delete_asset("0" * 32),
        lambda e, path: e.get_curve("0" * 32),
    ],
    ids=["get_asset", "response", "download_asset", "delete_asset", "get_curve"],
)
def test_a_missing_asset_is_told(
    call: Callable[[APIExperiment, Path], Any], experiment: APIExperiment, tmp_path: Path
) -> None:
    told = f"Asset '0+' of experiment {experiment.key}.*There is no asset with id.*get_asset_list\\(\\) lists"
    with pytest.raises(NotFoundError, match=told):
        call(experiment, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_large_assets_are_never_whole_in_memory(
    local_server: LocalServer, experiment: APIExperiment, tmp_path: Path
) -> None:
    size = 24 << 20
    with (tmp_path / "large").open("wb") as file:
        file.truncate(size)
    asset_id = experiment.log_asset(tmp_path / "large")["assetId"]
    tracemalloc.start()
    try:
        saved = experiment.download_asset(asset_id, tmp_path / "new" / "copy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert saved.stat().st_size == size
    assert peak < size // 3


def test_an_asset_that_is_cut_off_is_not_saved(comet: ScriptedComet, tmp_path: Path) -> None:
    experiment = APIExperiment.of(connect("key", url=comet.root), {"experimentKey": "k"})
    comet.answer_with("experiment/asset/get-asset", Answer(body={"content": "x" * 100}, cut=True))
    for call in (lambda: experiment.download_asset("a", tmp_path / "file"), lambda: experiment.get_asset("a")):
        with pytest.raises(ConnectionFailedError):
            call()
    assert list(tmp_path.iterdir()) == []


def test_delete_asset(local_server: LocalServer, experiment: APIExperiment) -> None:
    kept, gone = (upload(local_server, experiment.key, name, b"x") for name in ("kept", "gone"))
    experiment.delete_asset(gone)
    assert only_asset(local_server, experiment.key)["assetId"] == kept


def test_one_curve_is_that_of_the_official_sdk(full: Pair) -> None:
    for asset in full.ours.get_asset_list("curve"):
        assert full.ours.get_curve(asset["assetId"]) == full.official.get_curve(asset["assetId"])


@pytest.mark.parametrize("form", ["text", "bytes", "name", "path", "open", "zip"])
def test_git_patches_arrive_as_the_official_sdk_sends_them(
    form: str, local_server: LocalServer, experiment: APIExperiment, tmp_path: Path
) -> None:
    path = tmp_path / "git.patch"
    path.write_text(DIFF, encoding="utf-8")
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("git_diff.patch", DIFF)
    given = {
        "text": DIFF, "bytes": DIFF.encode(), "name": str(path), "path": path, "open": io.BytesIO(DIFF.encode()),
        "zip": zipped.getvalue(),
    }  # fmt: skip
    experiment.set_git_patch(given[form])
    params = {"experimentKey": experiment.key}
    stored = local_server.call("GET", "api/rest/v2/experiment/git/patch", params=params).content
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert [(name, archive.read(name).decode()) for name in archive.namelist()] == [("git_diff.patch", DIFF)]


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


MODEL = {"weights.bin": b"weights.bin", "sub/größe.bin": "sub/größe.bin".encode()}


def test_a_model_is_saved_as_the_official_sdk_saves_it(full: Pair, tmp_path: Path) -> None:
    full.ours.download_model("mödel", output=str(tmp_path / "ours"))
    full.official.download_model("mödel", str(tmp_path / "official"))
    assert tree(tmp_path / "ours") == tree(tmp_path / "official") == MODEL
    full.ours.download_model("mödel", output_path=tmp_path / "zip", expand=False)
    with zipfile.ZipFile(tmp_path / "zip" / "mödel.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == MODEL


def test_tensorflow_files_are_saved_as_the_official_sdk_saves_them(full: Pair, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "events.1").write_bytes(b"mine")
    full.ours.download_tensorflow_folder(tmp_path / "ours")
    assert tree(tmp_path / "ours")["events.1"] == b"mine"
    full.ours.download_tensorflow_folder(tmp_path / "ours", overwrite=True)
    full.official.download_tensorflow_folder(str(tmp_path / "official"))
    assert tree(tmp_path / "ours") == tree(tmp_path / "official")


@pytest.mark.parametrize("expand", [True, False])
def test_a_missing_model_is_told_and_nothing_is_made(expand: bool, experiment: APIExperiment, tmp_path: Path) -> None:
    told = f"Model 'nope' of experiment {experiment.key}.*get_model_names\\(\\) names those"
    with pytest.raises(NotFoundError, match=told):
        experiment.download_model("nope", str(tmp_path / "new"), expand=expand)
    assert list(tmp_path.iterdir()) == []


def test_a_tensorflow_name_that_leads_out_of_the_folder_is_refused(
    local_server: LocalServer, experiment: APIExperiment, tmp_path: Path
) -> None:
    upload(local_server, experiment.key, "inside", b"x", type="tensorflow-file")
    upload(local_server, experiment.key, "../outside", b"x", type="tensorflow-file")
    with pytest.raises(DownloadError, match="leads out of the folder"):
        experiment.download_tensorflow_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
