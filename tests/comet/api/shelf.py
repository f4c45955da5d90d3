"""A workspace with two projects: experiments with everything, of one name, with a slash in it, nameless, archived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.comet.api_experiment.everything import log_everything
from tests.fixtures.local_server import LocalServer, begin

START = 1_790_000_000_000
WORKSPACE, FIRST, SECOND = "shelf", "first project", "second"
# Project and name of each, the oldest first.
EXPERIMENTS = {
    "full": (FIRST, None),
    "beta": (FIRST, "beta"),
    "beta 2": (FIRST, "beta"),
    "slash": (FIRST, "a/b"),
    "unnamed": (FIRST, None),
    "gamma": (FIRST, "gamma"),
    "delta": (SECOND, "delta"),
}


@dataclass(frozen=True)
class Shelf:
    """Where it is, and the key of each of its experiments."""

    server: LocalServer
    keys: dict[str, str]
    project_id: str

    def __getitem__(self, label: str) -> str:
        return self.keys[label]

    @property
    def chart_keys(self) -> list[str]:
        """Experiments with steps that differ, and values that are missing."""
        return [self[label] for label in ("slash", "beta", "beta 2")]


def stock(server: LocalServer) -> Shelf:
    """Fills the workspace with bare requests."""
    keys = {}
    for index, (label, (project, name)) in enumerate(EXPERIMENTS.items()):
        start = START + index * 1_000
        keys[label] = begin(server, teamName=WORKSPACE, projectName=project, localTimestamp=start)
        if name:
            server.post("write/experiment/log-other", experimentKey=keys[label], key="Name", value=name)
    log_everything(server, keys["full"])
    for label, skipped in (("slash", 1), ("beta", 3), ("beta 2", None)):
        log_series(server, keys[label], skipped)
    for index, key in enumerate(keys.values()):
        end(server, key, START + index * 1_000)
    server.get("write/experiment/archive", experimentKey=keys["gamma"])
    project = server.get("project", workspaceName=WORKSPACE, projectName=FIRST)
    server.post("write/project/notes", projectId=project["projectId"], notes="größe 🚀\nsecond line")
    return Shelf(server, keys, project["projectId"])


def log_series(server: LocalServer, key: str, skipped: int | None) -> None:
    """`score` and `cost` at even steps, without one of them, once with another value for a step, once with NaN."""
    values: list[dict[str, Any]] = []
    for index in range(6):
        place = {"step": index * 2, "epoch": index // 2, "timestamp": START + index * 500}
        if index != skipped:
            values.append({"metricName": "score", "metricValue": 1 / (index + 1), **place})
        values.append({"metricName": "cost", "metricValue": "NaN" if index == 4 else index, **place})
    if skipped is None:
        values.append({"metricName": "score", "metricValue": 9, "step": 4, "epoch": 2, "timestamp": START + 9_000})
        values = [value for value in values if value["metricName"] != "cost" or value["step"] < 6]
    server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    server.post("write/experiment/parameter", experimentKey=key, parameterName="lr", parameterValue=0.5)


def end(server: LocalServer, key: str, start: int = START) -> None:
    """Ends an experiment, so that it reads the same from now on."""
    own = {"experimentKey": key}
    server.post("write/experiment/update-status", **own, isAlive=False, hasCrashed=False)
    server.post("write/experiment/set-start-end-time", **own, startTimeMillis=start, endTimeMillis=start + 60_000)
