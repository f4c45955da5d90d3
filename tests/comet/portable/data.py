"""A project with one of everything, made by plain requests."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.fixtures.local_server import LocalServer, begin

WORKSPACE, PROJECT = "lab", "birds & bees"
START = 1_790_000_000_000


def upload(
    server: LocalServer, path: str, data: bytes | None, *, link: str = "", metadata: Any = None, **query: Any
) -> None:
    """One multipart request, of a file or of a link."""
    parts = {"file": (str(query.get("fileName", "file")), data)} if data is not None else {"link": (None, link)}
    more = {} if metadata is None else {"metadata": (None, json.dumps(metadata))}
    query.setdefault("assetId", uuid.uuid4().hex)
    answered = server.call("POST", path, params=query, files={**parts, **more})
    assert answered.status_code == 200, answered.text


def fill(server: LocalServer, workspace: str = WORKSPACE, project: str = PROJECT) -> list[str]:
    """The keys of three experiments: one with everything, one archived that failed, one with next to nothing."""
    server.post("write/project/create", workspaceName=workspace, projectName=project, projectDescription="Of wings. ✈")
    found = server.get("project", workspaceName=workspace, projectName=project)
    server.post("write/project/notes", projectId=found["projectId"], notes="First line\nsecond, without an end")
    rich, failed, bare = (
        begin(server, teamName=workspace, projectName=project, local_timestamp=START + 1000 * number)
        for number in range(3)
    )
    _log_values(server, rich)
    _log_texts(server, rich)
    _log_files(server, rich)
    _make_artifacts(server, rich, failed)
    _register(server, rich)
    server.post("write/experiment/log-other", experimentKey=failed, key="Name", value="the one that failed")
    server.post(
        "write/experiment/update-status", experimentKey=failed, isAlive=False, hasCrashed=True, error="Boom\n at 3"
    )
    server.get("write/experiment/archive", experimentKey=failed)
    for number, key in enumerate((rich, failed, bare)):
        if key != failed:
            how = "stopped" if key == bare else None
            server.post(
                "write/experiment/update-status", experimentKey=key, isAlive=False, hasCrashed=False, endedAs=how
            )
        times = {"startTimeMillis": START + 1000 * number, "endTimeMillis": START + 90_000 + number}
        server.post("write/experiment/set-start-end-time", experimentKey=key, **times)
    other = begin(server, teamName=workspace, projectName="guests", local_timestamp=START)
    server.post("write/experiment/update-status", experimentKey=other, isAlive=False, hasCrashed=False)
    server.get("write/project/symlink", experimentKey=other, projectName=project)
    server.get("write/project/symlink", experimentKey=rich, projectName="elsewhere")
    return [rich, failed, bare]


def _log_values(server: LocalServer, key: str) -> None:
    points = [
        {"metricName": "loss", "metricValue": 1 / (step + 3), "step": step, "timestamp": START + step}
        for step in range(1_300)
    ]
    points += [
        {"metricName": "loss", "metricValue": 0.25, "step": 7, "epoch": 2, "context": "train", "timestamp": START},
        {"metricName": "odd", "metricValue": "NaN", "timestamp": START},
        {"metricName": "odd", "metricValue": "-Infinity", "epoch": 0.5, "timestamp": START + 1},
        {"metricName": "odd", "metricValue": 1e-320, "step": -4, "timestamp": START + 2},
        # Spelled alike in names of files.
        {"metricName": "a/b", "metricValue": 1, "timestamp": START},
        {"metricName": "a b", "metricValue": 2, "timestamp": START},
        {"metricName": "sys.cpu.percent.01", "metricValue": 12.5, "timestamp": START},
    ]
    server.sdk("batch/logger/experiment/metric", experimentKey=key, values=points)
    parameters = [("lr", 0.1), ("layers", [1, 2]), ("note", "ünïcode \u2028 line"), ("big", 10**25)]
    values = [{"parameterName": n, "parameterValue": v, "timestamp": START + 5} for n, v in parameters]
    server.sdk("batch/logger/experiment/parameter", experimentKey=key, values=values)
    for name, value in {"Name": "the rich one", "count": 3, "empty": ""}.items():
        server.post("write/experiment/log-other", experimentKey=key, key=name, value=value, timestamp=START + 9)
    server.post("write/experiment/tags", experimentKey=key, addedTags=["zebra", "ant", "🦋"])
    server.post("write/experiment/file-path", experimentKey=key, filePath="/home/ada/train.py")


def _log_texts(server: LocalServer, key: str) -> None:
    server.post("write/experiment/html", experimentKey=key, html="<b>bold</b>\r\n<i>", override=True)
    server.post("write/experiment/code", experimentKey=key, code="print('hello')\n")
    server.post("write/experiment/graph", experimentKey=key, graph='{"layers": []}')
    lines = [{"offset": n, "output": text} for n, text in enumerate(["10%\r", "20%\r\n", "\n", "x" * 70_000, "no end"])]
    server.call("POST", "clientlib/rest/v2/write/experiment/output", json={"experimentKey": key, "outputLines": lines})
    server.post("write/experiment/git/metadata", experimentKey=key, user="ann", branch="main", parent="abc123")
    details = {
        "user": "ann",
        "pid": 7,
        "command": ["train.py", "--x"],
        "installedPackages": ["a==1"],
        "env": {"A": "1"},
    }
    added = [{"key": "rack", "value": "7"}]
    server.post("write/experiment/system-details", experimentKey=key, logAdditionalSystemInfoList=added, **details)


def _log_files(server: LocalServer, key: str) -> None:
    place = {"experimentId": key}
    upload(server, "clientlib/asset/upload", b"\x00\xff" * 99, fileName="../../escape.bin", **place)
    upload(
        server, "clientlib/asset/upload", b"", fileName="empty", metadata={"a": [1]}, step=3, context="train", **place
    )
    upload(server, "clientlib/asset/upload", b"one", fileName="same.txt", type="text-sample", **place)
    upload(server, "clientlib/asset/upload", b"two", fileName="same.txt", type="text-sample", **place)
    upload(server, "clientlib/asset/upload", b"x" * 300_000, fileName="server.jsonl", **place)
    upload(server, "clientlib/asset/upload", None, link="s3://bucket/data.parquet", fileName="data.parquet", **place)
    upload(server, "clientlib/git-patch/upload", b"diff --git", fileName="patch.diff", **place)
    image = {"imageId": uuid.uuid4().hex, "figName": "cat.png", "step": 4}
    answered = server.call(
        "POST", "clientlib/visualizations/upload", params={**place, **image}, files={"file": ("cat.png", b"\x89PNG")}
    )
    assert answered.status_code == 200
    model = {"type": "model-element", "groupingName": "net"}
    upload(server, "clientlib/asset/upload", b"weights", fileName="sub/weights.pt", **model, **place)
    remote = [{"assetId": uuid.uuid4().hex, "fileName": "big.pt", "remoteUrl": "s3://bucket/big.pt"}]
    server.sdk("asset/log-remote-model", experimentKey=key, modelName="net", remoteEntities=remote)
    scene = server.sdk("asset", experimentKey=key, userFileName="scene", assetType="3d-image", metadata="{}")["assetId"]
    item = {"experimentKey": key, "assetId": scene, "userFileName": "p.json", "assetItemType": "points"}
    answered = server.call(
        "POST", "clientlib/asset/asset-item", params=item, files={"assetItemContent": ("p.json", b"[]")}
    )
    assert answered.status_code == 200


def _make_artifacts(server: LocalServer, maker: str, reader: str) -> None:
    for number, state in (("1.0.0", "CLOSED"), ("1.1.0", "CLOSED"), ("2.0.0", "ERROR")):
        made = server.post(
            "write/artifacts/upsert",
            experimentKey=maker,
            artifactName="bird songs",
            artifactType="dataset",
            version=number,
            alias=["best", number[0]],
            versionTags=["t"],
            versionMetadata='{"n": 1}',
        )
        version = {"artifactVersionId": made["artifactVersionId"]}
        place = {"experimentId": maker, **version}
        upload(
            server,
            "clientlib/asset/upload",
            f"song {number}".encode(),
            fileName="a/song.wav",
            metadata={"s": 1},
            **place,
        )
        remote = {"link": "s3://bucket/x", "fileName": "x", "assetId": uuid.uuid4().hex, **version}
        server.post("write/artifact/assets/remote/batch", experimentKey=maker, remoteArtifactAssetRequests=[remote])
        server.post("write/artifacts/state", experimentKey=maker, state=state, **version)
    server.post("write/artifacts/details", artifactId=made["artifactId"], tags=["wings", "air"])
    workspace = server.get("experiment/metadata", experimentKey=maker)["workspaceName"]
    named = {"workspace": workspace, "artifactName": "bird songs", "version": "1.0.0"}
    server.get("artifacts/version", consumerExperimentKey=reader, **named)


def _register(server: LocalServer, key: str) -> None:
    workspace = server.get("experiment/metadata", experimentKey=key)["workspaceName"]
    for number in ("1.0.0", "1.2.0"):
        item = server.post(
            "write/registry-model/item/create",
            experimentKey=key,
            experimentModelName="net",
            registryModelName="wings",
            version=number,
            registryModelDescription="A model.",
            versionComment=f"no. {number}",
            tags=["prod"],
        )["registryModelItemId"]
    server.post(
        "write/registry-model/notes", workspaceName=workspace, registryModelName="wings", notes="Handle with care."
    )
    server.post(f"write/registry-model/item/{item}/metadata", metadata=[{"key": "k", "value": 1}])
    configuration = {"status": "Production", "statusConfiguration": [{"key": "a", "value": "b"}], "comment": "ok"}
    server.post(f"write/registry-model/item/{item}/status-configuration", isReviewRequired=False, **configuration)
