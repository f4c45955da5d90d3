"""The documentation's tables of calls and what the server answers are the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.local_server import LocalServer
from tests.local.security.routes import every_route
from zenml_comet_tracker.local.app import CLIENTLIB, CLIENTLIB_REST, REST

PAGE = (Path(__file__).parents[2] / "docs" / "local-server.md").read_text("utf-8")
WITH_SDK_TABLE = PAGE.partition("\n## Endpoints\n")[2].partition("\n## ")[0]
REST_TABLE, _, SDK_TABLE = WITH_SDK_TABLE.partition("lies under `/clientlib/`:")


def described(text: str) -> set[str]:
    """The paths in a table, whatever the name of what varies in them."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return {re.sub(r"\{[^}]*\}", "{}", path) for row in rows for path in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize(("table", "prefix", "but"), [(REST_TABLE, REST, None), (SDK_TABLE, CLIENTLIB, CLIENTLIB_REST)])
def test_every_call_is_described_and_every_description_is_of_a_call(
    local_server: LocalServer, table: str, prefix: str, but: str | None
) -> None:
    paths = {route.path for route in every_route(local_server, fill="{}") if route.path.startswith(f"{prefix}/")}
    answered = {path for path in paths if but is None or not path.startswith(f"{but}/")} - {f"{prefix}/{{}}"}
    assert described(table) == {path.removeprefix(f"{prefix}/") for path in answered}


def test_rest_is_answered_for_the_sdk_too(local_server: LocalServer) -> None:
    routes = every_route(local_server)
    rest = {(method, path.removeprefix(REST)) for method, path in routes if path.startswith(f"{REST}/")}
    alias = {(method, path.removeprefix(CLIENTLIB_REST)) for method, path in routes if path.startswith(CLIENTLIB_REST)}
    assert rest == alias
