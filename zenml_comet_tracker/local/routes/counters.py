"""How much the server did since its start, and how large its data are. Beside Comet's protocol, under `local`."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.store import sizes
from zenml_comet_tracker.local.traffic import Counters

local = APIRouter()


@local.get("/counters")
async def counters(request: Request) -> Response:
    """Requests by route and class of status, what was stored and sent since the start, sizes on the disk."""
    found = await run_in_threadpool(sizes.of, request.app.state.store.folder)
    known: Counters = request.app.state.counters
    requests = [
        {"method": method, "route": route, "status": status, "count": count}
        for (method, route, status), count in sorted(known.requests.items())
    ]
    return answer(
        {
            "uptimeSeconds": round(time.monotonic() - known.start, 3),
            "requests": requests,
            "errors": known.errors,
            "bytesIn": known.bytes_in,
            "bytesOut": known.bytes_out,
            **known.stored,
            "databaseBytes": found.database,
            "walBytes": found.wal,
            "filesBytes": found.files,
        }
    )
