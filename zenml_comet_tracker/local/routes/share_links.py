"""Share links of projects. They are kept and given back; nobody is let in by one, who has no key of this server."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import QueryCall
from zenml_comet_tracker.local.store import projects, share_links

rest = APIRouter()


@rest.get("/project/get-project-share-links")
def of_project(call: QueryCall) -> Response:
    """The codes of the share links of the project `projectId`."""
    with call.store.read() as connection:
        project = projects.require(connection, call.fields.text("projectId"))
        return answer({"shareCodes": share_links.of_project(connection, project.id)})


@rest.get("/write/project/add-share-link")
def create(call: QueryCall) -> Response:
    """The code of a new share link of the project `projectId`."""
    with call.store.write() as transaction:
        project = projects.require(transaction.connection, call.fields.text("projectId"))
        return answer({"shareCode": share_links.create(transaction, project.id)})


@rest.get("/write/project/delete-project-share-link")
def remove(call: QueryCall) -> Response:
    """Takes the share link `shareCode` of the project `projectId` back."""
    code = call.fields.text("shareCode")
    with call.store.write() as transaction:
        project = projects.require(transaction.connection, call.fields.text("projectId"))
        share_links.remove(transaction, project.id, code)
    return done()
