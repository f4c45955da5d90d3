"""The code's origin and the patch of what was not committed, over the wire and back."""

from __future__ import annotations

import uuid

import pytest

from tests.fixtures.local_server import LocalServer


def test_git_metadata_is_replaced_whole(local_server: LocalServer, key: str) -> None:
    local_server.post("write/experiment/git/metadata", experimentKey=key, user="u", branch="main")
    local_server.post("write/experiment/git/metadata", experimentKey=key, user="v", origin="o")
    expected = {"user": "v", "root": None, "branch": None, "parent": None, "origin": "o"}
    assert local_server.get("experiment/git/metadata", experimentKey=key) == expected


@pytest.mark.parametrize(
    ("path", "key_field"),
    [
        ("api/rest/v2/write/experiment/git/patch", "experimentKey"),
        ("clientlib/rest/v2/write/experiment/git/patch", "experimentKey"),
        ("clientlib/git-patch/upload", "experimentId"),
    ],
)
def test_the_latest_patch_comes_back_byte_by_byte(
    local_server: LocalServer, key: str, path: str, key_field: str
) -> None:
    for sent in (b"PK\x03\x04 a zip", b"diff --git a b\n\xff"):
        query = {key_field: key, "assetId": uuid.uuid4().hex}
        answer = local_server.call("POST", path, params=query, files={"file": ("filename", sent)})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        found = local_server.call("GET", "api/rest/v2/experiment/git/patch", params={"experimentKey": key})
        assert (found.status_code, found.content) == (200, sent)


def test_without_a_patch_the_answer_is_a_message(local_server: LocalServer, key: str) -> None:
    answer = local_server.call("GET", "api/rest/v2/experiment/git/patch", params={"experimentKey": key})
    assert answer.status_code == 200
    assert answer.content.startswith(b'{"msg"')
