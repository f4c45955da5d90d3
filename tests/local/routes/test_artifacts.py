"""Artifacts over the wire: versions, aliases, states, files, readers."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin
from tests.local.routes.test_assets import content, upload

UPSERT = "api/rest/v2/write/artifacts/upsert"
VERSION = "api/rest/v2/artifacts/version"


@pytest.fixture
def name() -> str:
    """A name that no other test's artifact has."""
    return f"data {uuid.uuid4().hex[:8]}"


def upsert(server: LocalServer, key: str, name: str, **fields: Any) -> dict[str, Any]:
    """What a new version of the artifact is answered."""
    body = {"version": None, "alias": [], "versionTags": [], "versionMetadata": None, **fields}
    return server.post(
        "write/artifacts/upsert", **{"artifactName": name, "artifactType": "dataset", "experimentKey": key, **body}
    )


def close(server: LocalServer, key: str, made: dict[str, Any], state: str = "CLOSED") -> None:
    server.post("write/artifacts/state", artifactVersionId=made["artifactVersionId"], experimentKey=key, state=state)


def closed(server: LocalServer, key: str, name: str, **fields: Any) -> dict[str, Any]:
    """As `upsert`, for a version that is final at once."""
    made = upsert(server, key, name, **fields)
    close(server, key, made)
    return made


def found(server: LocalServer, name: str, **query: Any) -> dict[str, Any]:
    return server.get("artifacts/version", **{"workspace": "ws", "artifactName": quote(name, safe=""), **query})


def refused(server: LocalServer, path: str, **arguments: Any) -> tuple[int, int]:
    """Status and code of a refusal."""
    answered = server.call("POST" if "json" in arguments else "GET", path, **arguments)
    body = answered.json()
    assert body["code"] == answered.status_code
    assert body["msg"]
    return answered.status_code, body["sdk_error_code"]


def test_versions_count_up_from_the_highest(local_server: LocalServer, key: str, name: str) -> None:
    made = [upsert(local_server, key, name, version=version) for version in (None, None, "3.0.0-rc.1", "2.7.1", None)]
    numbers = [(each["currentVersion"], each["previousVersion"]) for each in made]
    assert numbers == [
        ("1.0.0", None),
        ("1.1.0", "1.0.0"),
        ("3.0.0-rc.1", "1.1.0"),
        ("2.7.1", "3.0.0-rc.1"),
        ("3.1.0", "3.0.0-rc.1"),
    ]
    assert len({each["artifactId"] for each in made}) == 1
    assert len({each["artifactVersionId"] for each in made}) == 5


@pytest.mark.parametrize("version", ["1", "1.2", "v1.2.3", "01.2.3", "1.2.3.4", "1.2.3 ", "2147483648.0.0", "9" * 5000])
def test_versions_are_semantic_to_the_letter(local_server: LocalServer, key: str, name: str, version: str) -> None:
    body = {"artifactName": name, "artifactType": "t", "experimentKey": key, "version": version}
    assert refused(local_server, UPSERT, json=body) == (400, 42001)
    assert refused(local_server, VERSION, params={"workspace": "ws", "artifactName": name}) == (404, 624523)


def test_a_version_is_read_as_it_was_made(local_server: LocalServer, key: str, name: str) -> None:
    made = upsert(
        local_server, key, name, version="1.2.0", alias=["b", "a", "b"], versionTags=["t"], versionMetadata='{"m":1}'
    )
    expected = {
        "artifact": {
            "artifactId": made["artifactId"],
            "artifactName": name,
            "artifactType": "dataset",
            "workspaceName": "ws",
            "tags": [],
        },
        "artifactVersionId": made["artifactVersionId"],
        "artifactVersion": "1.2.0",
        "alias": ["a", "b"],
        "tags": ["t"],
        "metadata": '{"m":1}',
        "sizeInBytes": 0,
        "experimentKey": key,
    }
    ids = {"artifactId": made["artifactId"], "versionId": made["artifactVersionId"]}
    assert local_server.get("artifacts/version", **ids) == expected
    close(local_server, key, made)
    for query in ({"version": "1.2.0"}, {"alias": "a"}, {"versionOrAlias": "b"}, {"versionOrAlias": "1.2.0"}, {}):
        assert found(local_server, name, **query) == expected
    assert local_server.get("artifacts/version", artifactId=made["artifactId"], version="1.2.0") == expected
    # Without a workspace that of the experiment; the name encoded once or twice.
    assert local_server.get("artifacts/version", artifactName=name, experimentKey=key) == expected


