"""Fixtures of the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.fixtures import side_by_side
from tests.fixtures.local_server import LocalServer


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What comes of the `CELLS` of a test module, all under way at once."""
    pool, futures = side_by_side(local_server, tmp_path_factory.mktemp("cells"), request.module.CELLS)
    yield futures
    pool.shutdown(cancel_futures=True)
