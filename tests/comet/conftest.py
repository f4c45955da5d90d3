"""Fixtures of the client's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comet.scripted import ScriptedComet
from zenml_comet_tracker.comet.experiment import Experiment

KEY = "canary-key-8f2c1d"


@pytest.fixture
def make(comet: ScriptedComet, journals: Path) -> Iterator[Callable[..., Experiment]]:
    """Makes experiments against the scripted server and ends those that the test left open."""
    made: list[Experiment] = []

    def build(**arguments: Any) -> Experiment:
        experiment = Experiment(**{"api_key": KEY, "url": comet.root, "journal_folder": journals, **arguments})
        made.append(experiment)
        return experiment

    yield build
    for experiment in made:
        experiment._live.end(None, 0.2)
