"""The reference of the server's calls: the OpenAPI document, and a page that shows what stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response

from zenml_comet_tracker.local.pages.rendering import page
from zenml_comet_tracker.local.routes.answers import answer

router = APIRouter()

_TYPES = {"string": "text", "boolean": "true or false", "integer": "whole number"}
_ITEMS = {"string": "texts", "object": "objects", "number": "numbers"}


class _Field(NamedTuple):
    name: str
    type: str
    place: str
    required: bool


class _Call(NamedTuple):
    id: str
    method: str
    path: str
    # Texts by turns plain and code.
    summary: list[str]
    takes: list[_Field]
    answers: list[_Field]
    answer: str


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
            nouns.setdefault(operation["tags"][0].replace("_", " "), []).append(_call(method, path, operation))
    return page(request, "reference.html", nouns=sorted(nouns.items()), cursor="", busy=False)


def _call(method: str, path: str, operation: dict[str, Any]) -> _Call:
    status, answered = next(iter(operation["responses"].items()))
    kind, content = next(iter(answered["content"].items()))
    members = list(_members(content["schema"], ""))
    said = "Bytes." if kind == "*/*" else "" if members else "An object."
    if "$ref" in content["schema"]:
        said = "OK." if status == "200" else "Not supported here: 501."
    summary = operation["summary"].split("`")
    return _Call(operation["operationId"], method.upper(), path, summary, list(_taken(operation)), members, said)


def _taken(operation: dict[str, Any]) -> Iterator[_Field]:
    for parameter in operation["parameters"]:
        yield _Field(parameter["name"], _type(parameter["schema"]), parameter["in"], parameter["required"])
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        if body["schema"]["type"] == "array":
            yield _Field("the body", _type(body["schema"]), "body", True)
        yield from _members(body["schema"], "part" if kind == "multipart/form-data" else "body")


def _members(schema: dict[str, Any], place: str) -> Iterator[_Field]:
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        yield _Field(name, _type(member), place, name in required)


def _type(schema: dict[str, Any]) -> str:
    """A schema in words."""
    if "description" in schema and schema.get("type") == "integer":
        return str(schema["description"])
    known = schema.get("type", "anything")
    if isinstance(known, list):
        return " or ".join(_TYPES.get(str(each), str(each)) for each in known)
    if known == "array":
        members = ", ".join(schema["items"].get("properties", {}))
        return f"list of {_ITEMS[schema['items']['type']]}{': ' if members else ''}{members}"
    return "file" if schema.get("format") == "binary" else str(_TYPES.get(known, known))
