"""Files over the wire, and back byte by byte."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fixtures.local_server import LocalServer, begin, serving

UPLOAD = "clientlib/asset/upload"
GET_ASSET = "api/rest/v2/experiment/asset/get-asset"


def upload(
    server: LocalServer, key: str, content: bytes, path: str = UPLOAD, part: str = "part.bin", **query: Any
) -> requests.Response:
    data = {"metadata": query.pop("metadata")} if "metadata" in query else None
    name = "experimentKey" if "upload-asset" in path else "experimentId"
    return server.call(
        "POST", path, params={name: key, **query}, files={"file": (part, io.BytesIO(content))}, data=data
    )


def listed(server: LocalServer, key: str, **query: Any) -> list[dict[str, Any]]:
    return server.get("experiment/asset/list", experimentKey=key, **query)["assets"]


def content(server: LocalServer, asset_id: str, **query: Any) -> requests.Response:
    return server.call("GET", GET_ASSET, params={"assetId": asset_id, **query})


def test_an_asset_comes_back_byte_by_byte(local_server: LocalServer, key: str) -> None:
    sent = os.urandom(3 << 20)
    asset_id = uuid.uuid4().hex
    answer = upload(
        local_server, key, sent, assetId=asset_id, fileName="data/a.bin", step="3", epoch="1", context="train",
        type="asset", extension="bin", overwrite="False", metadata='{"foo":"bar"}',
    )  # fmt: skip
    assert (answer.status_code, answer.json()["assetId"]) == (200, asset_id)
    (asset,) = listed(local_server, key)
    assert content(local_server, asset_id, experimentKey=key, allow301="False").content == sent
    assert local_server.call("GET", asset["link"].removeprefix(local_server.url + "/")).content == sent
    assert (asset["fileName"], asset["fileSize"], asset["type"]) == ("data/a.bin", len(sent), "asset")
    assert (asset["step"], asset["runContext"], asset["metadata"]) == (3, "train", '{"foo":"bar"}')
    assert (asset["remote"], asset["dir"], asset["image"]) == (False, "assets", False)


def test_equal_contents_are_stored_once(local_server: LocalServer, key: str) -> None:
    sent = b"the same" * 1000
    for name in ("a", "b"):
        assert upload(local_server, key, sent, fileName=name).status_code == 200
    digest = hashlib.sha256(sent).hexdigest()
    found = [path for path in (local_server.data / "files").rglob("*") if path.name == digest]
    assert [path.read_bytes() for path in found] == [sent]
    assert [asset["fileName"] for asset in listed(local_server, key)] == ["a", "b"]
    assert list((local_server.data / "files" / "incoming").iterdir()) == []


def test_names_come_from_the_query_or_the_part(local_server: LocalServer, key: str) -> None:
    upload(local_server, key, b"1", path="api/rest/v2/write/experiment/upload-asset", part="/home/me/x.txt")
    upload(local_server, key, b"2", path="clientlib/visualizations/upload", figName="figure", imageId="0" * 31 + "1")
    upload(local_server, key, b"3", fileName="auto-generated-in-the-backend", type="text-sample", assetId="abc" * 10)
    kinds = {(asset["fileName"], asset["type"]) for asset in listed(local_server, key)}
    assert kinds == {("x.txt", "asset"), ("figure", "image"), ("text-sample-abcabcab.txt", "text-sample")}


def test_lists_by_type_and_by_name(local_server: LocalServer, key: str) -> None:
    for name, kind in (("a.json", "curve"), ("b.json", "asset"), ("a.json", "asset")):
        upload(local_server, key, b"{}", fileName=name, type=kind)
    assert [asset["fileName"] for asset in listed(local_server, key, type="curve")] == ["a.json"]
    assert len(listed(local_server, key, type="all")) == 3
    named = local_server.get("experiment/asset/get-by-name", experimentKey=key, assetName="a.json", type="asset")
    assert [asset["type"] for asset in named["assets"]] == ["asset"]


@pytest.mark.parametrize(
    ("overwrite", "left"),
    [
        ("False", [b"old", b"new"]),
        ("TRUE", [b"new"]),
        ("OVERWRITE", [b"new"]),
        ("FAIL", [b"old", b"new"]),
        ("PRESERVE", [b"old", b"new"]),
    ],
)
def test_overwrite_replaces_the_assets_of_that_name(
    local_server: LocalServer, key: str, overwrite: str, left: list[bytes]
) -> None:
    upload(local_server, key, b"old", fileName="a", overwrite=overwrite)
    upload(local_server, key, b"new", fileName="a", overwrite=overwrite)
    found = {content(local_server, asset["assetId"]).content for asset in listed(local_server, key)}
    assert found == set(left)


def test_an_upload_sent_again_is_one_asset(local_server: LocalServer, key: str) -> None:
    asset_id = uuid.uuid4().hex
    for sent in (b"first", b"second"):
        assert upload(local_server, key, sent, assetId=asset_id, fileName="a").status_code == 200
    assert [asset["assetId"] for asset in listed(local_server, key)] == [asset_id]
    assert content(local_server, asset_id).content == b"second"


def test_two_experiments_may_have_an_asset_of_one_id(local_server: LocalServer, key: str) -> None:
    asset_id = uuid.uuid4().hex
    upload(local_server, key, b"mine", assetId=asset_id)
    other = begin(local_server)
    assert content(local_server, asset_id, experimentKey=other).status_code == 404
    assert upload(local_server, other, b"theirs", assetId=asset_id).status_code == 200
    assert content(local_server, asset_id, experimentKey=key).content == b"mine"
    assert content(local_server, asset_id, experimentKey=other).content == b"theirs"


@pytest.mark.parametrize("filename", [None, "link"])
def test_a_remote_asset_is_a_link_and_never_opened(local_server: LocalServer, key: str, filename: str | None) -> None:
    # The official SDK gives the part a filename.
    answer = local_server.call(
        "POST", UPLOAD, params={"experimentId": key, "isRemote": "True"},
        files={"link": (filename, "s3://bucket/folder/data.csv?v=1"), "metadata": (None, '{"k":1}')},
    )  # fmt: skip
    assert answer.status_code == 200
    (asset,) = listed(local_server, key)
    assert (asset["link"], asset["remote"], asset["fileName"]) == ("s3://bucket/folder/data.csv?v=1", True, "data.csv")
    assert content(local_server, asset["assetId"]).status_code == 404


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", "application/json"),
        ("a.png", "image/png"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_contents_run_nothing_in_a_browser(local_server: LocalServer, key: str, name: str, kind: str) -> None:
    asset_id = upload(local_server, key, b"<script>1</script>", fileName=name).json()["assetId"]
    headers = content(local_server, asset_id).headers
    assert headers["Content-Type"].partition(";")[0] == kind
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "a\r\nX-Evil: 1", "..\\x", "\x00", "é" * 200])
def test_names_never_become_paths_or_headers(local_server: LocalServer, key: str, name: str) -> None:
    before = {path for path in local_server.data.rglob("*") if "files" not in path.parts}
    asset_id = upload(local_server, key, b"bytes", fileName=name).json()["assetId"]
    answer = content(local_server, asset_id)
    assert answer.content == b"bytes"
    assert "X-Evil" not in answer.headers
    assert [asset["fileName"] for asset in listed(local_server, key)] == [name]
    assert {path for path in local_server.data.rglob("*") if "files" not in path.parts} == before


def test_an_asset_can_be_taken_away(local_server: LocalServer, key: str) -> None:
    asset_id = upload(local_server, key, b"bytes").json()["assetId"]
    local_server.get("write/experiment/asset/delete", experimentKey=key, assetId=asset_id)
    assert listed(local_server, key) == []
    assert content(local_server, asset_id).status_code == 404


def test_what_a_deleted_asset_held_is_freed_at_once(clocked_server: LocalServer) -> None:
    def contents() -> set[bytes]:
        return {path.read_bytes() for path in (clocked_server.data / "files").glob("??/*")}

    key = begin(clocked_server)
    upload(clocked_server, key, b"kept")
    asset_id = upload(clocked_server, key, b"deleted").json()["assetId"]
    assert {b"kept", b"deleted"} <= contents()
    clocked_server.get("write/experiment/asset/delete", experimentKey=key, assetId=asset_id)
    assert b"kept" in contents()
    assert b"deleted" not in contents()


def test_what_a_killed_server_left_unnamed_is_freed_at_a_start_a_week_later(tmp_path: Path) -> None:
    def contents() -> set[bytes]:
        return {path.read_bytes() for path in (tmp_path / "data" / "files").glob("??/*")}

    with serving(tmp_path / "data") as server:
        upload(server, begin(server), b"kept")
        server.store.files.add(io.BytesIO(b"unnamed"))
    with serving(tmp_path / "data"):
        assert contents() == {b"kept", b"unnamed"}
    for path in (tmp_path / "data" / "files").glob("??/*"):
        os.utime(path, (0, 0))
    with serving(tmp_path / "data"):
        assert contents() == {b"kept"}


def test_a_database_that_was_moved_away_takes_no_content_along(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        upload(server, begin(server), b"precious")
    stored = next((tmp_path / "data" / "files").glob("??/*"))
    os.utime(stored, (0, 0))
    (tmp_path / "data" / "comet.db").rename(tmp_path / "comet.db")
    with serving(tmp_path / "data"):
        assert stored.read_bytes() == b"precious"


def test_a_content_that_is_gone_from_the_disk_is_told(clocked_server: LocalServer) -> None:
    key = begin(clocked_server)
    group = {"fileName": "w.bin", "type": "model-element", "groupingName": "m"}
    asset_id = upload(clocked_server, key, b"lost", **group).json()["assetId"]
    for path in (clocked_server.data / "files").glob("??/*"):
        path.unlink()
    query = {"experimentKey": key, "modelName": "m"}
    model = clocked_server.call("GET", "api/rest/v2/experiment/model/download", params=query)
    page = clocked_server.call("GET", f"page-data/experiments/{key}/assets/{asset_id}")
    for answer in (content(clocked_server, asset_id), model):
        assert answer.status_code == 404
        assert "not in the data folder" in answer.json()["msg"]
    assert page.status_code == 404


def test_a_content_that_was_cut_off_on_the_disk_is_not_given_for_the_whole(clocked_server: LocalServer) -> None:
    asset_id = upload(clocked_server, begin(clocked_server), b"all of it").json()["assetId"]
    (stored,) = (clocked_server.data / "files").glob("??/*")
    os.truncate(stored, 3)
    answer = content(clocked_server, asset_id)
    assert answer.status_code == 404
    assert "3 of 9 bytes" in answer.json()["msg"]


def test_an_upload_has_to_carry_something(local_server: LocalServer, key: str) -> None:
    empty = local_server.call("POST", UPLOAD, params={"experimentId": key}, files={"metadata": (None, "{}")})
    assert empty.status_code == 400
    assert "`file`" in empty.json()["msg"]
    assert local_server.call("POST", UPLOAD, params={"experimentId": key}, json={}).status_code == 415
    broken = local_server.call(
        "POST", UPLOAD, params={"experimentId": key}, data=b"nothing",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    assert broken.status_code == 400


def test_a_marked_upload_sent_again_without_an_id_names_the_asset_that_is_there(
    local_server: LocalServer, key: str
) -> None:
    def send(first: int) -> str:
        headers = {"X-Comet-Lane": f"{key}/files/{first}"}
        query = {"experimentId": key, "fileName": "a"}
        answer = local_server.call("POST", UPLOAD, params=query, files={"file": ("a", b"x")}, headers=headers)
        return str(answer.json()["assetId"])

    assert send(1) == send(1)
    assert send(2) != send(1)
    assert {asset["assetId"] for asset in listed(local_server, key)} == {send(1), send(2)}
    assert content(local_server, send(1)).content == b"x"


def test_metadata_may_be_large(local_server: LocalServer, key: str) -> None:
    files = {"file": ("a", b"x"), "metadata": (None, "m" * 2_000_000)}
    answer = local_server.call("POST", UPLOAD, params={"experimentId": key}, files=files)
    assert answer.status_code == 200
    assert [len(asset["metadata"]) for asset in listed(local_server, key)] == [2_000_000]


@pytest.mark.parametrize(
    ("asked", "status", "part", "said"),
    [
        ("bytes=0-3", 206, slice(0, 4), "bytes 0-3/1000"),
        ("bytes=990-", 206, slice(990, 1000), "bytes 990-999/1000"),
        ("bytes=-5", 206, slice(995, 1000), "bytes 995-999/1000"),
        ("bytes=1000-", 416, slice(0, 0), "bytes */1000"),
    ],
)
def test_a_part_of_an_asset_can_be_had(
    local_server: LocalServer, key: str, asked: str, status: int, part: slice, said: str
) -> None:
    sent = os.urandom(1000)
    asset_id = upload(local_server, key, sent).json()["assetId"]
    query = {"assetId": asset_id, "experimentKey": key}
    answer = local_server.call("GET", GET_ASSET, params=query, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (status, said)
    if status == 206:
        assert answer.content == sent[part]


def test_a_part_of_another_content_is_not_given(local_server: LocalServer, key: str) -> None:
    asset_id = upload(local_server, key, b"first", assetId=uuid.uuid4().hex).json()["assetId"]
    tag = content(local_server, asset_id).headers["ETag"]
    upload(local_server, key, b"other", assetId=asset_id)
    headers = {"Range": "bytes=0-1", "If-Range": tag}
    answer = local_server.call("GET", GET_ASSET, params={"assetId": asset_id}, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"other")


@pytest.mark.parametrize("sent", [b"\xff\xfe\x00binary\r\n", b"", "é".encode()])
def test_a_file_part_needs_no_filename(local_server: LocalServer, key: str, sent: bytes) -> None:
    boundary = "frontier"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'.encode()
    body = head + sent + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    query = {"experimentId": key, "assetId": uuid.uuid4().hex, "fileName": "x.bin"}
    answer = local_server.call("POST", UPLOAD, params=query, data=body, headers=kind)
    assert answer.status_code == 200, answer.text
    assert content(local_server, query["assetId"]).content == sent


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=b", b"no part", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut', 400),
    ],
)
def test_a_body_that_is_no_multipart_is_refused(
    local_server: LocalServer, key: str, kind: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": kind}
    answer = local_server.call("POST", UPLOAD, params={"experimentId": key}, data=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert listed(local_server, key) == []


def test_a_histogram_is_found_under_the_name_in_the_documentation(local_server: LocalServer, key: str) -> None:
    upload(local_server, key, b"{}", type="histogram3d")
    (asset,) = listed(local_server, key, type="histogram_combined_3d")
    assert (asset["type"], asset["histogram"]) == ("histogram3d", True)


@pytest.mark.parametrize("path", ["api/asset/download", "api/image/get"])
def test_comets_old_addresses_of_assets_hold(local_server: LocalServer, key: str, path: str) -> None:
    asset_id = upload(local_server, key, b"sent").json()["assetId"]
    name = "imageId" if "image" in path else "assetId"
    answer = local_server.call("GET", path, params={"experimentKey": key, name: asset_id})
    assert (answer.status_code, answer.content) == (200, b"sent")


def test_a_file_of_an_unknown_artifact_version_is_refused(local_server: LocalServer, key: str) -> None:
    answer = upload(local_server, key, b"sent", artifactVersionId="0" * 32)
    assert (answer.status_code, "artifact version" in answer.json()["msg"]) == (404, True)
    assert listed(local_server, key) == []


def test_a_file_longer_than_memory_may_hold_is_given_in_pieces(local_server: LocalServer, key: str) -> None:
    """A sparse file stands for the large one; its end is read without the rest."""
    asset_id = upload(local_server, key, b"sent", assetId=uuid.uuid4().hex).json()["assetId"]
    path = local_server.store.files.path(hashlib.sha256(b"sent").hexdigest())
    size = 5 << 30
    os.truncate(path, size)
    try:
        query = {"assetId": asset_id, "experimentKey": key}
        answer = local_server.call("GET", GET_ASSET, params=query, headers={"Range": f"bytes={size - 4}-"})
        assert (answer.status_code, answer.content) == (206, bytes(4))
    finally:
        path.write_bytes(b"sent")


def test_a_large_file_needs_no_room_but_in_the_data_folder(
    local_server: LocalServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    sent = os.urandom(3 << 20)
    asset_id = uuid.uuid4().hex
    assert upload(local_server, key, sent, assetId=asset_id).status_code == 200
    assert content(local_server, asset_id).content == sent
    assert list((local_server.data / "files" / "incoming").iterdir()) == []