def test_names_that_look_encoded_are_found_too(local_server: LocalServer, key: str) -> None:
    name = f"50%25 {uuid.uuid4().hex} ä/b"
    closed(local_server, key, name)
    assert found(local_server, name)["artifact"]["artifactName"] == name
    assert local_server.get("artifacts/version", workspace="ws", artifactName=name)["artifact"]["artifactName"] == name


def test_only_closed_versions_are_given_out(local_server: LocalServer, key: str, name: str) -> None:
    first = upsert(local_server, key, name, alias=["a"])
    for query in ({}, {"alias": "a"}, {"version": "1.0.0"}, {"versionOrAlias": "latest"}):
        params = {"workspace": "ws", "artifactName": name, **query}
        assert refused(local_server, VERSION, params=params) == (400, 90402)
    close(local_server, key, first, "ERROR")
    assert refused(local_server, VERSION, params={"workspace": "ws", "artifactName": name}) == (400, 90403)
    close(local_server, key, upsert(local_server, key, name))
    upsert(local_server, key, name)
    assert found(local_server, name)["artifactVersion"] == "1.1.0"
    assert found(local_server, name, alias="latest")["artifactVersion"] == "1.1.0"
    details = local_server.get("artifacts/get", workspace="ws", artifactName=name)
    assert [version["state"] for version in details["versions"]] == ["ERROR", "CLOSED", "OPEN"]
    assert details["latestVersion"] == "1.1.0"
    body = {"artifactVersionId": first["artifactVersionId"], "experimentKey": key, "state": "HALF"}
    assert refused(local_server, "api/rest/v2/write/artifacts/state", json=body) == (400, 0)


def test_the_latest_is_the_highest_unless_an_alias_says_otherwise(
    local_server: LocalServer, key: str, name: str
) -> None:
    for version in ("2.0.0-rc.1", "2.0.0", "1.9.0", "2.0.0-rc.2"):
        closed(local_server, key, name, version=version)
    assert found(local_server, name, alias="Latest")["artifactVersion"] == "2.0.0"
    closed(local_server, key, name, version="0.1.0", alias=["latest"])
    assert found(local_server, name, alias="latest")["artifactVersion"] == "0.1.0"
    assert found(local_server, name)["artifactVersion"] == "0.1.0"


def test_labels_replace_what_is_given_and_leave_what_is_null(local_server: LocalServer, key: str, name: str) -> None:
    first = closed(local_server, key, name, alias=["a", "b"], versionTags=["t"], versionMetadata="1")
    second = closed(local_server, key, name, alias=["c"])
    path, labels = "write/artifacts/version/labels", {"alias": None, "versionTags": None, "versionMetadata": None}
    local_server.post(path, **{**labels, "artifactVersionId": first["artifactVersionId"], "alias": ["b", "c"]})
    one, two = (found(local_server, name, version=version) for version in ("1.0.0", "1.1.0"))
    assert (one["alias"], two["alias"]) == (["b", "c"], [])
    assert (one["tags"], one["metadata"]) == (["t"], "1")
    local_server.post(path, artifactVersionId=second["artifactVersionId"], versionTags=["x", "x"], versionMetadata="2")
    local_server.post(path, artifactVersionId=first["artifactVersionId"], alias=[], versionTags=[])
    one, two = (found(local_server, name, version=version) for version in ("1.0.0", "1.1.0"))
    assert (one["alias"], one["tags"], one["metadata"]) == ([], [], "1")
    assert (two["alias"], two["tags"], two["metadata"]) == ([], ["x"], "2")
    wrong = {"artifactVersionId": "none", "alias": ["a"]}
    assert refused(local_server, f"api/rest/v2/{path}", json=wrong) == (404, 624523)
    empty = {"artifactVersionId": first["artifactVersionId"], "alias": [""]}
    assert refused(local_server, f"api/rest/v2/{path}", json=empty) == (400, 0)


