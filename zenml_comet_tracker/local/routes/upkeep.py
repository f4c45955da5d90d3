"""What the owner asks of a running server to look after its data. Beside Comet's protocol, under `local`."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall
from zenml_comet_tracker.local.store import garbage

local = APIRouter()


@local.post("/gc")
def collect_garbage(call: JsonCall) -> Response:
    """Frees what nothing needs; answers how much that was."""
    return answer(asdict(garbage.collect(call.store, rebuild=False)))
