"""Downloads are checked and stay in their folder; what is there already is treated as the caller says."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.comet.artifacts.conftest import Shelf
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.artifacts import Artifact, LoggedArtifact, fetch
from zenml_comet_tracker.comet.errors import DownloadError, InvalidValueError, NotFinalError
from zenml_comet_tracker.comet.experiment import Experiment

CONTENTS = {"a.txt": b"alpha", "d/b.bin": bytes(range(256)) * 8_000, "d/empty": b""}


@pytest.fixture(scope="module")
def api(local_server: LocalServer) -> API:
    return API(local_server.api_key, url=local_server.url)


@pytest.fixture(scope="module")
def logged(local_server: LocalServer, api: API, tmp_path_factory: pytest.TempPathFactory) -> LoggedArtifact:
    """An artifact that no test changes."""
    artifact = Artifact("downloads", "dataset")
    for path, data in CONTENTS.items():
        artifact.add(data, path, metadata={"of": path})
    artifact.add_remote("s3://bucket/more.csv", "more.csv", metadata={"n": 1})
    reach = {"api_key": local_server.api_key, "url": local_server.url}
    with Experiment(workspace="ws", journal_folder=tmp_path_factory.mktemp("journals"), strict=True, **reach) as made:
        made.log_artifact(artifact)
    return api.get_artifact("ws", "downloads")


def below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(server: LocalServer, name: str, files: list[tuple[str, bytes]], state: str = "CLOSED") -> None:
    """A version of an artifact as another client may have made it, with names that ours would not take."""
    key = begin(server)
    fields = {"artifactName": name, "artifactType": "t", "experimentKey": key, "version": None}
    made = server.post("write/artifacts/upsert", **fields, alias=[], versionTags=[], versionMetadata=None)
    version = made["artifactVersionId"]
    for path, data in files:
        params = {"experimentKey": key, "fileName": path, "artifactVersionId": version}
        path = "api/rest/v2/write/experiment/upload-asset"
        assert server.call("POST", path, params=params, files={"file": ("f", data)}).status_code == 200
    server.post("write/artifacts/state", artifactVersionId=version, experimentKey=key, state=state)


def test_the_files_lie_where_the_artifact_says(logged: LoggedArtifact, tmp_path: Path) -> None:
    artifact = logged.download(str(tmp_path / "new" / "place"))
    assert below(tmp_path / "new" / "place") == CONTENTS
    assert artifact.download_local_path == str(tmp_path / "new" / "place")
    assert (artifact.name, artifact.artifact_type, artifact.version) == ("downloads", "dataset", None)
    assets = {asset.logical_path: asset for asset in artifact.assets}
    assert assets["a.txt"].local_path_or_data == str(tmp_path / "new" / "place" / "a.txt")
    assert (assets["a.txt"].size, assets["a.txt"].metadata) == (5, {"of": "a.txt"})
    assert (assets["more.csv"].remote, assets["more.csv"].link) == (True, "s3://bucket/more.csv")


def test_without_a_path_it_is_a_temporary_folder(logged: LoggedArtifact) -> None:
    first, second = logged.download(), logged.download()
    assert first.download_local_path is not None
    assert second.download_local_path not in (None, first.download_local_path)
    assert below(Path(first.download_local_path)) == CONTENTS


def test_a_downloaded_artifact_is_logged_as_another_version(
    logged: LoggedArtifact, tmp_path: Path, local_server: LocalServer, journals: Path
) -> None:
    artifact = logged.download(str(tmp_path))
    artifact.name = "downloads-changed"
    artifact.add(b"new", "new.txt")
    artifact.add(b"ALPHA", "a.txt", overwrite=True)
    reach = {"api_key": local_server.api_key, "url": local_server.url}
    with Experiment(workspace="ws", journal_folder=journals, strict=True, **reach) as experiment:
        experiment.log_artifact(artifact)
    shelf = Shelf(local_server, "downloads-changed")
    assert shelf.contents() == {**CONTENTS, "a.txt": b"ALPHA", "new.txt": b"new"}
    files = shelf.files()
    assert (files["more.csv"]["link"], files["more.csv"]["metadata"]) == ("s3://bucket/more.csv", '{"n":1}')
    assert files["d/empty"]["metadata"] == '{"of":"d/empty"}'


def test_a_bar_is_drawn_for_whoever_watches(
    logged: LoggedArtifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logged.download(str(tmp_path / "quiet"))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    logged.download(str(tmp_path / "watched"))
    assert "ws/downloads:1.0.0" in capsys.readouterr().err


@pytest.mark.parametrize("said", [False, "FAIL"])
def test_fail_refuses_what_is_another_file(logged: LoggedArtifact, tmp_path: Path, said: bool | str) -> None:
    (tmp_path / "a.txt").write_bytes(b"other")
    with pytest.raises(DownloadError, match=r"a\.txt is there already .*'OVERWRITE'"):
        logged.download(str(tmp_path), said)
    assert (tmp_path / "a.txt").read_bytes() == b"other"
    (tmp_path / "a.txt").write_bytes(b"alpha")
    logged.download(str(tmp_path), said)
    assert below(tmp_path) == CONTENTS


def test_preserve_keeps_what_is_there(logged: LoggedArtifact, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.txt").write_bytes(b"other, and longer")
    with caplog.at_level(logging.WARNING):
        artifact = logged.download(str(tmp_path), "PRESERVE")
    assert below(tmp_path) == {**CONTENTS, "a.txt": b"other, and longer"}
    assert "a.txt" in caplog.text
    assert {asset.logical_path: asset.size for asset in artifact.assets}["a.txt"] == 17


def test_a_link_to_nothing_cannot_be_preserved(logged: LoggedArtifact, tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DownloadError, match="is a link to nothing"):
        logged.download(str(tmp_path), "PRESERVE")


@pytest.mark.parametrize("said", [True, "OVERWRITE"])
def test_overwrite_replaces(logged: LoggedArtifact, tmp_path: Path, said: bool | str) -> None:
    (tmp_path / "a.txt").write_bytes(b"other")
    (tmp_path / "kept").write_bytes(b"kept")
    logged.download(str(tmp_path), said)
    assert below(tmp_path) == {**CONTENTS, "kept": b"kept"}


def test_an_unknown_strategy_is_named(logged: LoggedArtifact) -> None:
    with pytest.raises(InvalidValueError, match="'PRESERVE'"):
        logged.download(overwrite_strategy="MERGE")


def test_what_is_there_does_not_travel_again(logged: LoggedArtifact, tmp_path: Path, api: API) -> None:
    logged.download(str(tmp_path))
    before = api._connection.requests
    logged.download(str(tmp_path))
    assert api._connection.requests - before == 1


def test_a_flipped_byte_is_found(
    logged: LoggedArtifact, tmp_path: Path, local_server: LocalServer, shelf: Shelf
) -> None:
    sha256 = Shelf(local_server, "downloads").files()["d/b.bin"]["sha256"]
    stored = local_server.store.files.path(sha256)
    good = stored.read_bytes()
    stored.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    try:
        with pytest.raises(DownloadError, match=r"d/b\.bin arrived damaged: its checksum"):
            logged.download(str(tmp_path))
    finally:
        stored.write_bytes(good)
    assert "d/b.bin" not in below(tmp_path)
    # Of the others a part may be left, which is gone on with.
    (file,) = [asset._file for asset in logged.assets if asset.logical_path == "d/b.bin"]
    assert not fetch.part_of(tmp_path / "d" / "b.bin", file).exists()
    # A damaged copy on this side is found as well.
    logged.download(str(tmp_path))
    (tmp_path / "d" / "b.bin").write_bytes(good[:-1] + b"\0")
    with pytest.raises(DownloadError, match="other contents"):
        logged.download(str(tmp_path))


def test_a_part_of_something_else_is_not_gone_on_with(logged: LoggedArtifact, tmp_path: Path) -> None:
    (file,) = [asset._file for asset in logged.assets if asset.logical_path == "d/b.bin"]
    (tmp_path / "d").mkdir()
    part = fetch.part_of(tmp_path / "d" / "b.bin", file)
    for left in (b"rubbish", b"r" * 3_000_000):
        part.write_bytes(left)
        logged.download(str(tmp_path))
        assert below(tmp_path) == CONTENTS
        (tmp_path / "d" / "b.bin").unlink()


@pytest.mark.parametrize("path", ["../../evil", "/tmp/evil", "C:\\evil", "..\\evil", "d/../../evil"])
def test_no_name_leads_out_of_the_folder(
    path: str, name: str, tmp_path: Path, local_server: LocalServer, api: API
) -> None:
    put(local_server, name, [("good.txt", b"good"), (path, b"evil")])
    found = api.get_artifact("ws", name)
    with pytest.raises(DownloadError, match="out of the folder"):
        found.download(str(tmp_path / "a" / "b"))
    assert below(tmp_path) == {}
    with pytest.raises(DownloadError):
        found.get_asset(path).download(str(tmp_path / "a" / "b"))
    taken = found.get_asset(path).download(str(tmp_path / "a"), "tame.txt")
    assert Path(taken.local_path_or_data).read_bytes() == b"evil"


def test_no_link_leads_out_of_the_folder(logged: LoggedArtifact, tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "d").symlink_to(outside)
    with pytest.raises(DownloadError, match="a link on the way leads out"):
        logged.download(str(inside), "OVERWRITE")
    assert below(outside) == {}
    (inside / "d").unlink()
    (outside / "mine").write_bytes(b"mine")
    (inside / "a.txt").symlink_to(outside / "mine")
    logged.download(str(inside), "OVERWRITE")
    assert below(outside) == {"mine": b"mine"}
    assert below(inside) == CONTENTS


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_names_that_are_file_and_folder_are_refused(
    names: tuple[str, str], name: str, tmp_path: Path, local_server: LocalServer, api: API
) -> None:
    put(local_server, name, [(each, b"x") for each in names])
    with pytest.raises(DownloadError, match="folder of that name"):
        api.get_artifact("ws", name).download(str(tmp_path))
    assert below(tmp_path) == {}


def test_a_name_that_is_too_long_for_the_disk_is_told_before_anything_is_written(
    name: str, tmp_path: Path, local_server: LocalServer, api: API
) -> None:
    put(local_server, name, [("a", b"x"), ("y" * 300, b"x")])
    with pytest.raises(DownloadError, match="y cannot be written: File name too long"):
        api.get_artifact("ws", name).download(str(tmp_path))
    assert below(tmp_path) == {}


def test_of_two_files_of_one_name_the_newer_counts(
    name: str, tmp_path: Path, local_server: LocalServer, api: API
) -> None:
    put(local_server, name, [("a", b"older"), ("a", b"newer")])
    api.get_artifact("ws", name).download(str(tmp_path))
    assert below(tmp_path) == {"a": b"newer"}


def test_a_folder_that_cannot_be_written_says_so(logged: LoggedArtifact, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be made"):
        logged.download(str(tmp_path / "file" / "below"))
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(DownloadError, match=r"a\.txt is a folder"):
        logged.download(str(tmp_path), True)


@pytest.mark.parametrize("state", ["ERROR", "OPEN"])
def test_what_is_not_final_is_not_got(state: str, name: str, local_server: LocalServer, api: API) -> None:
    if state == "ERROR":
        put(local_server, name, [("a", b"a")], state)
    else:
        fields = {"artifactName": name, "artifactType": "t", "experimentKey": begin(local_server), "version": None}
        local_server.post("write/artifacts/upsert", **fields, alias=[], versionTags=[], versionMetadata=None)
    with pytest.raises(NotFinalError, match="not final"):
        api.get_artifact("ws", name)


def test_one_asset_goes_where_it_is_told(logged: LoggedArtifact, tmp_path: Path) -> None:
    asset = logged.get_asset("d/b.bin")
    places: list[tuple[tuple[Any, ...], Path | None]] = [
        ((str(tmp_path / "1"),), tmp_path / "1" / "d" / "b.bin"),
        ((str(tmp_path / "2"), "n/m.bin"), tmp_path / "2" / "n" / "m.bin"),
        ((str(tmp_path / "3.bin"), ""), tmp_path / "3.bin"),
        ((), None),
        ((None, "x.bin"), None),
    ]
    for arguments, expected in places:
        got = asset.download(*arguments)
        assert Path(got.local_path_or_data).read_bytes() == CONTENTS["d/b.bin"]
        assert expected in (None, Path(got.local_path_or_data))
        assert (got.id, got.logical_path, got.metadata) == (asset.id, "d/b.bin", {"of": "d/b.bin"})
    with pytest.raises(DownloadError, match="s3://bucket"):
        logged.get_asset("more.csv").download(str(tmp_path))


def test_assets_say_what_they_are(logged: LoggedArtifact, local_server: LocalServer) -> None:
    version = local_server.get("artifacts/version", workspace="ws", artifactName="downloads")
    asset, link = logged.get_asset("a.txt"), logged.get_asset("more.csv")
    assert (asset.size, asset.remote, asset.link, asset.asset_type) == (5, False, None, "asset")
    assert (asset.artifact_version_id, asset.artifact_id) == (
        version["artifactVersionId"],
        version["artifact"]["artifactId"],
    )
    assert asset.source_experiment_key == version["experimentKey"]
    assert (asset.is_asset_downloadable(), link.is_asset_downloadable(), link.is_remote_and_synced()) == (
        True,
        False,
        False,
    )
    assert [found.logical_path for found in logged.remote_assets] == ["more.csv"]
    with pytest.raises(InvalidValueError, match=r"has no file 'nope'; it has 'a\.txt'"):
        logged.get_asset("nope")


def test_two_downloads_to_one_folder_do_not_disturb_each_other(logged: LoggedArtifact, tmp_path: Path) -> None:
    (file,) = [asset._file for asset in logged.assets if asset.logical_path == "d/b.bin"]
    (tmp_path / "d").mkdir()
    with fetch._open_part(fetch.part_of(tmp_path / "d" / "b.bin", file)) as (_, stream):
        stream.write(b"half of what another one gets")
        stream.flush()
        logged.download(str(tmp_path))
        assert os.fstat(stream.fileno()).st_size == 29
    assert (tmp_path / "d" / "b.bin").read_bytes() == CONTENTS["d/b.bin"]
