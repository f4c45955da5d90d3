"""The models that an experiment logged, and their files."""

from __future__ import annotations

import io
import zipfile

from tests.fixtures.local_server import LocalServer
from tests.local.routes.test_assets import upload


def test_models_are_the_files_of_their_group(local_server: LocalServer, key: str) -> None:
    for name, model in (("w.bin", "digits"), ("sub/config.json", "digits"), ("other.bin", "letters")):
        upload(local_server, key, name.encode(), fileName=name, type="model-element", groupingName=model)
    models = local_server.get("experiment/model", experimentKey=key)["models"]
    assert [(model["modelName"], model["experimentKey"]) for model in models] == [("digits", key), ("letters", key)]
    assert len({model["experimentModelId"] for model in models}) == 2
    files = local_server.get("experiment/model/asset/list", experimentKey=key, modelName="digits")["assets"]
    assert {(file["fileName"], file["dir"]) for file in files} == {
        ("w.bin", "models/digits"),
        ("sub/config.json", "models/digits"),
    }


def test_a_model_comes_as_a_zip_that_stays_in_its_folder(local_server: LocalServer, key: str) -> None:
    for name in ("w.bin", "../../evil", "/abs"):
        upload(local_server, key, name.encode(), fileName=name, type="model-element", groupingName="m")
    query = {"experimentKey": key, "modelName": "m"}
    answer = local_server.call("GET", "api/rest/v2/experiment/model/download", params=query)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {"w.bin": b"w.bin", "evil": b"../../evil", "abs": b"/abs"}
    absent = local_server.call("GET", "api/rest/v2/experiment/model/download", params={**query, "modelName": "x"})
    assert absent.status_code == 404


def test_a_remote_model_is_a_list_of_links(local_server: LocalServer, key: str) -> None:
    files = [
        {"assetId": "a" * 32, "remoteUrl": "s3://bucket/m/weights.bin?v=1", "metadata": '{"k":1}'},
        {"remoteUrl": "s3://bucket/m/config.json", "fileName": "conf/config.json"},
    ]
    for _ in range(2):
        local_server.sdk("asset/log-remote-model", experimentKey=key, modelName="m", remoteEntities=files[:1])
    local_server.sdk("asset/log-remote-model", experimentKey=key, modelName="m", remoteEntities=files[1:])
    (model,) = local_server.get("experiment/model", experimentKey=key)["models"]
    assert model["modelName"] == "m"
    found = local_server.get("experiment/model/asset/list", experimentKey=key, modelName="m")["assets"]
    assert [(asset["fileName"], asset["link"], asset["remote"], asset["metadata"]) for asset in found] == [
        ("conf/config.json", "s3://bucket/m/config.json", True, None),
        ("weights.bin", "s3://bucket/m/weights.bin?v=1", True, '{"k":1}'),
    ]


def test_a_remote_model_with_one_wrong_file_is_not_kept(local_server: LocalServer, key: str) -> None:
    body = {"experimentKey": key, "modelName": "m", "remoteEntities": [{"remoteUrl": "s3://b/a"}, {"fileName": "x"}]}
    answer = local_server.call("POST", "clientlib/asset/log-remote-model", json=body)
    assert (answer.status_code, "remoteEntities[1].remoteUrl" in answer.json()["msg"]) == (400, True)
    assert local_server.get("experiment/model", experimentKey=key) == {"models": []}
