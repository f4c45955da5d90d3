"""Components that reach a real local server, and what it holds afterwards, read over REST without our client."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer


@dataclass
class Readback:
    """What a server holds, by the key of an experiment."""

    server: LocalServer

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return self.server.get(path, **params)

    def metadata(self, key: str) -> dict[str, Any]:
        return self.get("experiment/metadata", experimentKey=key)

    def points(self, key: str, name: str) -> list[tuple[float, int | None, int | None]]:
        """(value, step, epoch) of each point, in the server's order."""
        answer = self.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)
        return [(float(m["metricValue"]), m["step"], m["epoch"]) for m in answer["metrics"]]

    def metrics(self, key: str) -> set[str]:
        """Names, those of the machine left out."""
        names = {m["name"] for m in self.get("experiment/metrics/summary", experimentKey=key)["values"]}
        return {name for name in names if not name.startswith("sys.")}

    def parameters(self, key: str) -> dict[str, str]:
        values = self.get("experiment/parameters", experimentKey=key)["values"]
        return {entry["name"]: entry["valueCurrent"] for entry in values}

    def others(self, key: str) -> dict[str, str]:
        values = self.get("experiment/log-other", experimentKey=key)["values"]
        return {entry["name"]: entry["valueCurrent"] for entry in values}

    def tags(self, key: str) -> set[str]:
        return set(self.get("experiment/tags", experimentKey=key)["tags"])

    def assets(self, key: str) -> dict[str, bytes]:
        """The bytes of each file, by its name."""
        listed = self.get("experiment/asset/list", experimentKey=key, type="all")["assets"]
        return {asset["fileName"]: self._bytes(key, asset["assetId"]) for asset in listed}

    def _bytes(self, key: str, asset_id: str) -> bytes:
        path = "api/rest/v2/experiment/asset/get-asset"
        return self.server.call("GET", path, params={"experimentKey": key, "assetId": asset_id}).content

    def keys(self, workspace: str, project: str) -> set[str]:
        """Of the experiments of a project."""
        listed = self.get("experiments", workspaceName=workspace, projectName=project)["experiments"]
        return {experiment["experimentKey"] for experiment in listed}


@pytest.fixture
def readback(local_server: LocalServer) -> Readback:
    return Readback(local_server)


@pytest.fixture
def local_config(local_server: LocalServer, tmp_path: Path) -> dict[str, Any]:
    """A component's configuration that reaches the test's server, with a journal of its own."""
    return {
        "url": local_server.url,
        "api_key": local_server.api_key,
        "journal_folder": str(tmp_path / "journal"),
        "workspace": "team",
        "project_name": tmp_path.name,
    }


@pytest.fixture
def steps_of(zenml_client: Any) -> Callable[[str], dict[str, Any]]:
    """The step runs of the last run of a pipeline, by name."""

    def steps(pipeline: str) -> dict[str, Any]:
        (run,) = zenml_client.list_pipeline_runs(pipeline=pipeline, sort_by="desc:created", size=1).items
        return dict(zenml_client.get_pipeline_run(run.id).steps)

    return steps


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections, and that nobody else gets meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
