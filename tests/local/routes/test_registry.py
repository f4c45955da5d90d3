"""The model registry over the wire: models, versions, their files and their history."""

from __future__ import annotations

import hashlib
import io
import sqlite3
import uuid
import zipfile
from contextlib import closing
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, TurnedClock, begin
from tests.local.routes.test_artifacts import refused
from tests.local.routes.test_assets import content, upload

R = "api/rest/v2"


@pytest.fixture
def workspace() -> str:
    """A workspace of the test's own."""
    return uuid.uuid4().hex


@pytest.fixture
def logged(local_server: LocalServer, workspace: str) -> str:
    """The key of an experiment that logged the model `net` of two files, one of them twice."""
    return log_model(local_server, workspace)


def log_model(server: LocalServer, workspace: str) -> str:
    key = begin(server, teamName=workspace)
    for name, sent in (("w.bin", b"old"), ("w.bin", b"weights"), ("sub/config.json", b"{}")):
        upload(server, key, sent, fileName=name, type="model-element", groupingName="net")
    return key


def register(server: LocalServer, key: str, **fields: Any) -> dict[str, Any]:
    body = {
        "experimentKey": key, "experimentModelName": "net", "registryModelName": "Net 1", "version": "1.0.0",
        "registryModelDescription": "d", "versionComment": "c", "tags": ["t"], "status": "QA", "publicModel": False,
    }  # fmt: skip
    return server.post("write/registry-model/item/create", **{**body, **fields})


def details(server: LocalServer, workspace: str, version: str = "1.0.0") -> dict[str, Any]:
    return server.get("registry-model/item/details", workspaceName=workspace, modelName="Net 1", version=version)


def model(server: LocalServer, workspace: str, path: str = "details", **query: Any) -> dict[str, Any]:
    return server.get(f"registry-model/{path}", workspaceName=workspace, modelName="Net 1", **query)


def test_a_version_is_read_as_it_was_registered(local_server: LocalServer, workspace: str, logged: str) -> None:
    made = register(local_server, logged)
    item = details(local_server, workspace)
    (logged_model,) = local_server.get("experiment/model", experimentKey=logged)["models"]
    assets = item.pop("assets")
    assert item.pop("createdAt") == item.pop("lastUpdated") > 0
    assert item == {
        "registryModelItemId": made["registryModelItemId"],
        "registryModelId": made["registryModelId"],
        "experimentModel": {
            "experimentModelId": logged_model["experimentModelId"],
            "experimentModelName": "net",
            "experimentKey": logged,
        },
        "experimentKey": logged,
        "version": "1.0.0",
        "comment": "c",
        "stages": ["t"],
        "tags": ["t"],
        "status": "QA",
        "userName": "local",
        "restApiUrl": f"{local_server.url}/{R}/registry-model/item/download?workspaceName={workspace}"
        "&modelName=Net+1&version=1.0.0",
    }
    # Of two files of one name the newer one is meant.
    assert [(asset["fileName"], asset["fileSize"]) for asset in assets] == [("sub/config.json", 2), ("w.bin", 7)]
    for asset in assets:
        assert f"experimentKey={logged}" in asset["link"]
        assert f"assetId={asset['assetId']}" in asset["link"]
    found = model(local_server, workspace)
    assert found["versions"] == [details(local_server, workspace)]
    assert (found["modelName"], found["description"], found["isPublic"]) == ("Net 1", "d", False)
    assert model(local_server, workspace, "compact-details") == {"registryModelId": made["registryModelId"]}
    listed = local_server.get("registry-model", workspaceName=workspace)["registryModels"]
    assert listed == [{name: value for name, value in found.items() if name != "versions"}]
    assert local_server.get("registry-model/count", workspaceName=workspace) == {"registryModelCount": 1}


