"""Who is asking, and which server answers."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.store.projects import DEFAULT_WORKSPACE

rest = APIRouter()
clientlib = APIRouter()

# Comet's clients switch features on by this; it is the newest backend whose calls they gate.
BACKEND_VERSION = "4.40.0"


@rest.get("/account-details")
def account_details() -> Response:
    """The one user of a local server, and the workspace that stands for none given."""
    return answer({"userName": DEFAULT_WORKSPACE, "defaultWorkspaceName": DEFAULT_WORKSPACE})


@clientlib.get("/isAlive/ver")
def version() -> Response:
    """The version of the Comet protocol that is spoken."""
    return answer({"version": BACKEND_VERSION})


@clientlib.get("/health/ping")
def ping() -> Response:
    """That the server is there; the official SDK asks every two seconds."""
    return done()


@clientlib.post("/notification/experiment")
def notification() -> Response:
    """Nothing: there is nobody to notify but the one who reads the page."""
    return done()


@clientlib.post("/notify/event")
def event() -> Response:
    """Nothing: what the SDK tells its makers of its own troubles is kept nowhere."""
    return done()
