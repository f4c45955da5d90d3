"""How tests type commands: in this process, with an environment that leads to a server."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import launch

Typed = Callable[..., Result]


@pytest.fixture
def comet_server(local_server: LocalServer) -> LocalServer:
    """The server that commands reach; modules with one of their own say so."""
    return local_server


@pytest.fixture
def typed(comet_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Calls `zenml-comet` with `comet_server` configured, and as the local Comet too."""
    monkeypatch.setenv("COMET_API_KEY", comet_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", comet_server.url)
    running = SimpleNamespace(url=comet_server.url, api_key=comet_server.api_key)
    monkeypatch.setattr(launch, "ensure", lambda *_, **__: running)

    def call(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(main, list(words), prog_name="zenml-comet", **options)

    return call
