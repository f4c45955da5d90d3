"""What the official SDK logs live is read back equal, row by row (01 to 32, 60 to 67); the SDK complains of nothing."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.sdk.conftest import Session, assert_clean
from zenml_comet_tracker.comet.api import API

# A program of the official SDK takes seconds to start.
pytestmark = pytest.mark.long

WEIGHTS = bytes(range(64))
Assets = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def session(play: Callable[[str], Session]) -> Session:
    return play("experiment")


@pytest.fixture(scope="module")
def key(session: Session) -> str:
    return str(session.value("01-url")[0])


@pytest.fixture(scope="module")
def assets(session: Session, key: str) -> Assets:
    """The experiment's assets by name, as REST lists them."""
    listed = session.server.get("experiment/asset/list", experimentKey=key)["assets"]
    return {asset["fileName"]: asset for asset in listed}


def content(session: Session, key: str, asset: dict[str, Any]) -> bytes:
    path = "api/rest/v2/experiment/asset/get-asset"
    return session.server.call("GET", path, params={"experimentKey": key, "assetId": asset["assetId"]}).content


def series(session: Session, key: str, name: str) -> list[tuple[Any, ...]]:
    metrics = session.server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)["metrics"]
    return [(m["metricValue"], m["step"], m["epoch"], m["runContext"]) for m in metrics]


def values(session: Session, key: str, path: str) -> dict[str, str]:
    listed = session.server.get(f"experiment/{path}", experimentKey=key)["values"]
    return {row["name"]: row["valueCurrent"] for row in listed}


def test_the_sdk_complains_of_nothing(session: Session) -> None:
    assert_clean(session)


def test_01_create(session: Session, key: str) -> None:
    _, url, alive = session.value("01-url")
    assert (url, alive) == (f"{session.server.url}/sdk/live/{key}", True)
    meta = session.server.get("experiment/metadata", experimentKey=key)
    assert (meta["workspaceName"], meta["projectName"]) == ("sdk", "live")
    details = session.server.get("experiment/system-details", experimentKey=key)
    assert any(package.lower().startswith("requests==") for package in details["installedPackages"])


