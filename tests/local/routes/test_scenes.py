"""3-D scenes over the wire: the asset, its items, its picture; and back."""

from __future__ import annotations

import json
from typing import Any

from tests.fixtures.local_server import LocalServer, begin


def create(server: LocalServer, key: str) -> str:
    answer = server.sdk(
        "asset", apiKey="k", experimentKey=key, userFileName="scene", assetType="3d-image", step=2, metadata='{"x":1}'
    )
    asset_id = answer["assetId"]
    assert isinstance(asset_id, str)
    return asset_id


def parts(params: dict[str, Any], name: str, content: bytes) -> dict[str, Any]:
    return {"requestParams": (None, json.dumps(params), "application/json"), name: ("file", content)}


def items(server: LocalServer, key: str) -> dict[str, bytes]:
    """The contents of all items by name; each name occurs once."""
    found = server.get("experiment/asset/list", experimentKey=key, type="asset-item")["assets"]
    contents = {
        asset["fileName"]: server.call("GET", asset["link"].removeprefix(f"{server.url}/")).content for asset in found
    }
    assert len(contents) == len(found)
    return contents


def test_a_scene_has_its_items_and_its_picture(local_server: LocalServer, key: str) -> None:
    scene = create(local_server, key)
    params = {"apiKey": "k", "experimentKey": key}
    for content in (b"first", b"[[0,0,1]]"):
        item = {**params, "assetId": scene, "userFileName": "points.json", "assetItemType": "points"}
        files = parts(item, "assetItemContent", content)
        assert local_server.call("POST", "clientlib/asset/asset-item", files=files).status_code == 200
    files = parts({**params, "thumbnailExtension": ".png"}, "thumbnail", b"\x89PNG")
    assert local_server.call("PUT", f"clientlib/asset/{scene}/thumbnail", files=files).status_code == 200
    assert items(local_server, key) == {"points.json": b"[[0,0,1]]", "thumbnail.png": b"\x89PNG"}
    (asset,) = local_server.get("experiment/asset/list", experimentKey=key, type="3d-image")["assets"]
    assert (asset["assetId"], asset["fileName"], asset["step"]) == (scene, "scene", 2)
    assert (asset["metadata"], asset["remote"]) == ('{"x":1}', False)


def test_an_item_of_no_scene_of_the_experiment_is_refused(local_server: LocalServer, key: str) -> None:
    scene = create(local_server, begin(local_server))
    item = {"experimentKey": key, "assetId": scene, "userFileName": "p", "assetItemType": "points"}
    files = parts(item, "assetItemContent", b"[]")
    assert local_server.call("POST", "clientlib/asset/asset-item", files=files).status_code == 404
    files = parts({"experimentKey": key}, "thumbnail", b"")
    assert local_server.call("PUT", f"clientlib/asset/{scene}/thumbnail", files=files).status_code == 404
    assert items(local_server, key) == {}


def test_request_parameters_are_a_json_object(local_server: LocalServer, key: str) -> None:
    for text in ("{", "[]"):
        files = {"requestParams": (None, text, "application/json"), "assetItemContent": ("file", b"[]")}
        answer = local_server.call("POST", "clientlib/asset/asset-item", files=files)
        assert (answer.status_code, "requestParams" in answer.json()["msg"]) == (400, True)
