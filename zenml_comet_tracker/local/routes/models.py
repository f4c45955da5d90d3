"""The models that an experiment logged: their names, their files, all files as one zip."""

from __future__ import annotations

import hashlib
import shutil
import uuid
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import OneTimeFile, RequestError, answer
from zenml_comet_tracker.local.routes.assets import content_path, listed
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import assets, experiments
from zenml_comet_tracker.local.store.assets import MODEL_ELEMENT, NewAsset
from zenml_comet_tracker.local.store.files import Files
from zenml_comet_tracker.local.store.store import Target

rest = APIRouter()
clientlib = APIRouter()


@rest.get("/experiment/model")
def of_experiment(call: QueryCall) -> Response:
    """The experiment's models."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        names = assets.models(connection, experiment.id)
    return answer({"models": [_model(experiment.key, name) for name in names]})


@clientlib.post("/asset/log-remote-model")
def log_remote(call: JsonCall) -> Response:
    """Stores `remoteEntities` as the files of the model `modelName`: links, which the server never opens."""
    model, now = call.fields.text("modelName"), call.store.clock()
    files = [_remote_file(fields, model, now) for fields in call.fields.objects("remoteEntities")]

    def change(target: Target) -> None:
        for file in files:
            assets.add(target.transaction, target.experiment.id, file, overwrite=False)

    return call.write(change, stores={"assets": len(files)})


@rest.get("/experiment/model/asset/list")
def files(call: QueryCall) -> Response:
    """The assets that make up the model `modelName`."""
    experiment, rows = _files(call)
    return answer({"assets": [listed(row, experiment.key, call.root) for row in rows]})


@rest.get("/experiment/model/download")
def download(call: QueryCall) -> Response:
    """The files of the model `modelName` as a zip; remote ones are left out."""
    _, rows = _files(call)
    if not rows:
        raise RequestError(f"The experiment has no model {call.fields.text('modelName')!r}.", status=404)
    return zipped(call.store.files, rows)


def zipped(files: Files, rows: Iterable[Any]) -> Response:
    """The contents of assets as one zip; remote ones are left out, and of those with one name the last one counts."""
    archive = _zip(files, rows)
    return OneTimeFile(
        archive,
        media_type="application/zip",
        headers={"Content-Disposition": "attachment; filename=model.zip"},
    )


def _remote_file(fields: Fields, model: str, now_millis: int) -> NewAsset:
    link = fields.text("remoteUrl")
    return NewAsset(
        asset_id=fields.optional_text("assetId") or uuid.uuid4().hex,
        file_name=fields.optional_text("fileName") or PurePosixPath(link.partition("?")[0]).name or link,
        type=MODEL_ELEMENT,
        dir=f"models/{model}",
        metadata=fields.optional_text("metadata"),
        grouping_name=model,
        link=link,
        created_millis=now_millis,
    )


def model_id(key: str, name: str) -> str:
    """The id of a model that the experiment `key` logged."""
    return hashlib.sha256(f"{key}/{name}".encode()).hexdigest()[:32]


def _model(key: str, name: str) -> dict[str, str]:
    return {"experimentModelId": model_id(key, name), "experimentKey": key, "modelName": name}


def _files(call: QueryCall) -> tuple[Any, Any]:
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        return experiment, assets.of_model(connection, experiment.id, call.fields.text("modelName"))


def _zip(files: Files, rows: Iterable[Any]) -> Path:
    path = files.temporary()
    try:
        # Models hardly shrink, and the way is short.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, row in {_entry(row.file_name): row for row in rows if row.sha256 is not None}.items():
                with content_path(files, row).open("rb") as source, archive.open(name, "w") as entry:
                    shutil.copyfileobj(source, entry)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _entry(file_name: str) -> str:
    """A name that stays inside the folder into which the zip is unpacked."""
    parts = [part for part in file_name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "file"
