"""Everything that an experiment can hold, logged with bare requests."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from tests.fixtures.local_server import LocalServer, begin

MILLIS = 1_790_000_000_000
CURVE = {"x": [0.0, 0.5, 1.0], "y": [0.0, 0.75, 1.0], "name": "roc"}
DIFF = "diff --git a/train.py b/train.py\n+größe = 3\n"


def log_everything(server: LocalServer, key: str) -> None:
    """Logs values of all kinds: odd names, NaN, contexts, files of several types and of one name, a model."""
    own = {"experimentKey": key}
    _values(server, own)
    _texts(server, own)
    _system(server, own)
    _files(server, key)
    _artifacts(server, key)


def _values(server: LocalServer, own: dict[str, str]) -> None:
    for index, value in enumerate((0.5, "NaN", 0.25, "Infinity", 10)):
        at = {"step": index * 10, "epoch": index, "timestamp": MILLIS + index * 1_000}
        server.post("write/experiment/metric", **own, metricName="loss", metricValue=value, **at)
    server.post("write/experiment/metric", **own, metricName="loss", metricValue=3, context="train")
    for name in ("größe 🚀", "a/b", "a_b", "x" * 300, "only nan"):
        value = "NaN" if name == "only nan" else 1
        server.post("write/experiment/metric", **own, metricName=name, metricValue=value, timestamp=MILLIS)
    for name, value in (("lr", 0.1), ("layers", [1, 2]), ("größe", "ü"), ("none", None), ("nested|x", True)):
        server.post("write/experiment/parameter", **own, parameterName=name, parameterValue=value or "")
    for name, value in (("Name", "Größe 🚀"), ("note", "long " * 400), ("number", 5)):
        server.post("write/experiment/log-other", **own, key=name, value=value)
    server.post("write/experiment/tags", **own, addedTags=["best", "größe 🚀"])


def _texts(server: LocalServer, own: dict[str, str]) -> None:
    server.post("write/experiment/html", **own, html="<b>größe</b>", override=False, timestamp=MILLIS)
    server.post("write/experiment/code", **own, code="import comet_ml\nprint('ü')\n")
    server.post("write/experiment/graph", **own, graph='{"class_name": "Sequential"}')
    lines = [{"output": f"line {number} ü", "offset": number} for number in range(3)]
    server.post("write/experiment/output", **own, outputLines=lines)
    git = {"user": "me", "root": "0" * 40, "branch": "refs/heads/main", "parent": "1" * 40, "origin": None}
    server.post("write/experiment/git/metadata", **own, **git)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("git_diff.patch", DIFF)
    patch = {"file": ("git_diff.patch.zip", zipped.getvalue())}
    assert server.call("POST", "api/rest/v2/write/experiment/git/patch", params=own, files=patch).ok


def _system(server: LocalServer, own: dict[str, str]) -> None:
    gpu = {"gpuIndex": 0, "name": "GeForce", "uuid": "GPU-1", "totalMemory": 2_090_074_112, "powerLimit": 110_000}
    details: dict[str, Any] = {
        "user": "me", "pythonVersion": "3.11.2", "pythonVersionVerbose": "3.11.2 (main)", "pid": 7, "osType": "Linux",
        "os": "Linux-6.1", "osRelease": "6.1", "machine": "x86_64", "processor": "x86", "ip": "10.0.0.7",
        "hostname": "box", "networkInterfaceIps": ["127.0.0.1", "10.0.0.7"], "command": ["train.py", "--größe", "3"],
        "executable": "/usr/bin/python3", "gpuStaticInfoList": [gpu], "installedPackages": ["a==1", "b==2"],
        "osPackages": ["libc=2"], "logAdditionalSystemInfoList": [{"key": "rack", "value": "7"}],
    }  # fmt: skip
    server.post("write/experiment/system-details", **own, **details)
    server.post("write/experiment/ram-metrics", **own, totalRam=1_024, usedRam=865, timestamp=MILLIS)
    server.post("write/experiment/cpu-metrics", **own, cpuPercentUtilization=[25, 50], timestamp=MILLIS)
    server.post("write/experiment/file-path", **own, filePath="/src/train.py")


def _files(server: LocalServer, key: str) -> None:
    upload(server, key, "größe 🚀.json", b'{"a": [1, NaN]}', step="3", context="train", metadata='{"k":1}')
    upload(server, key, "twice.txt", b"first")
    upload(server, key, "twice.txt", "second ü".encode())
    upload(server, key, "picture.png", b"\x89PNG", type="image")
    for step, name in ((None, "roc"), ("4", "roc 2")):
        upload(server, key, name, json.dumps({**CURVE, "name": name}).encode(), type="curve", step=step)
    for name in ("weights.bin", "sub/größe.bin"):
        upload(server, key, name, name.encode(), type="model-element", groupingName="mödel")
    for name in ("events.1", "run/events.2"):
        upload(server, key, name, name.encode(), type="tensorflow-file")


def _artifacts(server: LocalServer, key: str) -> None:
    for artifact in ("made", "used"):
        names = {"artifactName": artifact, "artifactType": "dataset", "alias": [], "versionTags": []}
        owner = key if artifact == "made" else begin(server)
        version = server.post("write/artifacts/upsert", experimentKey=owner, **names)["artifactVersionId"]
        said = {"experimentKey": owner, "artifactVersionId": version, "state": "CLOSED"}
        server.post("write/artifacts/state", **said)
        if artifact == "used":
            server.get("artifacts/version", versionId=version, consumerExperimentKey=key)


def upload(server: LocalServer, key: str, name: str, content: bytes, metadata: str | None = None, **more: Any) -> str:
    """The id of a file uploaded past both clients."""
    params = {"experimentKey": key, "fileName": name, **{field: value for field, value in more.items() if value}}
    parts: dict[str, Any] = {"file": ("part", content)}
    if metadata is not None:
        parts["metadata"] = (None, metadata)
    answered = server.call("POST", "api/rest/v2/write/experiment/upload-asset", params=params, files=parts)
    assert answered.ok, answered.text
    return str(answered.json()["assetId"])
