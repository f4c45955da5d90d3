"""One experiment with everything that can be logged, one with nothing, as ours and as the official SDK sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.comet.api_experiment.everything import log_everything
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import connect

WHERE = {"teamName": "ws", "projectName": "readings"}


def named(value: Any) -> str:
    """What a test is called after: the texts among its parameters."""
    return value[:40] if isinstance(value, str) else type(value).__name__


@dataclass(frozen=True)
class Pair:
    """One experiment: ours, and the official SDK's."""

    key: str
    ours: APIExperiment
    official: Any


@pytest.fixture(scope="package")
def official(local_server: LocalServer) -> Iterator[Callable[[str], Any]]:
    """The official SDK's `APIExperiment` of a key, on `local_server`, with its cache off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMET_URL_OVERRIDE", local_server.url)
        patch.setenv("COMET_API_KEY", local_server.api_key)
        import comet_ml.api

        api = comet_ml.api.API(api_key=local_server.api_key, cache=False)
        yield lambda key: comet_ml.api.APIExperiment(api=api, previous_experiment=key)


@pytest.fixture(scope="package")
def ours(local_server: LocalServer) -> Callable[[str], APIExperiment]:
    """Our `APIExperiment` of a key, on `local_server`."""
    connection = connect(local_server.api_key, url=local_server.url)
    return lambda key: APIExperiment.of(connection, {"experimentKey": key})


@pytest.fixture(scope="package")
def full(local_server: LocalServer, ours: Any, official: Any) -> Pair:
    """An experiment with everything, logged past both clients."""
    key = begin(local_server, **WHERE)
    log_everything(local_server, key)
    return Pair(key, ours(key), official(key))


@pytest.fixture(scope="package")
def empty(local_server: LocalServer, ours: Any, official: Any) -> Pair:
    """An experiment to which nothing was logged."""
    key = local_server.post("write/experiment/create", workspaceName="ws", projectName="readings")["experimentKey"]
    return Pair(key, ours(key), official(key))


@pytest.fixture
def experiment(key: str, ours: Any) -> APIExperiment:
    """Our `APIExperiment` of a new experiment."""
    experiment: APIExperiment = ours(key)
    return experiment