def test_versions_are_found_newest_first(local_server: LocalServer, workspace: str, logged: str) -> None:
    for version, tags, status in (("1.9.0", ["a"], "QA"), ("1.10.0", [], None), ("1.10.0-rc.1", ["a"], "QA")):
        register(local_server, logged, version=version, tags=tags, status=status)
    register(local_server, logged, version=None, tags=None, status="Staging")

    def items(**query: Any) -> list[str]:
        return [item["version"] for item in model(local_server, workspace, "items", **query)["items"]]

    assert items() == ["1.11.0", "1.10.0", "1.10.0-rc.1", "1.9.0"]
    assert items(versionPrefix="1.10") == ["1.10.0", "1.10.0-rc.1"]
    assert items(versionPrefix="10") == []
    assert items(versionPrefix="1", tag="a") == ["1.10.0-rc.1", "1.9.0"]
    assert items(status="QA", tag="none") == []
    assert items(status="None") == ["1.10.0"]

    def latest(**query: Any) -> list[str]:
        return [item["version"] for item in model(local_server, workspace, "latest_version", **query)["versions"]]

    assert latest() == ["1.11.0"]
    assert latest(versionMajor=1, versionMinor=9) == ["1.9.0"]
    assert latest(stage="a") == ["1.10.0-rc.1"]
    query = {"workspaceName": workspace, "modelName": "Net 1"}
    assert refused(local_server, f"{R}/registry-model/latest_version", params={**query, "versionMajor": 2}) == (404, 0)
    instructions = model(local_server, workspace, "item/download-instructions", stage="a")
    assert [item["version"] for item in instructions["versions"]] == ["1.10.0-rc.1"]
    allowed = local_server.get("registry-model/allowed_status_values", workspaceName=workspace)["allowedStatus"]
    assert allowed == ["None", "Development", "Staging", "QA", "Production"]


def test_the_files_come_one_by_one_and_as_a_zip(local_server: LocalServer, workspace: str, logged: str) -> None:
    register(local_server, logged)
    instructions = model(local_server, workspace, "item/download-instructions", version="1.0.0")
    assert instructions["s3DownloadEnabled"] is False
    (item,) = instructions["versions"]
    assert item == details(local_server, workspace)
    sent = {"sub/config.json": b"{}", "w.bin": b"weights"}
    links = {asset["fileName"]: asset["link"].removeprefix(f"{local_server.url}/") for asset in item["assets"]}
    assert {name: local_server.call("GET", link).content for name, link in links.items()} == sent
    query = {"workspaceName": workspace, "modelName": "Net 1"}
    for which in ({"version": "1.0.0"}, {"stage": "t"}, {}):
        answered = local_server.call("GET", f"{R}/registry-model/item/download", params={**query, **which})
        with zipfile.ZipFile(io.BytesIO(answered.content)) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == sent
    unknown = {**query, "version": "2.0.0"}
    assert refused(local_server, f"{R}/registry-model/item/download", params=unknown) == (404, 0)


def test_a_version_is_changed_and_its_history_kept_by_day(clocked_server: LocalServer, clock: TurnedClock) -> None:
    server = clocked_server
    clock.now = 1_700_092_800_000  # November 16, 2023
    item_id = register(server, log_model(server, "ws"))["registryModelItemId"]
    server.post("write/registry-model/item/status", modelItemId=item_id, status="QA")
    clock.turn(24 * 3600)
    server.post("write/registry-model/item/status", modelItemId=item_id, status="Mine")
    for tag in ("one", "one", "two"):
        server.get("write/registry-model/item/stage", modelItemId=item_id, stage=tag)
    for _ in range(2):
        server.get("write/registry-model/item/stage/delete", modelItemId=item_id, stage="two")
    item = details(server, "ws")
    assert (item["status"], item["tags"]) == ("Mine", ["t", "one"])
    assert (item["createdAt"], item["lastUpdated"]) == (1_700_092_800_000, clock.now)
    server.post("write/registry-model/item/update", registryModelItemId=item_id, comment="C", stages=["s", "one"])
    server.post("write/registry-model/item/update", registryModelItemId=item_id)
    item = details(server, "ws")
    assert (item["comment"], item["stages"]) == ("C", ["s", "one"])
    assert "Mine" in server.get("registry-model/allowed_status_values", workspaceName="ws")["allowedStatus"]
    history = server.post("registry-model/history/item", registryModelItemId=item_id, groupedBy="DAY")
    assert list(history) == ["November 17, 2023", "November 16, 2023"]
    (created,) = history["November 16, 2023"]
    assert created == {
        "actionType": "MODEL_VERSION_CREATED", "comment": None, "newValue": {}, "previousValue": {},
        "registryModelId": item["registryModelId"], "registryModelItemActualPathParams": None,
        "registryModelItemId": item_id, "registryModelItemVersion": "1.0.0", "registryModelName": "Net 1",
        "userAvatarLink": None, "userName": "local", "createdAt": 1_700_092_800_000,
    }  # fmt: skip
    changes = [
        (row["actionType"].removeprefix("MODEL_VERSION_"), row["newValue"])
        for row in reversed(history["November 17, 2023"])
    ]
    assert changes == [
        ("STATUS_CHANGED", {"registryModelStatus": "Mine", "changedBy": "local"}),
        ("TAG_ADDED", {"tag": "one"}),
        ("TAG_ADDED", {"tag": "two"}),
        ("TAG_DELETED", {}),
        ("COMMENT_CHANGED", {"comment": "C"}),
        ("TAG_ADDED", {"tag": "s"}),
        ("TAG_DELETED", {}),
    ]
    wrong = {"registryModelItemId": item_id, "groupedBy": "WEEK"}
    assert refused(server, f"{R}/registry-model/history/item", json=wrong) == (400, 0)