def test_the_artifact_itself_is_changed(local_server: LocalServer, key: str, name: str) -> None:
    made = closed(local_server, key, name)
    path, nothing = "write/artifacts/details", {"tags": None, "artifactType": None, "versionMetadata": None}
    local_server.post(path, **{**nothing, "artifactId": made["artifactId"], "tags": ["at"]})
    assert found(local_server, name)["artifact"]["tags"] == ["at"]
    change = {"artifactType": "model", "version": "1.0.0", "versionMetadata": "{}"}
    local_server.post(path, **{**nothing, "artifactId": made["artifactId"], **change})
    row = found(local_server, name)
    assert (row["artifact"]["artifactType"], row["artifact"]["tags"], row["metadata"]) == ("model", ["at"], "{}")
    local_server.post(path, **{**nothing, "artifactId": made["artifactId"], "artifactType": ""})
    assert found(local_server, name)["artifact"]["artifactType"] == "model"
    wrong = {"artifactId": made["artifactId"], "version": "7.0.0", "versionMetadata": "{}", "tags": ["lost"]}
    assert refused(local_server, f"api/rest/v2/{path}", json=wrong) == (404, 624523)
    assert found(local_server, name)["artifact"]["tags"] == ["at"]


def test_files_come_from_both_clients_and_as_links(local_server: LocalServer, key: str, name: str) -> None:
    made = upsert(local_server, key, name)
    version = made["artifactVersionId"]
    upload(local_server, key, b"12345", fileName="d/a.txt", artifactVersionId=version, metadata='{"k":1}')
    upload(local_server, key, b"678", "api/rest/v2/write/experiment/upload-asset", "b.bin", artifactVersionId=version)
    remote = {
        "link": "s3://bucket/c.bin", "type": None, "metadata": None, "assetId": uuid.uuid4().hex, "fileName": "c.bin",
        "isRemote": True, "overwrite": False, "step": None, "context": None, "artifactVersionId": version,
    }  # fmt: skip
    batch = {"remoteArtifactAssetRequests": [remote, {**remote, "assetId": uuid.uuid4().hex, "fileName": "d.bin"}]}
    answered = local_server.call(
        "POST",
        "clientlib/rest/v2/write/artifact/assets/remote/batch",
        params={"experimentKey": key},
        data=gzip.compress(json.dumps(batch).encode()),
        headers={"Content-Type": "application/json;charset=utf-8", "Content-Encoding": "gzip"},
    )
    assert answered.status_code == 200, answered.text
    close(local_server, key, made)
    files = local_server.get("artifacts/version/files", workspace="ws", artifactName=quote(name), version="1.0.0")
    listed = {file["fileName"]: file for file in files["files"]}
    assert {name: (file["fileSize"], file["remote"]) for name, file in listed.items()} == {
        "d/a.txt": (5, False), "b.bin": (3, False), "c.bin": (0, True), "d.bin": (0, True),
    }  # fmt: skip
    assert listed["d/a.txt"] == {
        "artifactId": made["artifactId"],
        "artifactVersionId": version,
        "assetId": listed["d/a.txt"]["assetId"],
        "fileName": "d/a.txt",
        "fileSize": 5,
        "link": None,
        "dir": "assets",
        "type": "asset",
        "metadata": '{"k":1}',
        "remote": False,
        "sha256": hashlib.sha256(b"12345").hexdigest(),
    }
    assert listed["c.bin"]["sha256"] is None
    assert listed["c.bin"]["link"] == "s3://bucket/c.bin"
    assert found(local_server, name)["sizeInBytes"] == 8
    # Whoever reads names itself, or nobody.
    for reader in ("", begin(local_server)):
        asset_id = listed["d/a.txt"]["assetId"]
        assert content(local_server, asset_id, experimentKey=reader, artifactVersionId=version).content == b"12345"
    by_id = {"artifact_id": made["artifactId"], "alias": "latest"}
    assert local_server.get("artifacts/version/files", **by_id) == files


