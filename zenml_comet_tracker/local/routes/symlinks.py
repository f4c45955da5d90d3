"""Experiments in several projects: symlinks, and moves from one project to another."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall, experiment_url
from zenml_comet_tracker.local.store import experiments, projects, symlinks
from zenml_comet_tracker.local.store.projects import DEFAULT_WORKSPACE

rest = APIRouter()
clientlib = APIRouter()

# As many as Comet's clients send at a time.
MAX_MOVED = 100


@rest.get("/write/project/symlink")
@clientlib.get("/symlink/new")
def create(call: QueryCall) -> Response:
    """Lists an experiment in the project `projectName` of its workspace too; answers its address there."""
    fields = call.fields
    name = fields.project("projectName", fields.text("projectName"))
    with call.store.write() as transaction:
        experiment = experiments.require(transaction.connection, fields.text("experimentKey"))
        symlinks.add(transaction, experiment, projects.ensure(transaction, experiment.workspace, name))
    return answer({"link": experiment_url(call.root, experiment.workspace, name, experiment.key)})


@rest.post("/write/experiment/move")
def move(call: JsonCall) -> Response:
    """Moves up to 100 experiments to another project, or lists them there too with `symlink`: all of them or none."""
    fields = call.fields
    workspace = fields.workspace("targetWorkspaceName", DEFAULT_WORKSPACE)
    name = fields.project("targetProjectName", fields.text("targetProjectName"))
    keys = fields.texts("experimentKeys")
    if len(keys) > MAX_MOVED:
        raise fields.error("experimentKeys", f"at most {MAX_MOVED} keys")
    place = symlinks.add if fields.flag("symlink") else experiments.move
    with call.store.write() as transaction:
        project_id = projects.ensure(transaction, workspace, name)
        for key in dict.fromkeys(keys):
            place(transaction, experiments.require(transaction.connection, key), project_id)
    return done()