def test_metadata_and_status_configuration_are_read_back(
    local_server: LocalServer, workspace: str, logged: str
) -> None:
    item_id = register(local_server, logged)["registryModelItemId"]
    path = f"registry-model/item/{item_id}"
    assert local_server.get(f"{path}/metadata") == {"metadata": []}
    assert local_server.get(f"{path}/status-configuration") == {}
    local_server.post(f"write/{path}/metadata", metadata=[{"key": "a", "value": {"b": 1}}, {"key": "x", "value": None}])
    local_server.post(f"write/{path}/metadata", metadata=[{"key": "a", "value": 2}, {"key": "c", "value": "d"}])
    assert local_server.get(f"{path}/metadata")["metadata"] == [
        {"key": "a", "value": 2},
        {"key": "x", "value": None},
        {"key": "c", "value": "d"},
    ]
    configuration = {
        "status": "Production", "isReviewRequired": True, "statusConfiguration": [{"key": "k", "value": "v"}],
        "comment": "please",
    }  # fmt: skip
    local_server.post(f"write/{path}/status-configuration", **configuration)
    assert local_server.get(f"{path}/status-configuration") == {**configuration, "modelItemId": item_id}
    assert details(local_server, workspace)["status"] == "Production"
    assert refused(local_server, f"{R}/write/{path}/metadata", json={"metadata": [{"value": 1}]}) == (400, 0)
    assert refused(local_server, f"{R}/write/{path}/status-configuration", json={}) == (400, 0)
    for of_none in ("metadata", "status-configuration"):
        assert refused(local_server, f"{R}/registry-model/item/none/{of_none}", params={}) == (404, 0)


def test_a_model_is_changed_noted_and_deleted(local_server: LocalServer, workspace: str, logged: str) -> None:
    made = register(local_server, logged)
    register(local_server, logged, registryModelName="other")
    assert model(local_server, workspace, "notes") == {"notes": ""}
    note = {"workspaceName": workspace, "registryModelName": "Net 1"}
    local_server.post("write/registry-model/notes", **note, notes="N")
    assert model(local_server, workspace, "notes") == {"notes": "N"}
    change = {"registryModelId": made["registryModelId"]}
    local_server.post("write/registry-model/update", **change, description="D", isPublic=True)
    assert (model(local_server, workspace)["description"], model(local_server, workspace)["isPublic"]) == ("D", True)
    update = f"{R}/write/registry-model/update"
    assert refused(local_server, update, json={**change, "registryModelName": "other"}) == (400, 0)
    assert refused(local_server, update, json={"registryModelId": "none"}) == (404, 0)
    local_server.post("write/registry-model/update", **change, registryModelName="renamed")
    named = {"workspaceName": workspace, "modelName": "renamed"}
    assert local_server.get("registry-model/details", **named)["registryModelId"] == made["registryModelId"]
    local_server.get("write/registry-model/item/delete", modelItemId=made["registryModelItemId"])
    assert local_server.get("registry-model/details", **named)["versions"] == []
    local_server.get("write/registry-model/delete", **named)
    for gone in (f"{R}/registry-model/details", f"{R}/write/registry-model/delete", f"{R}/registry-model/notes"):
        assert refused(local_server, gone, params=named) == (404, 0)
    assert local_server.get("registry-model/count", workspaceName=workspace) == {"registryModelCount": 1}
    # What the experiment logged is its own.
    files = local_server.get("experiment/model/asset/list", experimentKey=logged, modelName="net")["assets"]
    assert len(files) == 3


def test_a_version_is_registered_once(local_server: LocalServer, workspace: str, logged: str) -> None:
    made = register(local_server, logged)
    assert register(local_server, logged) == made
    create = f"{R}/write/registry-model/item/create"
    body = {"experimentKey": logged, "experimentModelName": "net", "registryModelName": "Net 1", "version": "1.0.0"}
    assert refused(local_server, create, json=body) == (400, 0)
    assert refused(local_server, create, json={**body, "version": "1.0"}) == (400, 42001)
    assert refused(local_server, create, json={**body, "experimentModelName": "x", "version": "2.0.0"}) == (404, 0)
    assert refused(local_server, create, json={**body, "experimentKey": "f" * 32}) == (404, 90210)
    # A refusal leaves no model behind.
    new = {**body, "registryModelName": "new", "version": "one"}
    assert refused(local_server, create, json=new) == (400, 42001)
    assert local_server.get("registry-model/count", workspaceName=workspace) == {"registryModelCount": 1}
    mark = {"X-Comet-Lane": f"{'0' * 32}/rest/1"}
    marked = [local_server.call("POST", create, json={**body, "version": None}, headers=mark).json() for _ in range(2)]
    assert marked[0] == marked[1]
    assert [item["version"] for item in model(local_server, workspace)["versions"]] == ["1.1.0", "1.0.0"]


