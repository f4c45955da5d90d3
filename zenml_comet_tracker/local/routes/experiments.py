"""Experiments as a whole: made, listed, described, archived; and their file path."""

from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JOURNAL_LANES, Call, JsonCall, QueryCall, experiment_url
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.projects import find as find_project
from zenml_comet_tracker.local.store import experiments, facts, projects, status
from zenml_comet_tracker.local.store.experiments import Listing, NewExperiment
from zenml_comet_tracker.local.store.projects import DEFAULT_PROJECT, DEFAULT_WORKSPACE

rest = APIRouter()


@rest.post("/write/experiment/create")
def create(call: JsonCall) -> Response:
    """A new experiment under a key of the server's; it does not run until it reports that it does."""
    fields = call.fields
    workspace = fields.workspace("workspaceName", DEFAULT_WORKSPACE)
    project = fields.project("projectName", DEFAULT_PROJECT)
    name = fields.optional_text("experimentName")
    with call.store.write() as transaction:
        project_id = projects.ensure(transaction, workspace, project)
        new = NewExperiment(uuid.uuid4().hex, project_id, running=False, user_name=DEFAULT_WORKSPACE)
        row = experiments.create(transaction, new)
        if name:
            facts.add_other(transaction, row.id, facts.NAME, name, transaction.now_millis)
    return answer(
        {
            "experimentKey": row.key,
            "link": experiment_url(call.root, workspace, project, row.key),
            "workspaceName": workspace,
            "projectName": project,
        }
    )


@rest.get("/experiments")
def of_project(call: QueryCall) -> Response:
    """The experiments of a project: `archived`, `page` (from 1), `size`, `sortBy` startTime/endTime, `sortOrder`."""
    with call.store.read() as connection:
        project = find_project(connection, call.fields)
        rows = experiments.of_project(connection, project.id, _listing(call.fields))
    now = call.store.clock()
    return answer({"experiments": [_meta(row, now) for row in rows]})


@rest.get("/experiment/metadata")
def metadata(call: QueryCall) -> Response:
    """What an experiment is and how it stands; one that fell silent is not running and has crashed."""
    with call.store.read() as connection:
        row = experiments.require(connection, call.fields.text("experimentKey"))
    return answer({**_meta(row, call.store.clock()), "journalLanes": JOURNAL_LANES})


@rest.get("/write/experiment/archive")
def archive(call: QueryCall) -> Response:
    """Puts an experiment aside."""
    return _set_archived(call, True)


@rest.get("/write/experiment/restore")
def restore(call: QueryCall) -> Response:
    """Takes an archived experiment back."""
    return _set_archived(call, False)


@rest.post("/write/experiment/file-path")
def file_path(call: JsonCall) -> Response:
    """Sets the path of the program that runs."""
    path = call.fields.text("filePath")
    return call.write(lambda target: experiments.change(target.transaction, target.experiment.id, file_path=path))


def _set_archived(call: Call, archived: bool) -> Response:
    return call.write(lambda target: experiments.change(target.transaction, target.experiment.id, archived=archived))


def _listing(fields: Fields) -> Listing:
    sort_by = fields.optional_text("sortBy") or "startTime"
    if sort_by not in ("startTime", "endTime"):
        raise fields.error("sortBy", "startTime or endTime")
    order = (fields.optional_text("sortOrder") or "desc").lower()
    if order not in ("asc", "desc"):
        raise fields.error("sortOrder", "asc or desc")
    page, size = fields.count("page"), fields.count("size")
    return Listing(
        archived=fields.flag("archived"),
        by_end=sort_by == "endTime",
        descending=order == "desc",
        page=page or 1,
        # Comet's page size where a page is asked for without one.
        size=100 if page is not None and size is None else size,
    )


def _meta(row: Any, now_millis: int) -> dict[str, Any]:
    state = status.of(row, now_millis)
    end = status.end_millis(row, now_millis)
    return {
        "experimentKey": row.key,
        "experimentName": row.name,
        "optimizationId": None,
        "userName": row.user_name,
        "projectId": row.project_id,
        "projectName": row.project_name,
        "workspaceName": row.workspace,
        "filePath": row.file_path,
        "fileName": PurePath(row.file_path).name if row.file_path else None,
        "durationMillis": max(0, end - row.start_millis),
        "startTimeMillis": row.start_millis,
        "endTimeMillis": end,
        "archived": row.archived,
        "running": state == "running",
        "hasCrashed": state in ("failed", "lost"),
        "error": row.error,
        "throttle": False,
        "throttleMessage": None,
        "throttleReasons": [],
    }
