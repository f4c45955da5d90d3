"""Where the code comes from: git metadata, and the patch of what was not committed."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes import assets as asset_routes
from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import Change, JsonCall, QueryCall, UploadCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import assets, documents, experiments
from zenml_comet_tracker.local.store.assets import GIT_PATCH

rest = APIRouter()
clientlib = APIRouter()

_GIT = ("user", "root", "branch", "parent", "origin")


@rest.post("/write/experiment/git/metadata")
def set_git(call: JsonCall) -> Response:
    """Sets where the code comes from, in place of what was set before."""
    return call.write(setting(call.fields))


def setting(fields: Fields) -> Change:
    """What `set_git` does with these fields."""
    git = {name: fields.optional_text(name) for name in _GIT}
    return lambda target: documents.put_json(target.transaction, target.experiment.id, "git", git)


@rest.get("/experiment/git/metadata")
def git(call: QueryCall) -> Response:
    """Where the code comes from; nulls where nothing was logged."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        known = documents.get_json(connection, experiment.id, "git")
    return answer({name: known.get(name) for name in _GIT})


@rest.post("/write/experiment/git/patch")
def set_patch(call: UploadCall) -> Response:
    """Stores the changes that were not committed: a diff, or a zip that holds one. The latest counts."""
    return asset_routes.store(call, "experimentKey", GIT_PATCH)


@clientlib.post("/git-patch/upload")
def upload_patch(call: UploadCall) -> Response:
    """As `set_patch`, for the experiment `experimentId` under the SDK's `assetId`."""
    return asset_routes.store(call, "experimentId", GIT_PATCH)


@rest.get("/experiment/git/patch")
def patch(call: QueryCall) -> Response:
    """The bytes of the latest patch. Where there is none, a message with status 200, by which clients know it."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        patches = assets.of_experiment(connection, experiment.id, asset_type=GIT_PATCH)
    if not patches:
        return answer({"msg": "The experiment has no git patch.", "code": 200, "data": None, "sdk_error_code": 0})
    return asset_routes.download(call.store.files, patches[-1])
