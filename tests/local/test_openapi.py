"""The OpenAPI document says of every call what the code reads, and whoever may in can read it."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest

from tests.fixtures.local_server import LocalServer
from tests.local.reads import reads
from tests.local.routes import test_shapes as shapes
from tests.local.security.routes import every_route
from zenml_comet_tracker.local import app
from zenml_comet_tracker.local.openapi import calls_of
from zenml_comet_tracker.local.routes import declarations
from zenml_comet_tracker.local.routes.declarations import Declaration

TABLES = [
    (declarations.REST, [noun.rest for noun in app._NOUNS]),
    (declarations.CLIENTLIB, [noun.clientlib for noun in app._SDK_NOUNS]),
]
CALLS = [
    pytest.param(method, route, declarations.declarations(table)[method, route.path], id=f"{method}-{route.path}")
    for table, routers in TABLES
    for method, route in calls_of(routers)
]
# Members of the objects in a list.
NESTED = {
    "/write/experiments/parameters/delete": {"experimentKey", "parameterName"},
    "/write/experiment/dependencies": {"name", "version"},
    "/write/experiment/gpu-metrics": {"gpuId"},
    "/write/experiment/log-facts": {
        "kind", "key", "value", "timestamp", "addedTags", "code", "filePath",
        "user", "root", "branch", "parent", "origin",
    },
    "/write/experiment/output": {"stderr", "output", "offset"},
    "/asset/log-remote-model": {"remoteUrl", "fileName", "assetId", "metadata"},
    "/batch/logger/experiment/parameter": {
        "timestamp", "parameterValue", "source", "parameterName", "context", "step",
    },
}  # fmt: skip
# Read under a name that is no literal where it is read.
BY_VARIABLE = {
    "alias", "versionTags", "tags", "stages", "metrics", "params", "user", "root", "branch", "parent", "origin",
    "experimentId",
}  # fmt: skip
# Asked for when another one is missing, or found out column by column.
UNLESS = {"projectName", "artifactName", "values"}


@pytest.mark.parametrize(("method", "route", "declared"), CALLS)
def test_what_is_declared_is_what_is_read(method: str, route: Any, declared: Declaration) -> None:
    read = reads(route.endpoint)
    taken = {member.name: member.required for member in declared.takes}
    assert set(read) - NESTED.get(route.path, set()) - set(taken) <= {"experimentKey"}
    assert set(taken) - set(read) <= BY_VARIABLE
    assert {name for name in set(read) & set(taken) - UNLESS if read[name] != taken[name]} == set()


@pytest.mark.parametrize("path", sorted(NESTED))
def test_what_is_declared_of_the_objects_in_a_list_is_what_is_read(path: str) -> None:
    kinds = [member.kind for each in CALLS if each.values[1].path == path for member in each.values[2].takes]
    declared = [member.name for kind in kinds for member in declarations.items(kind) or []]
    # Read under a name that is no literal.
    by_variable = {"freeMemory", "usedMemory", "totalMemory", "gpuUtilization"}
    assert NESTED[path] <= set(declared) <= NESTED[path] | by_variable


def test_every_type_of_a_list_is_used() -> None:
    used = {member.kind for each in CALLS for member in each.values[2].takes}
    assert set(declarations.ITEMS) <= used
    answered = {member.kind for each in CALLS for member in each.values[2].answers}
    assert set(declarations.ANSWERED) <= answered


SHAPES = {
    "points": shapes.POINT,
    "facts": shapes.FACT,
    "summaries": shapes.SUMMARY,
    "projects": shapes.PROJECT,
    "experiments": shapes.META,
    "assets": shapes.ASSET,
}


def test_what_is_declared_of_answered_objects_is_what_is_answered(local_server: LocalServer) -> None:
    declared = {kind: {member.name for member in declarations.items(kind) or []} for kind in SHAPES}
    assert declared == {kind: set(shape) for kind, shape in SHAPES.items()}
    key = shapes.fill(local_server)
    paths = local_server.call("GET", "openapi.json").json()["paths"]
    queries = {path: {"experimentKey": key, **query} for path, query, *_ in shapes.LISTS}
    queries |= {"projects": {"workspaceName": "ws"}, "experiments": {"workspaceName": "ws", "projectName": "tests"}}
    queries["project/column-names"] = queries["experiments"]
    for path, query in queries.items():
        content = paths[f"{app.REST}/{path}"]["get"]["responses"]["200"]["content"]
        answer = local_server.get(path, **query)
        assert all(answer.values()), path
        jsonschema.validate(answer, content["application/json"]["schema"])


def test_every_declared_call_is_answered(local_server: LocalServer) -> None:
    paths = local_server.call("GET", "openapi.json").json()["paths"]
    documented = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    routes = {
        (route.method, route.path)
        for route in every_route(local_server, fill="{}")
        if route.path.startswith((f"{app.REST}/", f"{app.CLIENTLIB}/")) and not route.is_alias
    }
    # What is answered under whatever path is that there is nothing.
    nothing = {(method, f"{prefix}/{{}}") for method in app._ALL_METHODS for prefix in (app.REST, app.CLIENTLIB)}
    assert {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in documented} == routes - nothing


def test_the_schemas_are_schemas(local_server: LocalServer) -> None:
    document = local_server.call("GET", "openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"].endswith("."), operation
            for parameter in operation["parameters"]:
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])
    assert document["openapi"] == "3.1.0"


def test_the_page_lists_every_call(local_server: LocalServer) -> None:
    paths = local_server.call("GET", "openapi.json").json()["paths"]
    page = local_server.call("GET", "docs").text
    for path in paths:
        assert path in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["openapi.json", "docs"])
def test_strangers_read_neither(local_server: LocalServer, path: str) -> None:
    answered = local_server.session.get(f"{local_server.url}/{path}", timeout=10)
    assert answered.status_code == 401