def test_a_closed_version_keeps_its_files(local_server: LocalServer, key: str, name: str) -> None:
    made = upsert(local_server, key, name)
    version, asset_id = made["artifactVersionId"], uuid.uuid4().hex
    upload(local_server, key, b"one", fileName="a.txt", assetId=asset_id, artifactVersionId=version)
    close(local_server, key, made)

    def sent(data: bytes, **query: str) -> int:
        path = "api/rest/v2/write/experiment/upload-asset"
        files = {"file": ("a.txt", data)}
        return local_server.call("POST", path, params={"experimentKey": key, **query}, files=files).status_code

    assert sent(b"more", fileName="b.txt", artifactVersionId=version) == 400
    assert sent(b"else", fileName="a.txt", artifactVersionId=version, overwrite="true") == 400
    assert sent(b"taken out of it", fileName="a.txt", assetId=asset_id) == 400
    link = {"link": "s3://bucket/b", "artifactVersionId": version}
    remote = {"experimentKey": key, "remoteArtifactAssetRequests": [link]}
    assert refused(local_server, "clientlib/rest/v2/write/artifact/assets/remote/batch", json=remote) == (400, 0)
    gone = {"experimentKey": key, "assetId": asset_id}
    assert refused(local_server, "api/rest/v2/write/experiment/asset/delete", params=gone) == (400, 0)
    failed = {"artifactVersionId": version, "experimentKey": key, "state": "ERROR"}
    assert refused(local_server, "api/rest/v2/write/artifacts/state", json=failed) == (400, 0)

    # The answer to the upload was lost, and it came once more behind the end.
    assert sent(b"one", fileName="a.txt", assetId=asset_id, artifactVersionId=version) == 200
    close(local_server, key, made)
    files = local_server.get("artifacts/version/files", versionId=version)["files"]
    assert [(file["fileName"], file["assetId"], file["fileSize"]) for file in files] == [("a.txt", asset_id, 3)]
    assert content(local_server, asset_id, experimentKey=key).content == b"one"


def test_readers_and_makers_are_known(local_server: LocalServer, key: str, name: str) -> None:
    made = closed(local_server, key, name)
    reader = begin(local_server)
    for _ in range(2):
        found(local_server, name, consumerExperimentKey=reader)

    def lineage(experiment: str, wanted: str) -> list[tuple[str, str]]:
        listed = local_server.get("get/artifacts", experimentKey=experiment, filter=wanted)["artifacts"]
        return [(row["artifactVersionId"], row["direction"]) for row in listed]

    version = made["artifactVersionId"]
    assert lineage(reader, "all") == lineage(reader, "input") == [(version, "input")]
    assert lineage(key, "all") == lineage(key, "output") == [(version, "output")]
    assert lineage(reader, "output") == lineage(key, "input") == []
    unknown = {"workspace": "ws", "artifactName": name, "consumerExperimentKey": "f" * 32}
    assert refused(local_server, VERSION, params=unknown) == (404, 90210)
    wrong = {"experimentKey": key, "filter": "both"}
    assert refused(local_server, "api/rest/v2/get/artifacts", params=wrong) == (400, 0)


def test_a_workspace_lists_its_artifacts(local_server: LocalServer) -> None:
    workspace = uuid.uuid4().hex
    key = begin(local_server, teamName=workspace, projectName="made here")
    for name, kind in (("b", "dataset"), ("a", "model")):
        made = closed(local_server, key, name, artifactType=kind, alias=["x"], versionTags=["t"], versionMetadata="{}")
    listed = local_server.get("artifacts/get-all", workspace=workspace)["artifacts"]
    assert [(row["name"], row["type"], row["project"]) for row in listed] == [
        ("a", "model", "made here"),
        ("b", "dataset", "made here"),
    ]
    of_type = local_server.get("artifacts/get-all", workspace=workspace, type="model")["artifacts"]
    assert of_type == listed[:1]
    details = local_server.get("artifacts/get", workspace=workspace, artifactName="a")
    assert local_server.get("artifacts/get", artifact_id=made["artifactId"]) == details
    (version,) = details.pop("versions")
    assert details == listed[0] == {
        "artifactId": made["artifactId"], "workspaceName": workspace, "project": "made here", "type": "model",
        "name": "a", "description": None, "latestVersion": "1.0.0", "tags": [], "isPublic": False, "emoji": None,
        "sizeInBytes": 0,
    }  # fmt: skip
    assert version.pop("added") > 0
    assert version == {
        "artifactVersionId": made["artifactVersionId"], "version": "1.0.0", "owner": "local", "metadata": "{}",
        "createdFrom": None, "experimentKey": key, "sizeInBytes": 0, "state": "CLOSED", "alias": ["x"], "tags": ["t"],
    }  # fmt: skip
    unknown = {"workspace": workspace, "artifactName": "c"}
    assert refused(local_server, "api/rest/v2/artifacts/get", params=unknown) == (404, 624523)
    assert local_server.get("artifacts/get-all", workspace="nobody's") == {"artifacts": []}


