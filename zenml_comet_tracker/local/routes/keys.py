"""Named API keys, and a new one for the owner: for the owner's own key only. Beside Comet's protocol, under `local`."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from zenml_comet_tracker.local.gate import Gate
from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.store import keys

local = APIRouter()


@local.get("/keys")
def every_key(call: QueryCall) -> Response:
    """The names and times of all keys but the owner's, never the keys."""
    with call.store.read() as connection:
        listed = [asdict(key) for key in keys.everyone(connection)]
    return answer({"keys": listed})


@local.post("/keys/add")
def add(call: JsonCall) -> Response:
    """A new key called `name`: the only answer that ever holds it."""
    name = call.fields.text("name")
    with call.store.write() as transaction:
        key = keys.add(transaction, name)
    return answer({"name": name, "apiKey": key})


@local.post("/keys/revoke")
def revoke(call: JsonCall) -> Response:
    """Ends the key called `name` at once."""
    with call.store.write() as transaction:
        keys.revoke(transaction, call.fields.text("name"))
    return done()


# Not for whoever calls all that is described, to see what happens.
@local.post("/keys/rotate", include_in_schema=False)
def rotate(request: Request, call: JsonCall) -> Response:
    """A new key for the owner, also in the data folder's file. Browsers that signed in are signed out."""
    gate: Gate = request.app.state.gate
    return answer({"apiKey": gate.rotate()})
