"""Functions that Comet's page would call in a running experiment: nobody calls any here, so none ever waits."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.store import experiments

clientlib = APIRouter()


@clientlib.post("/rpc/register-rpc")
def register(call: JsonCall) -> Response:
    """Takes note of nothing: the SDK registers functions of its own in every experiment that has one."""
    return call.write(lambda target: None, quiet=True)


@clientlib.get("/rpc/get-pending-rpcs")
def pending(call: QueryCall) -> Response:
    """No calls."""
    with call.store.read() as connection:
        experiments.require(connection, call.fields.text("experimentKey"))
    return answer({"remoteProcedureCalls": []})


@clientlib.post("/rpc/save-rpc-result")
def save_result() -> Response:
    """Nothing: nobody waits for a result."""
    return done()
