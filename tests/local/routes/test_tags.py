"""Tags over the wire, and back."""

from __future__ import annotations

from tests.fixtures.local_server import LocalServer


def test_tags_are_a_set_in_the_order_of_adding(local_server: LocalServer, key: str) -> None:
    local_server.sdk("tags/add-tags-to-experiment", experimentKey=key, addedTags=["b", "a"])
    local_server.post("write/experiment/tags", experimentKey=key, addedTags=["a", "c"])
    local_server.post("write/experiment/tags/delete", experimentKey=key, tags=["b", "unknown"])
    assert local_server.get("experiment/tags", experimentKey=key) == {"tags": ["a", "c"]}


def test_tags_that_are_no_texts_are_refused(local_server: LocalServer, key: str) -> None:
    body = {"experimentKey": key, "addedTags": ["a", 1]}
    answer = local_server.call("POST", "api/rest/v2/write/experiment/tags", json=body)
    assert answer.status_code == 400
    assert "addedTags" in answer.json()["msg"]


def test_an_empty_tag_is_none(local_server: LocalServer, key: str) -> None:
    local_server.post("write/experiment/tags", experimentKey=key, addedTags=["", "a"])
    assert local_server.get("experiment/tags", experimentKey=key)["tags"] == ["a"]
