"""Comet's optimizer, which hands out parameters to try: not part of the local Comet."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import refused

optimizer = APIRouter()


@optimizer.get("/next")
@optimizer.get("/spec")
@optimizer.get("/status")
@optimizer.get("/algorithms")
@optimizer.post("/insert")
@optimizer.post("/update")
def not_supported() -> Response:
    """That there is none, and what to use in its place."""
    message = "The local Comet has no optimizer. Use one that runs beside it, and log each trial as an experiment."
    return refused(message, 501)
