"""Saved views and chart templates of Comet's own pages, of which the local Comet keeps none."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, refused
from zenml_comet_tracker.local.routes.calls import QueryCall
from zenml_comet_tracker.local.store import projects

rest = APIRouter()


@rest.get("/views/get-all")
@rest.get("/views/chart-templates")
def of_project(call: QueryCall) -> Response:
    """The views of the project `projectId`: none."""
    with call.store.read() as connection:
        projects.require(connection, call.fields.text("projectId"))
    return answer({"views": []})


@rest.post("/write/views/upsert")
@rest.post("/write/chart-templates/upsert")
def upsert() -> Response:
    """Refused: a view that was kept and never shown would be lost without a word."""
    return refused("The local Comet keeps no views and no chart templates.", 501)
