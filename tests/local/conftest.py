"""A fresh experiment on the shared server."""

from __future__ import annotations

import uuid

import pytest

from tests.fixtures.local_server import LocalServer


def begin(server: LocalServer, **fields: object) -> str:
    """The key of a new running experiment."""
    key = uuid.uuid4().hex
    server.sdk("logger/add/run", **{"experimentKey": key, "projectName": "tests", "teamName": "ws", **fields})
    return key


@pytest.fixture
def key(local_server: LocalServer) -> str:
    """The key of a new running experiment on `local_server`."""
    return begin(local_server)
