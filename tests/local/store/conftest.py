"""A store of the test's own, and an experiment in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.local_server import TurnedClock
from zenml_comet_tracker.local.store import experiments, projects
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.store import Store

KEY = "e" * 32


@pytest.fixture
def store(tmp_path: Path, clock: TurnedClock) -> Iterator[Store]:
    """An empty store but for the experiment `KEY`; its time is `clock`."""
    opened = Store(tmp_path / "store", clock)
    with opened.write() as transaction:
        project = projects.ensure(transaction, "ws", "p")
        experiments.create(transaction, NewExperiment(KEY, project, running=True))
    yield opened
    opened.close()
