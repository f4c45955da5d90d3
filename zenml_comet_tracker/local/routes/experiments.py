"""Experiments as a whole: made, described, stopped, archived; and their file path."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import JOURNAL_LANES, Call, Change, JsonCall, QueryCall, experiment_url
from zenml_comet_tracker.local.routes.descriptions import describe
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import deletion, experiments, facts, projects, standing, status
from zenml_comet_tracker.local.store.experiments import NewExperiment
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


@rest.get("/experiment/metadata")
def metadata(call: QueryCall) -> Response:
    """What an experiment is and how it stands; one that fell silent is not running and has crashed."""
    with call.store.read() as connection:
        row = standing.require(connection, call.fields.text("experimentKey"), call.store.clock())
    return answer({**describe(row), "journalLanes": JOURNAL_LANES})


@rest.get("/write/experiment/archive")
def archive(call: QueryCall) -> Response:
    """Puts an experiment aside."""
    return _set_archived(call, True)


@rest.get("/write/experiment/restore")
def restore(call: QueryCall) -> Response:
    """Takes an archived experiment back."""
    return _set_archived(call, False)


@rest.get("/write/experiment/stop")
def stop(call: QueryCall) -> Response:
    """Says that an experiment runs no more; it runs again when its program says that it does."""
    return call.write(lambda target: status.stop(target.transaction, target.experiment), quiet=True)


@rest.get("/write/experiment/delete")
def delete(call: QueryCall) -> Response:
    """Deletes an experiment for good; the files of its artifact versions and registered models stay."""
    deletion.delete_experiment(call.store, call.fields.text("experimentKey"))
    return done()


@rest.post("/write/experiment/file-path")
def file_path(call: JsonCall) -> Response:
    """Sets the path of the program that runs."""
    return call.write(setting_file_path(call.fields))


def setting_file_path(fields: Fields) -> Change:
    """What `file_path` does with these fields."""
    path = fields.text("filePath")
    return lambda target: experiments.change(target.transaction, target.experiment.id, file_path=path)


def _set_archived(call: Call, archived: bool) -> Response:
    return call.write(lambda target: experiments.change(target.transaction, target.experiment.id, archived=archived))