def test_older_clients_register_by_the_id_of_the_logged_model(
    local_server: LocalServer, workspace: str, logged: str
) -> None:
    (logged_model,) = local_server.get("experiment/model", experimentKey=logged)["models"]
    body = {"experimentModelId": logged_model["experimentModelId"], "registryModelName": "net"}
    item = f"{R}/write/registry-model/item"
    assert refused(local_server, item, json={**body, "version": "1.0.0"}) == (404, 0)
    first = {"version": "1.0.0", "isPublic": True, "description": "d", "comment": "c", "stages": ["s"]}
    local_server.post("write/registry-model", **body, **first)
    local_server.post("write/registry-model/item", **body, version="1.0.1")
    found = local_server.get("registry-model/details", workspaceName=workspace, modelName="net")
    assert (found["isPublic"], found["description"]) == (True, "d")
    versions = [(row["version"], row["comment"], row["stages"], row["status"]) for row in found["versions"]]
    assert versions == [("1.0.1", "", [], "None"), ("1.0.0", "c", ["s"], "None")]
    assert refused(local_server, item, json={**body, "experimentModelId": "none", "version": "2.0.0"}) == (404, 0)


def _on_disk(server: LocalServer, sent: bytes) -> bool:
    return server.store.files.path(hashlib.sha256(sent).hexdigest()).is_file()


def _kept_by(server: LocalServer) -> set[str]:
    with closing(sqlite3.connect(server.data / "comet.db")) as connection:
        return {key for (key,) in connection.execute("SELECT experiment_key FROM kept_asset")}


@pytest.mark.parametrize("gone", ["item/delete", "delete"])
def test_files_outlive_their_experiment(clocked_server: LocalServer, gone: str) -> None:
    local_server, workspace = clocked_server, "ws"
    logged = log_model(local_server, workspace)
    made = register(local_server, logged)
    query = {"modelItemId": made["registryModelItemId"]}
    if gone == "delete":
        query = {"workspaceName": workspace, "modelName": "Net 1"}
    artifact = {"artifactName": "a", "artifactType": "t", "experimentKey": logged}
    version = local_server.post("write/artifacts/upsert", **artifact)["artifactVersionId"]
    upload(
        local_server, logged, b"data",
        fileName="d.csv", artifactVersionId=version, type="model-element", groupingName="net",
    )  # fmt: skip
    other = log_model(local_server, workspace)
    register(local_server, other, version="2.0.0")
    untouched = details(local_server, workspace, "2.0.0")
    upload(local_server, logged, b"own", fileName="own")
    before = details(local_server, workspace)["assets"]
    described = local_server.get("artifacts/version", versionId=version)
    files = local_server.get("artifacts/version/files", versionId=version)["files"]
    own = next(
        asset["assetId"]
        for asset in local_server.get("experiment/asset/list", experimentKey=logged)["assets"]
        if asset["fileName"] == "own"
    )
    local_server.get("write/experiment/delete", experimentKey=logged)
    assert details(local_server, workspace)["assets"] == before
    weights = next(asset for asset in before if asset["fileName"] == "w.bin")
    assert content(local_server, weights["assetId"], experimentKey=logged).content == b"weights"
    assert local_server.get("artifacts/version", versionId=version) == described
    assert described["sizeInBytes"] == 4
    assert local_server.get("artifacts/version/files", versionId=version)["files"] == files
    read = {"experimentKey": begin(local_server), "artifactVersionId": version}
    assert content(local_server, files[0]["assetId"], **read).content == b"data"
    assert content(local_server, own).status_code == 404
    assert _kept_by(local_server) == {logged}
    assert details(local_server, workspace, "2.0.0") == untouched
    local_server.get("write/experiment/delete", experimentKey=other)
    if gone == "item/delete":
        local_server.get("write/registry-model/item/delete", modelItemId=untouched["registryModelItemId"])
    kept = _on_disk(local_server, b"weights")
    local_server.get(f"write/registry-model/{gone}", **query)
    assert content(local_server, weights["assetId"], experimentKey=logged).status_code == 404
    assert (kept, _on_disk(local_server, b"weights")) == (True, False)
    assert content(local_server, files[0]["assetId"], **read).content == b"data"