def test_02_log_metric(session: Session, key: str) -> None:
    assert series(session, key, "loss") == [(repr(1 / (step + 1)), step, step // 5, None) for step in range(25)]
    assert series(session, key, "a/b") == [("1.0", 25, 5, None)]
    assert [float(row[0]) for row in series(session, key, "big")] == [float(2**60)]
    assert math.isnan(float(series(session, key, "odd")[0][0]))
    assert float(series(session, key, "far")[0][0]) == -math.inf
    assert series(session, key, "train_acc") == [("0.5", 1, 5, "train")]
    assert series(session, key, "validate_acc") == [("0.25", 1, 5, "validate")]


def test_03_log_parameters(session: Session, key: str) -> None:
    logged = {"lr": "0.1", "layers": "3", "opt": "adam", "n|deep": "true"}
    assert logged.items() <= values(session, key, "parameters").items()


def test_04_log_other(session: Session, key: str) -> None:
    assert {"note": "hi", "a": "1", "b": "true"}.items() <= values(session, key, "log-other").items()


def test_05_add_tags(session: Session, key: str) -> None:
    assert sorted(session.server.get("experiment/tags", experimentKey=key)["tags"]) == ["t1", "t2", "t3"]


def test_06_set_name(session: Session, key: str) -> None:
    assert session.server.get("experiment/metadata", experimentKey=key)["experimentName"] == "my run"


@pytest.mark.parametrize(
    ("row", "name", "kind", "expected"),
    [
        ("07-log_asset", "x/a.txt", "asset", b"hello world"),
        ("07-log_asset", "z.json", "asset", b'{"a":1}'),
        ("07-log_asset", "folder/deep/one.txt", "asset", b"1"),
        ("07-log_asset", "folder/two.txt", "asset", b"2"),
        ("07-log_asset", "again.bin", "asset", WEIGHTS),
        ("09-log_image", "red.png", "image", b"\x89PNG"),
        ("09-log_image", "grid", "image", b"\x89PNG"),
        ("12-log_confusion_matrix", "confusion-matrix.json", "confusion-matrix", b'{"version":'),
        ("13-log_table", "t.csv", "asset", b"a,b\n1,2\n3,4"),
        ("14-log_curve", "roc", "curve", b'{"x":[0,1],"y":[0,1],"name":"roc"}'),
        ("15-log_histogram_3d", "h", "histogram3d", b'{"'),
        ("16-log_audio_video", "a.wav", "audio", b"RIFF"),
        ("16-log_audio_video", "v.mp4", "video", b"not really"),
        ("17-log_model", "w.bin", "model-element", WEIGHTS),
        ("19-log_code", "c.py", "source_code", b"print(1)"),
        ("24-notebook_embedding", "n.ipynb", "notebook", b'{"cells": []}'),
    ],
)
def test_files(session: Session, key: str, assets: Assets, row: str, name: str, kind: str, expected: bytes) -> None:
    session.value(row)
    asset = assets[name]
    got = content(session, key, asset)
    squeezed = json.dumps(json.loads(got), separators=(",", ":")).encode() if kind == "curve" else got
    assert (asset["type"], asset["remote"]) == (kind, False)
    assert squeezed.replace(b"\r\n", b"\n").replace(b'": 1', b'":1').startswith(expected)
    assert asset["fileSize"] == len(got)


def test_07_metadata_and_steps_of_files(session: Session, assets: Assets) -> None:
    assert (json.loads(assets["x/a.txt"]["metadata"]), assets["x/a.txt"]["step"]) == ({"k": 1}, 3)
    returned = session.value("07-log_asset")[0]
    assert returned["assetId"] == assets["x/a.txt"]["assetId"]
    read = session.server.session.get(returned["api"], headers={"Authorization": session.server.api_key}, timeout=10)
    assert read.content == b"hello world"


def test_08_log_remote_asset(session: Session, assets: Assets) -> None:
    session.value("08-log_remote_asset")
    asset = assets["linked.bin"]
    assert (asset["remote"], asset["link"]) == (True, "s3://bucket/linked.bin")
    assert json.loads(asset["metadata"]) == {"r": 1}


def test_10_log_text(session: Session, key: str, assets: Assets) -> None:
    (text,) = [asset for asset in assets.values() if asset["type"] == "text-sample"]
    assert (content(session, key, text), json.loads(text["metadata"]), text["step"]) == (b"some text", {"t": 1}, 1)


def test_11_log_html(session: Session, key: str) -> None:
    assert session.server.get("experiment/html", experimentKey=key)["html"] == "<i>new</i>"


def test_12_the_matrix_counts(session: Session, key: str, assets: Assets) -> None:
    assert json.loads(content(session, key, assets["confusion-matrix.json"]))["matrix"] == [[1, 0], [1, 1]]


def test_17_log_model(session: Session, key: str) -> None:
    models = session.server.get("experiment/model", experimentKey=key)["models"]
    assert {"mymodel", "far"} == {model["modelName"] for model in models}
    path = "api/rest/v2/experiment/model/download"
    got = session.server.call("GET", path, params={"experimentKey": key, "modelName": "mymodel"})
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        assert archive.read("w.bin") == WEIGHTS


def test_18_set_model_graph(session: Session, key: str) -> None:
    assert session.server.get("experiment/graph", experimentKey=key)["graph"] == '{"nodes":[]}'


def test_20_log_system_info(session: Session, key: str) -> None:
    details = session.server.get("experiment/system-details", experimentKey=key)
    assert {"key": "cuda", "value": "12"} in details["logAdditionalSystemInfoList"]
    assert session.server.get("experiment/metadata", experimentKey=key)["fileName"] == "foo.py"


def test_21_log_points_3d(session: Session, key: str, assets: Assets) -> None:
    session.value("21-log_points_3d")
    scene = next(asset for asset in assets.values() if asset["type"] == "3d-image")
    assert scene["fileName"] == "scene"


def test_22_register_model(session: Session, key: str) -> None:
    session.value("22-register_model")
    item = session.server.get("registry-model/item/details", workspaceName="sdk", modelName="mymodel", version="1.0.0")
    assert (item["experimentModel"]["experimentKey"], item["status"], item["tags"]) == (key, "Production", ["tag"])
    assert item["comment"] == "c"


def test_23_log_remote_model(session: Session, key: str) -> None:
    session.value("23-log_remote_model")
    assets = session.server.get("experiment/model/asset/list", experimentKey=key, modelName="far")["assets"]
    assert [(asset["link"], asset["remote"]) for asset in assets] == [("s3://bucket/far.bin", True)]


def test_24_the_embedding_names_its_vectors(session: Session, key: str, assets: Assets) -> None:
    (projector,) = [asset for asset in assets.values() if asset["type"] == "embeddings"]
    (embedding,) = json.loads(content(session, key, projector))["embeddings"]
    assert embedding["tensorShape"] == [2, 2]
    vectors = next(asset for name, asset in assets.items() if name.startswith("vectors-"))
    assert content(session, key, vectors).split() == [b"1", b"2", b"3", b"4"]


def test_25_create_symlink(session: Session, key: str) -> None:
    listed = session.server.get("experiments", workspaceName="sdk", projectName="linked")["experiments"]
    assert [experiment["experimentKey"] for experiment in listed] == [key]


def test_26_send_notification(session: Session) -> None:
    session.value("26-send_notification")


def test_28_log_artifact(session: Session, key: str) -> None:
    assert session.value("28-log_artifact") == ["sdk", "art1", "1.2.0", ["al"], "frozenset({'vt'})"]
    read = session.server.get("artifacts/version", workspace="sdk", artifactName="art1", version="1.2.0")
    assert (read["experimentKey"], json.loads(read["metadata"]), read["sizeInBytes"]) == (key, {"m": 1}, 75)


def test_28_our_client_gets_the_artifact(session: Session, key: str, tmp_path: Path) -> None:
    found = API(session.server.api_key, url=session.server.url).get_artifact("sdk", "art1", version="1.2.0")
    assert (found.artifact_type, found.metadata, found.source_experiment_key) == ("dataset", {"m": 1}, key)
    artifact = found.download(str(tmp_path))
    assert {asset.logical_path: (asset.metadata, asset.link) for asset in artifact.assets} == {
        "d/a.txt": ({"f": 1}, None),
        "mdl/w.bin": (None, None),
        "remote.bin": ({"far": True}, "http://127.0.0.1/remote.bin"),
    }
    assert (tmp_path / "d" / "a.txt").read_text() == "hello world"
    assert (tmp_path / "mdl" / "w.bin").read_bytes() == WEIGHTS


def test_29_get_artifact(session: Session, key: str) -> None:
    read = session.value("29-get_artifact")
    assert read["assets"] == [
        ["d/a.txt", False, 11, {"f": 1}, None],
        ["mdl/w.bin", False, 64, None, None],
        ["remote.bin", True, 0, {"far": True}, "http://127.0.0.1/remote.bin"],
    ]
    assert (read["metadata"], read["size"], read["producer"], read["again"]) == ({"m": 1}, 75, key, "1.3.0")
    assert (read["a.txt"], bytes(read["w.bin"])) == ("hello world", WEIGHTS)
    first = session.server.get("artifacts/version", workspace="sdk", artifactName="art1", version="1.2.0")
    assert (sorted(first["alias"]), first["tags"], first["artifact"]["tags"]) == (["x", "y"], ["vt2"], ["at"])
    files = session.server.get("artifacts/version/files", workspace="sdk", artifactName="art1", version="1.3.0")[
        "files"
    ]
    assert sorted(file["fileName"] for file in files) == ["d/a.txt", "mdl/w.bin", "remote.bin"]


def test_30_output(session: Session, key: str) -> None:
    output = session.server.get("experiment/output", experimentKey=key)["output"]
    assert "one line\n" in output
    assert "and another 2\n" in output


def test_32_end(session: Session, key: str) -> None:
    session.value("32-end")
    meta = session.server.get("experiment/metadata", experimentKey=key)
    assert (meta["running"], meta["hasCrashed"]) == (False, False)
    assert meta["durationMillis"] == meta["endTimeMillis"] - meta["startTimeMillis"]


def test_61_an_experiment_is_joined(session: Session, key: str) -> None:
    session.value("60-ExistingExperiment")
    read = session.value("61-Existing.log get")
    assert read == {"metric": 1 / 25, "parameter": 0.1, "other": "hi", "tags": ["t1", "t2", "t3"]}
    session.value("62-Existing.end")
    assert series(session, key, "later") == [("0.1", 9, None, None)]
    assert values(session, key, "parameters")["p2"] == "3"
    assert values(session, key, "log-other")["o2"] == "4"


def test_63_steps_are_copied(session: Session, key: str) -> None:
    session.value("63-step_copy")
    (copied,) = session.value("63b-end")
    assert copied != key
    assert [row[:2] for row in series(session, copied, "loss")] == [("1.0", 0), ("0.5", 1)]
    assert values(session, copied, "parameters")["opt"] == "adam"


@pytest.mark.parametrize(
    ("row", "kind"),
    [("64", "Experiment"), ("65", "ExistingExperiment"), ("66", "ExistingExperiment"), ("67", "Experiment")],
)
def test_start(session: Session, row: str, kind: str) -> None:
    key, made, alive = session.value(f"{row}-key")
    session.value(f"{row}b-end")
    assert (made, alive) == (kind, True)
    assert key == ("k" * 32 if row == "67" else session.value("64-key")[0])
    assert series(session, key, f"by {row}") == [("1.0", 1, None, None)]
    meta = session.server.get("experiment/metadata", experimentKey=key)
    assert (meta["projectName"], meta["running"]) == ("started", False)
    if row == "64":
        assert meta["experimentName"] == "st"
        assert session.server.get("experiment/tags", experimentKey=key)["tags"] == ["g"]
