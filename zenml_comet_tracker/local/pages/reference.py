"""The reference of the server's calls: the OpenAPI document, and a page that lists what stands in it."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response

from zenml_comet_tracker.local.pages.rendering import page
from zenml_comet_tracker.local.routes.answers import answer

router = APIRouter()


class _Call(NamedTuple):
    method: str
    path: str
    summary: str
    takes: list[str]


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return answer(request.app.state.openapi())


@router.get("/docs")
def docs(request: Request) -> Response:
    """The calls, by the nouns that they are about."""
    nouns: dict[str, list[_Call]] = {}
    for path, operations in request.app.state.openapi()["paths"].items():
        for method, operation in operations.items():
            call = _Call(method.upper(), path, operation["summary"], _takes(operation))
            nouns.setdefault(operation["tags"][0].replace("_", " "), []).append(call)
    return page(request, "reference.html", title="Calls", nouns=sorted(nouns.items()))


def _takes(operation: dict[str, Any]) -> list[str]:
    names = [parameter["name"] for parameter in operation["parameters"]]
    for body in operation.get("requestBody", {}).get("content", {}).values():
        names += body["schema"].get("properties", {})
    return names
