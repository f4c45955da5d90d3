"""Assets and models, in both protocols."""

from __future__ import annotations

import io
import uuid
import zipfile
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import assets, models
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import DifferenceError
from zenml_comet_tracker.comet.verify.scratch import Scratch, same

group = Group("assets and models")

# Every byte there is, and more than is sent in one piece.
CONTENT = bytes(range(256)) * 2_000
MODEL_ELEMENT = "model-element"


@group.check("a file comes back byte by byte", "POST write/experiment/upload-asset")
def _upload(scratch: Scratch) -> None:
    asset = AssetUpload(uuid.uuid4().hex, "folder/data ✓.bin", step=3, context="train", metadata='{"a":1}')
    stored = scratch.ask(assets.write, scratch.rest, asset, "asset", io.BytesIO(CONTENT))
    _read_back(scratch, scratch.rest, str(stored or asset.asset_id), asset)
    scratch.memory["asset"] = str(stored or asset.asset_id)


@group.check("a file comes back byte by byte, under our id", "POST clientlib/asset/upload", "batch")
def _upload_batch(scratch: Scratch) -> None:
    asset = AssetUpload(uuid.uuid4().hex, "folder/data ✓.bin", "asset", step=3, context="train", metadata='{"a":1}')
    scratch.ask(assets.upload, scratch.batch, scratch.handshake("batch"), asset, io.BytesIO(CONTENT))
    _read_back(scratch, scratch.batch, asset.asset_id, asset)


@group.check("an image is one", "POST clientlib/visualizations/upload", "batch")
def _image(scratch: Scratch) -> None:
    image = AssetUpload(uuid.uuid4().hex, "dot.png", "image", step=1)
    data = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c63f8cfc0f01f00050001ff89993d1d0000000049454e44ae426082"
    )
    scratch.ask(assets.upload_image, scratch.batch, scratch.handshake("batch"), image, io.BytesIO(data))
    found = _listed(scratch, scratch.batch, image.asset_id, "image")
    same(("dot.png", 1), (found["fileName"], found.get("step")))
    same(data, scratch.ask(assets.read, scratch.batch, image.asset_id))


@group.check("an asset is found by its name", "GET experiment/asset/get-by-name")
def _by_name(scratch: Scratch) -> None:
    scratch.eventually(
        lambda: [asset["assetId"] for asset in scratch.ask(assets.named, scratch.rest, "folder/data ✓.bin")],
        lambda ids: ids == [scratch.memory["asset"]],
        "the one asset of that name",
    )


@group.check("a part of a file is sent where it is asked for", "GET experiment/asset/get-asset")
def _part(scratch: Scratch) -> None:
    begin, pieces = scratch.ask(assets.content, scratch.rest, scratch.memory["asset"], 500_000)
    same(CONTENT[begin:], b"".join(pieces))


@group.check("a link is kept as it is", "POST write/experiment/upload-asset")
def _link(scratch: Scratch) -> None:
    asset = AssetUpload(uuid.uuid4().hex, "far.bin", "asset")
    stored = scratch.ask(assets.write_link, scratch.rest, asset, "s3://bucket/far.bin")
    found = _listed(scratch, scratch.rest, str(stored or asset.asset_id))
    same((True, "s3://bucket/far.bin"), (found.get("remote"), found.get("link")))


@group.check("a link is kept as it is", "POST clientlib/asset/upload", "batch")
def _link_batch(scratch: Scratch) -> None:
    asset = AssetUpload(uuid.uuid4().hex, "far.bin", "asset")
    scratch.ask(assets.upload_link, scratch.batch, scratch.handshake("batch"), asset, "s3://bucket/far.bin")
    found = _listed(scratch, scratch.batch, asset.asset_id)
    same((True, "s3://bucket/far.bin"), (found.get("remote"), found.get("link")))


@group.check("an asset is taken away", "GET write/experiment/asset/delete")
def _delete(scratch: Scratch) -> None:
    scratch.ask(assets.delete, scratch.rest, scratch.memory["asset"])
    scratch.eventually(
        lambda: [asset["assetId"] for asset in scratch.ask(assets.of_experiment, scratch.rest)],
        lambda ids: scratch.memory["asset"] not in ids,
        "the asset not among those of the experiment",
    )


@group.check("an asset that is not there is refused", "GET experiment/asset/get-asset")
def _absent(scratch: Scratch) -> None:
    try:
        scratch.ask(assets.read, scratch.rest, uuid.uuid4().hex)
    except errors.StatusError as error:
        same(True, 400 <= error.status < 500)
    else:
        raise DifferenceError("a status of 4xx", "content")


@group.check("a model has its files, also as one zip", "GET experiment/model/download", "batch")
def _model(scratch: Scratch) -> None:
    key, handshake = scratch.batch, scratch.handshake("batch")
    for name, data in {"weights.bin": CONTENT[:999], "config.json": b"{}"}.items():
        asset = AssetUpload(uuid.uuid4().hex, name, MODEL_ELEMENT, grouping_name="net")
        scratch.ask(assets.upload, key, handshake, asset, io.BytesIO(data))
    scratch.eventually(
        lambda: [model["modelName"] for model in scratch.ask(models.of_experiment, key)],
        lambda names: names == ["net"],
        ["net"],
    )
    files = scratch.ask(models.assets, key, "net")
    same({"weights.bin", "config.json"}, {file["fileName"] for file in files})
    packed = b"".join(scratch.ask(models.download, key, "net"))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        unpacked = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    same({"weights.bin": CONTENT[:999], "config.json": b"{}"}, unpacked)


@group.check("a model's link is kept", "POST clientlib/asset/log-remote-model", "batch")
def _remote_model(scratch: Scratch) -> None:
    entity = {"assetId": uuid.uuid4().hex, "fileName": "far.pt", "remoteUrl": "s3://bucket/far.pt", "metadata": None}
    scratch.ask(models.log_remote, scratch.connection.settings.api_key, scratch.batch, "far", [entity])
    scratch.eventually(
        lambda: [file.get("link") for file in scratch.ask(models.assets, scratch.batch, "far")],
        lambda links: links == ["s3://bucket/far.pt"],
        ["s3://bucket/far.pt"],
    )


def _listed(scratch: Scratch, key: str, asset_id: str, kind: str | None = None) -> dict[str, Any]:
    found = scratch.eventually(
        lambda: {str(asset["assetId"]): asset for asset in scratch.ask(assets.of_experiment, key, kind)},
        lambda listed: asset_id in listed,
        "the asset among those of the experiment",
    )
    return found[asset_id]


def _read_back(scratch: Scratch, key: str, asset_id: str, asset: AssetUpload) -> None:
    found = _listed(scratch, key, asset_id)
    said = ("fileName", "fileSize", "step", "runContext", "metadata")
    expected = (asset.file_name, len(CONTENT), asset.step, asset.context, asset.metadata)
    same(dict(zip(said, expected, strict=True)), {name: found.get(name) for name in said})
    got = b"".join(scratch.ask(assets.download, key, asset_id))
    if got != CONTENT:
        raise DifferenceError(f"{len(CONTENT)} bytes as they were sent", f"{len(got)} bytes")
