"""How a live experiment begins: new, joined or copied; and what the SDK asks right after."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import (
    EXPERIMENT_EXISTS,
    UNKNOWN_EXPERIMENT,
    RequestError,
    answer,
)
from zenml_comet_tracker.local.routes.calls import FACTS_AT_ONCE, JOURNAL_LANES, Call, JsonCall, experiment_url
from zenml_comet_tracker.local.store import copies, documents, experiments, projects
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.projects import DEFAULT_PROJECT, DEFAULT_WORKSPACE

clientlib = APIRouter()

# Limits that the SDK applies before it sends. The disk is the local server's own limit.
_UPLOAD_MEGABYTES = 100_000


@clientlib.post("/logger/add/run")
def add_run(call: JsonCall) -> Response:
    """A new experiment under the client's key, in a project that is made when missing.

    A key in use is refused with 90999, or joined when `getOrCreateEnabled` is set.
    """
    fields = call.fields
    key = fields.experiment_key()
    workspace = fields.workspace("teamName", DEFAULT_WORKSPACE)
    project = fields.project("projectName", DEFAULT_PROJECT)
    start = fields.moment("local_timestamp")
    with call.store.write() as transaction:
        row = experiments.find(transaction.connection, key)
        if row is not None and not fields.flag("getOrCreateEnabled"):
            raise _exists(key)
        if row is None:
            project_id = projects.ensure(transaction, workspace, project)
            new = NewExperiment(key, project_id, running=True, start_millis=start, user_name=DEFAULT_WORKSPACE)
            row = experiments.create(transaction, new)
        else:
            _note_guest(call, transaction, row)
        return answer(_handshake(call, transaction.connection, row))


@clientlib.post("/logger/get/run")
def get_run(call: JsonCall) -> Response:
    """The handshake of an experiment that exists. Its status stays: joining is not yet a sign of life."""
    key = call.fields.text("previousExperiment")
    with call.store.write() as transaction:
        row = experiments.find(transaction.connection, key)
        if row is None:
            raise _unknown(key)
        _note_guest(call, transaction, row)
        return answer(_handshake(call, transaction.connection, row))


@clientlib.post("/logger/copy-steps-from-experiment")
def copy_steps(call: JsonCall) -> Response:
    """A new experiment `newExperimentKey` that goes on from `copiedExperimentKey` as it was at `stepToCopyTo`."""
    fields = call.fields
    source_key, key = fields.text("copiedExperimentKey"), fields.experiment_key("newExperimentKey")
    up_to_step, start = fields.integer("stepToCopyTo"), fields.moment("localTimestamp")
    with call.store.write() as transaction:
        source = experiments.find(transaction.connection, source_key)
        if source is None:
            raise _unknown(source_key)
        if experiments.find(transaction.connection, key) is not None:
            raise _exists(key)
        new = NewExperiment(key, source.project_id, True, source.name, start, DEFAULT_WORKSPACE)
        row = experiments.create(transaction, new)
        copies.copy(transaction.connection, source, row, up_to_step)
        return answer(_handshake(call, transaction.connection, row))


@clientlib.post("/asset/3d-limits")
def limits_3d() -> Response:
    """How large 3-D scenes may be: the SDK's own defaults."""
    return answer(
        {"maxPoints": 1_000_000, "maxPointsFileSizeInBytes": 0, "maxBoxes": 250_000, "maxBoxesFileSizeInBytes": 0}
    )


def _exists(key: str) -> RequestError:
    return RequestError(f"Experiment {key} exists already.", sdk_error_code=EXPERIMENT_EXISTS)


def _unknown(key: str) -> RequestError:
    # By 400, and not by 404, the SDK knows it in a handshake.
    return RequestError(f"There is no experiment with key {key!r}.", sdk_error_code=UNKNOWN_EXPERIMENT)


def _note_guest(call: Call, transaction: Transaction, row: Any) -> None:
    # Who names an attempt comes back to what is its own, with what was late: that lets no guest in.
    if call.attempt is None:
        experiments.change_quietly(transaction, row.id, joined_millis=transaction.now_millis)


def _handshake(call: Call, connection: Any, row: Any) -> dict[str, Any]:
    download = f"{call.root}/api/rest/v2/experiment/asset/get-asset"
    return {
        "runId": row.key,
        "project_id": row.project_id,
        "experimentKey": row.key,
        "workspaceName": row.workspace,
        "projectName": row.project_name,
        "focusUrl": experiment_url(call.root, row.workspace, row.project_name),
        "lastOffset": documents.next_output_offset(connection, row.id),
        "name": row.name,
        "githubEnabled": False,
        "upload_file_size_limit_in_mb": _UPLOAD_MEGABYTES,
        "uploadVideoMaxSizeMB": _UPLOAD_MEGABYTES,
        "asset_upload_file_size_limit_in_mb": _UPLOAD_MEGABYTES,
        "featureToggles": [],
        "cometWebAssetUrl": download,
        "cometWebImageUrl": download,
        "cometRestApiAssetUrl": download,
        "cometRestApiImageUrl": download,
        "s3DirectAccessEnabled": False,
        "journalLanes": JOURNAL_LANES,
        "factsAtOnce": FACTS_AT_ONCE,
        "attemptsApart": True,
    }
