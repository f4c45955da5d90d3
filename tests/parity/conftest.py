"""The tracker that the checks are put to: this project's, or with `make parity` ZenML's own too."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from tests.parity.subjects import OURS, SUBJECTS
from tests.parity.world import World

# Set by `make parity` alone.
FLAVOR = os.environ.get("PARITY_FLAVOR")


@pytest.fixture(scope="module")
def world(zenml_client: Any, local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> World:
    """What the tracker makes of the runs, which are made when they are asked for."""
    return World(SUBJECTS[FLAVOR or OURS], local_server, tmp_path_factory.mktemp("journals"))
