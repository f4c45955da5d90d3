"""Versions are found by every form of their name; who read them is noted; labels change; the official SDK agrees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comet.artifacts.conftest import Shelf
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.artifacts import Artifact, LoggedArtifact
from zenml_comet_tracker.comet.errors import ConnectionFailedError, InvalidValueError, NotFoundError, UnauthorizedError
from zenml_comet_tracker.comet.experiment import Experiment

NAME = "found & read"


@pytest.fixture(scope="module")
def reader(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Experiment]:
    """An experiment in the workspace of the artifact NAME, of which it has logged two versions."""
    reach = {"api_key": local_server.api_key, "url": local_server.url, "strict": True}
    with Experiment(workspace="ws", journal_folder=tmp_path_factory.mktemp("journals"), **reach) as experiment:
        for version, alias in (("1.0.0", "old"), ("2.0.0", "new")):
            artifact = Artifact(NAME, "dataset", version, [alias], {"v": version}, [f"tag-{alias}"])
            artifact.add(version.encode(), "d/version.txt", metadata={"k": 1})
            artifact.add_remote("http://h/z.csv", "z.csv")
            artifact.add_remote("s3://bucket/q.csv", "q.csv")
            artifact.add_remote("s3://bucket/r.csv", "r.csv", metadata={"synced": True})
            experiment.log_artifact(artifact).wait()
        yield experiment


@pytest.fixture(scope="module")
def ours(local_server: LocalServer) -> API:
    return API(local_server.api_key, url=local_server.url)


@pytest.fixture(scope="module")
def official(local_server: LocalServer) -> Iterator[Any]:
    """The official SDK's `API` on `local_server`, with its cache off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMET_URL_OVERRIDE", local_server.url)
        patch.setenv("COMET_API_KEY", local_server.api_key)
        import comet_ml.api

        yield comet_ml.api.API(api_key=local_server.api_key, cache=False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((NAME,), "2.0.0"),
        ((f"{NAME}:1.0.0",), "1.0.0"),
        ((f"ws/{NAME}",), "2.0.0"),
        ((f"ws/{NAME}:old",), "1.0.0"),
        ((NAME, "ws"), "2.0.0"),
        ((NAME, "ws", "1.0.0"), "1.0.0"),
        ((NAME, None, "old"), "1.0.0"),
        ((f"ws/{NAME}:latest", "ws"), "2.0.0"),
    ],
)
def test_an_experiment_gets_a_version(reader: Experiment, arguments: tuple[str, ...], expected: str) -> None:
    assert str(reader.get_artifact(*arguments).version) == expected


def test_the_document_gets_one_by_keywords(reader: Experiment) -> None:
    found = reader.get_artifact(artifact_name=NAME, workspace="ws", version_or_alias="old")
    assert (str(found.version), found.workspace, found.name) == ("1.0.0", "ws", NAME)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("ws", NAME), "2.0.0"),
        (("ws", NAME, "1.0.0"), "1.0.0"),
        (("ws", NAME, None, "old"), "1.0.0"),
        ((None, f"ws/{NAME}:old"), "1.0.0"),
        (("ws", f"{NAME}:1.0.0"), "1.0.0"),
    ],
)
def test_reading_needs_no_experiment(ours: API, reader: Experiment, arguments: tuple[Any, ...], expected: str) -> None:
    assert str(ours.get_artifact(*arguments).version) == expected


def test_what_is_not_there_or_said_twice(reader: Experiment, ours: API, local_server: LocalServer) -> None:
    for missing in (lambda: reader.get_artifact("nope"), lambda: reader.get_artifact(f"{NAME}:3.0.0")):
        with pytest.raises(NotFoundError):
            missing()
    with pytest.raises(NotFoundError):
        ours.get_artifact("other", NAME)
    for twice in (
        lambda: reader.get_artifact(f"ws/{NAME}", "other"),
        lambda: ours.get_artifact("ws", NAME, "1.0.0", "old"),
        lambda: ours.get_artifact("ws", f"{NAME}:1.0.0", "2.0.0"),
        lambda: ours.get_artifact("other", f"ws/{NAME}"),
    ):
        with pytest.raises(InvalidValueError, match="give one of them"):
            twice()
    with pytest.raises(InvalidValueError, match="artifact_name or artifact_id"):
        ours.get_artifact_details("ws")
    with pytest.raises(UnauthorizedError):
        API("wrong" * 8, url=local_server.url).get_artifact("ws", NAME)
    with pytest.raises(ConnectionFailedError):
        API("key", url="http://127.0.0.1:9").get_artifact("ws", NAME)


