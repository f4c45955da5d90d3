"""Experiments that log artifacts to the local server, and what is read back of them without the client."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.artifacts.under_way import UnderWay
from zenml_comet_tracker.comet.experiment import Experiment

Make = Callable[..., Experiment]


@pytest.fixture
def make(local_server: LocalServer, journals: Path) -> Iterator[Make]:
    """Makes strict experiments on the local server, and ends those that the test left open."""
    made: list[Experiment] = []

    def build(**arguments: Any) -> Experiment:
        place = {"workspace": "ws", "project_name": "artifacts", "journal_folder": journals, "strict": True}
        reach = {"api_key": local_server.api_key, "url": local_server.url}
        experiment = Experiment(**{**reach, **place, **arguments})
        made.append(experiment)
        return experiment

    yield build
    for experiment in made:
        for companion in experiment._live.companions._under_way:
            if isinstance(companion, UnderWay):
                companion._upload.stop()
        experiment._live.end(None, 5.0)


@pytest.fixture
def name() -> str:
    """A name that no other artifact has."""
    return f"digits-{uuid.uuid4().hex[:8]}"


class Shelf:
    """What the server has of one artifact, as it says itself."""

    def __init__(self, server: LocalServer, name: str) -> None:
        self._server = server
        self._name = name

    def version(self, **which: str) -> dict[str, Any]:
        """What it says of a version, the latest unless said."""
        return self._server.get("artifacts/version", workspace="ws", artifactName=self._name, **which)

    def states(self) -> dict[str, str]:
        """The state of each version by its number."""
        versions = self._server.get("artifacts/get", workspace="ws", artifactName=self._name)["versions"]
        return {version["version"]: version["state"] for version in versions}

    def files(self, **which: str) -> dict[str, dict[str, Any]]:
        """The files of a version by their names; each once."""
        listed = self._server.get("artifacts/version/files", workspace="ws", artifactName=self._name, **which)["files"]
        named = {file["fileName"]: file for file in listed}
        assert len(named) == len(listed)
        return named

    def contents(self, **which: str) -> dict[str, bytes]:
        """The bytes of the files of a version by their names, links left out."""
        return {name: self._content(file) for name, file in self.files(**which).items() if not file["remote"]}

    def _content(self, file: dict[str, Any]) -> bytes:
        params = {"assetId": file["assetId"], "artifactVersionId": file["artifactVersionId"]}
        answered = self._server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=params)
        assert answered.status_code == 200, answered.text
        return answered.content


@pytest.fixture
def shelf(local_server: LocalServer, name: str) -> Shelf:
    """What the server has of the artifact `name`."""
    return Shelf(local_server, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three files, one of them larger than what is sent as a whole."""
    folder = tmp_path / "data"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "a.csv").write_text("a,1\n")
    (folder / "über.txt").write_text("ü")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 2_000)
    return folder
