"""The OpenAPI document: every call of the protocol, with what it takes and what it answers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from zenml_comet_tracker.local.routes import calls
from zenml_comet_tracker.local.routes.declarations import Declaration, Member, declarations, items

_KINDS: dict[str, dict[str, Any]] = {
    "any": {},
    "boolean": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 1, "maximum": 10**9},
    "integer": {"type": "integer", "format": "int64"},
    "moment": {"type": "integer", "format": "int64", "description": "milliseconds since 1970"},
    "number": {"type": "number"},
    "numbers": {"type": "array", "items": {"type": "number"}},
    "object": {"type": "object"},
    "objects": {"type": "array", "items": {"type": "object"}},
    "string": {"type": "string"},
    "strings": {"type": "array", "items": {"type": "string"}},
}
_OK = {"$ref": "#/components/schemas/Ok"}
_REFUSALS = {
    "400": "A field is missing or wrong; `msg` says which and what was expected.",
    "401": "The API key is missing or wrong.",
    "403": "This key may not do that.",
    "404": "What the call names is not there.",
    "413": "The body, or a part of it, is too large.",
    "415": "The body is not of the type that the call takes.",
    "422": "A text is too long.",
    "503": "The disk or the database cannot be used now.",
    "507": "The disk is full.",
}
_PARTS = {
    "file": {"type": "string", "format": "binary"},
    "link": {"type": "string", "description": "the address of a remote asset, in place of a file"},
    "metadata": {"type": "string", "description": "a JSON object"},
}


def document(tables: Iterable[tuple[str, str, Iterable[APIRouter]]]) -> dict[str, Any]:
    """The document of some tables of `declarations`, each with its prefix and the routers that answer its calls."""
    paths: dict[str, dict[str, Any]] = {}
    for prefix, table, routers in tables:
        declared = declarations(table)
        for method, route in calls_of(routers):
            operation = _operation(prefix, method, route, declared[method, route.path])
            paths.setdefault(f"{prefix}{route.path}", {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Local Comet",
            "version": version("zenml-comet-tracker"),
            "description": "Comet's REST v2 and the protocol of its official SDK, as the local server answers them.",
        },
        "security": [{"apiKey": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "Authorization"}},
            "schemas": {"Ok": _message(), "Error": _message()},
        },
    }


def calls_of(routers: Iterable[APIRouter]) -> Iterator[tuple[str, APIRoute]]:
    """Every call of the routers, with its method."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield from ((method, route) for method in sorted(route.methods or ()))


def _operation(prefix: str, method: str, route: APIRoute, declared: Declaration) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(route.endpoint) or "").partition("\n\n")
    body = _body(route, declared)
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method} {prefix}{route.path}").strip("_"),
        "summary": " ".join(summary.split()),
        "tags": [route.endpoint.__module__.rpartition(".")[2]],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route, declared)],
        "responses": _responses(declared),
    }
    if more:
        operation["description"] = more
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _reads(route: APIRoute, *readers: Any) -> bool:
    return any(dependency.call in readers for dependency in route.dependant.dependencies)


def _body(route: APIRoute, declared: Declaration) -> dict[str, Any] | None:
    if _reads(route, calls.read_upload):
        return {"multipart/form-data": {"schema": {"type": "object", "properties": _PARTS}}}
    if _reads(route, calls.read_json_list):
        return {"application/json": {"schema": _kind(declared.takes[0].kind)}}
    if _reads(route, calls.read_json):
        return {"application/json": {"schema": _object(declared.takes)}}
    return None


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": _KINDS["string"]} for name in names]


def _query_parameters(route: APIRoute, declared: Declaration) -> list[dict[str, Any]]:
    if not _reads(route, calls.read_query, calls.read_upload) or _reads(route, calls.read_json):
        return []
    return [
        {"name": member.name, "in": "query", "required": member.required, "schema": _KINDS[member.kind]}
        for member in declared.takes
    ]


def _responses(declared: Declaration) -> dict[str, Any]:
    refusals = {status: _json({"$ref": "#/components/schemas/Error"}, said) for status, said in _REFUSALS.items()}
    if declared.answer_kind == "unsupported":
        return {"501": _json({"$ref": "#/components/schemas/Error"}, "Not supported here."), **refusals}
    if declared.answer_kind == "file":
        bytes_ = {"description": "The bytes.", "content": {"*/*": {"schema": {}}}}
        return {"200": bytes_, "206": bytes_, **refusals}
    schemas = {"ok": _OK, "everything": {"type": "object"}}
    return {"200": _json(schemas.get(declared.answer_kind) or _answer(declared.answers), "Done."), **refusals}


def _answer(members: Iterable[Member]) -> dict[str, Any]:
    schema = _object(members)
    return {**schema, "required": list(schema["properties"])}


def _object(members: Iterable[Member]) -> dict[str, Any]:
    known = list(members)
    required = [member.name for member in known if member.required]
    schema: dict[str, Any] = {"type": "object", "properties": {member.name: _schema(member) for member in known}}
    return {**schema, "required": required} if required else schema


def _schema(member: Member) -> dict[str, Any]:
    schema = _kind(member.kind)
    return {**schema, "type": [schema["type"], "null"]} if member.nullable else schema


def _kind(name: str) -> dict[str, Any]:
    members = items(name)
    return _KINDS[name] if members is None else {"type": "array", "items": _object(members)}


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _message() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "msg": {"type": "string"},
            "code": {"type": "integer"},
            "data": {},
            "sdk_error_code": {"type": "integer"},
        },
        "required": ["msg", "code", "sdk_error_code"],
    }