def test_a_version_that_was_asked_for_again_is_made_once(local_server: LocalServer, key: str, name: str) -> None:
    first = upsert(local_server, key, name, version="1.0.0", alias=["a"], versionMetadata="{}")
    assert upsert(local_server, key, name, version="1.0.0", alias=["a"], versionMetadata="{}") == first
    body = {"artifactName": name, "artifactType": "dataset", "experimentKey": key, "version": "1.0.0"}
    assert refused(local_server, UPSERT, json=body) == (400, 90399)
    upload(local_server, key, b"1", fileName="a", artifactVersionId=first["artifactVersionId"])
    assert refused(local_server, UPSERT, json={**body, "versionMetadata": "{}"}) == (400, 90399)
    other = begin(local_server)
    assert refused(local_server, UPSERT, json={**body, "versionMetadata": "{}", "experimentKey": other}) == (400, 90399)


def test_a_marked_version_is_made_once(local_server: LocalServer, key: str, name: str) -> None:
    body = {"artifactName": name, "artifactType": "dataset", "experimentKey": key, "alias": ["a"]}
    mark = {"X-Comet-Lane": f"{'0' * 32}/rest/1"}
    first = local_server.call("POST", UPSERT, json=body, headers=mark).json()
    moved = closed(local_server, key, name, alias=["a"])
    assert local_server.call("POST", UPSERT, json=body, headers=mark).json() == first
    assert first["currentVersion"] == "1.0.0"
    assert found(local_server, name, alias="a")["artifactVersionId"] == moved["artifactVersionId"]


def test_what_is_missing_or_wrong_is_said(local_server: LocalServer, key: str, name: str) -> None:
    body = {"artifactName": name, "artifactType": "dataset", "experimentKey": key}
    for wrong in ("artifactName", "artifactType"):
        assert refused(local_server, UPSERT, json={**body, wrong: None}) == (400, 0)
    assert refused(local_server, UPSERT, json={**body, "experimentKey": "f" * 32}) == (404, 90210)
    assert refused(local_server, UPSERT, json={**body, "alias": [1]}) == (400, 0)
    assert refused(local_server, VERSION, params={"versionId": "none"}) == (404, 624523)
    assert refused(local_server, VERSION, params={"artifactName": name}) == (400, 0)
    closed(local_server, key, name)
    for query in ({"version": "9.0.0"}, {"alias": "none"}, {"versionOrAlias": "none"}):
        assert refused(local_server, VERSION, params={"workspace": "ws", "artifactName": name, **query})[1] == 624523
    stray = upload(local_server, key, b"1", artifactVersionId="none")
    assert (stray.status_code, stray.json()["sdk_error_code"]) == (404, 624523)


def test_versions_made_at_once_are_all_different(local_server: LocalServer, name: str) -> None:
    makers = [begin(local_server) for _ in range(8)]

    def make(key: str) -> dict[str, Any]:
        with requests.Session() as session:
            return upsert(replace(local_server, session=session), key, name, alias=["newest"])

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, makers))
    assert sorted(int(each["currentVersion"].split(".")[1]) for each in made) == list(range(8))
    last = max(made, key=lambda each: int(each["currentVersion"].split(".")[1]))
    described = [local_server.get("artifacts/version", versionId=each["artifactVersionId"]) for each in made]
    assert [row["artifactVersionId"] for row in described if row["alias"]] == [last["artifactVersionId"]]
