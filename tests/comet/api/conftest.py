"""One workspace for all tests that only read, as our `API` and as the official SDK's sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.comet.api.shelf import Shelf, stock
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.api import API


@pytest.fixture(scope="session")
def shelf(local_server: LocalServer) -> Shelf:
    """A workspace that no test changes, filled once for as long as its server lives."""
    return stock(local_server)


@pytest.fixture(scope="module")
def ours(local_server: LocalServer) -> API:
    """Our `API` on `local_server`."""
    return API(local_server.api_key, url=local_server.url)


@pytest.fixture(scope="module")
def official(local_server: LocalServer) -> Iterator[Any]:
    """The official SDK's `API` on `local_server`, with its cache off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMET_URL_OVERRIDE", local_server.url)
        patch.setenv("COMET_API_KEY", local_server.api_key)
        import comet_ml.api

        yield comet_ml.api.API(api_key=local_server.api_key, cache=False)