def test_who_read_a_version_is_noted(reader: Experiment, local_server: LocalServer) -> None:
    reader.get_artifact(NAME, version_or_alias="old")
    seen = local_server.get("get/artifacts", experimentKey=reader.id, filter="input")["artifacts"]
    assert "1.0.0" in [found["artifactVersion"] for found in seen]
    made = local_server.get("get/artifacts", experimentKey=reader.id, filter="output")["artifacts"]
    assert [found["artifactVersion"] for found in made] == ["1.0.0", "2.0.0"]


def test_reading_without_an_experiment_is_not_noted(ours: API, reader: Experiment, local_server: LocalServer) -> None:
    key = begin(local_server)
    ours.get_artifact("ws", NAME).assets  # noqa: B018
    assert local_server.get("get/artifacts", experimentKey=key, filter="all")["artifacts"] == []


def test_the_source_experiment(ours: API, reader: Experiment) -> None:
    source = ours.get_artifact("ws", NAME).get_source_experiment()
    assert (source.key, source.workspace) == (reader.id, "ws")


def test_labels_are_changed(ours: API, local_server: LocalServer) -> None:
    key = begin(local_server)
    fields = {"artifactName": "labels", "artifactType": "t", "experimentKey": key, "version": None}
    made = local_server.post("write/artifacts/upsert", **fields, alias=["a"], versionTags=["v"], versionMetadata=None)
    local_server.post(
        "write/artifacts/state", artifactVersionId=made["artifactVersionId"], experimentKey=key, state="CLOSED"
    )
    logged = ours.get_artifact("ws", "labels")
    logged.update_aliases(["x", "y", "x"])
    logged.update_version_tags(["v2"])
    logged.update_artifact_tags(("t1", "t2"))
    logged.update_metadata({"m": [1]})
    said = Shelf(local_server, "labels").version()
    assert (said["alias"], said["tags"], said["artifact"]["tags"]) == (["x", "y"], ["v2"], ["t1", "t2"])
    assert said["metadata"] == '{"m":[1]}'
    for seen in (logged, ours.get_artifact("ws", "labels", alias="x")):
        assert (seen.aliases, seen.version_tags, seen.artifact_tags) == ({"x", "y"}, {"v2"}, {"t1", "t2"})
        assert seen.metadata == {"m": [1]}
    logged.update_aliases([])
    logged.update_metadata({})
    assert Shelf(local_server, "labels").version()["alias"] == []
    assert ours.get_artifact("ws", "labels").metadata == {}


def test_lists_details_and_files_are_what_the_sdk_gets(ours: API, official: Any, reader: Experiment) -> None:
    assert ours.get_artifact_list("ws") == official.get_artifact_list("ws")
    assert ours.get_artifact_list("ws", artifact_type="none") == official.get_artifact_list("ws", "none")
    details = ours.get_artifact_details("ws", NAME)
    assert details == official.get_artifact_details("ws", NAME)
    assert details == ours.get_artifact_details(artifact_id=details["artifactId"])
    assert [version["version"] for version in details["versions"]] == ["1.0.0", "2.0.0"]
    for which in ({"version": "1.0.0"}, {"alias": "old"}, {}):
        files = ours.get_artifact_files("ws", NAME, **which)
        assert files == official.get_artifact_files("ws", NAME, **which)
        assert len(files["files"]) == 4


def test_the_sdk_sees_and_downloads_what_ours_logged(
    ours: API, official: Any, reader: Experiment, tmp_path: Path
) -> None:
    mine, theirs = ours.get_artifact("ws", NAME, alias="old"), official.get_artifact("ws", NAME, alias="old")
    for member in (
        "name",
        "artifact_type",
        "workspace",
        "aliases",
        "metadata",
        "version_tags",
        "artifact_tags",
        "size",
    ):
        assert getattr(mine, member) == getattr(theirs, member), member
    assert str(mine.version) == str(theirs.version)
    assert (mine.version.major, mine.version.minor) == (theirs.version.major, theirs.version.minor)
    assert mine.source_experiment_key == theirs.source_experiment_key
    members = ("logical_path", "remote", "size", "link", "metadata", "asset_type", "id", "artifact_version_id")
    members += ("artifact_id", "source_experiment_key")
    for asset, other in zip(mine.assets, theirs.assets, strict=True):
        assert [getattr(asset, member) for member in members] == [getattr(other, member) for member in members]
        assert asset.is_remote_and_synced() == other.is_remote_and_synced()
        assert asset.remote or other.is_asset_downloadable()
    # Without it the SDK goes and looks for what is said to be synced.
    theirs.download(str(tmp_path), sync_mode=False)
    assert (tmp_path / "d" / "version.txt").read_bytes() == b"1.0.0"


def test_a_version_knows_itself(ours: API, reader: Experiment) -> None:
    found: LoggedArtifact = ours.get_artifact("ws", NAME)
    assert repr(found) == f"LoggedArtifact('ws/{NAME}:2.0.0', artifact_type='dataset')"
    assert found.wait() is found
    assert found.get_asset("d/version.txt").sha256 is not None
