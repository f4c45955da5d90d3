"""The clients that are measured, behind one face: each call is the one that their users would write."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS, COMET_ML, TRACKIO, FLOOR = "zenml-comet-tracker", "comet_ml", "trackio", "floor"

# What a program imports to use each; the floor has only what any client on requests must load.
MODULES = {
    OURS: ("zenml_comet_tracker.comet.experiment",),
    COMET_ML: ("comet_ml",),
    TRACKIO: ("trackio",),
    FLOOR: ("requests", "orjson"),
}
TEN_NAMES = [f"m{i}" for i in range(10)]
POINTS_A_POST = 1_000


@dataclass(frozen=True)
class Client:
    """One run that is being logged.

    `metric` and `ten_metrics` take the step, `asset` a path; `started` waits until the server knows the run; `end`
    returns once all is delivered; `received` counts the values of `metric` on the other side, `kept` those that are
    there or in a file that waits for it.
    """

    metric: Callable[[int], Any]
    ten_metrics: Callable[[int], Any]
    asset: Callable[[Path], Any]
    name_and_tags: Callable[[], Any]
    started: Callable[[], Any]
    end: Callable[[], Any]
    received: Callable[[], int]
    kept: Callable[[], int]


def counted(root: str) -> dict[str, int]:
    """What the stand-in server has received: points, batches of metrics, requests."""
    with urllib.request.urlopen(f"{root}/counted", timeout=60) as answer:
        return dict(json.load(answer))


def open_ours(root: str) -> Client:
    """Our experiment, with a journal folder of its own."""
    from zenml_comet_tracker.comet.experiment import Experiment

    journals = Path(tempfile.mkdtemp())
    experiment = Experiment(api_key="k", workspace="w", project_name="p", url=root, journal_folder=journals)
    log_metric, log_metrics, ten = experiment.log_metric, experiment.log_metrics, dict.fromkeys(TEN_NAMES, 0.5)

    def name_and_tags() -> None:
        experiment.set_name("run_step")
        experiment.add_tags(["pipeline", "run"])

    return Client(
        metric=lambda step: log_metric("loss", 0.5, step=step),
        ten_metrics=lambda step: log_metrics(ten, step=step),
        asset=experiment.log_asset,
        name_and_tags=name_and_tags,
        started=lambda: experiment.wait_for_url(30.0),
        end=lambda: experiment.end(timeout=300.0),
        received=lambda: counted(root)["points"],
        kept=lambda: sum(path.read_bytes().count(b'"loss"') for path in journals.glob("*/metrics.*.jsonl")),
    )


def open_comet_ml(root: str) -> Client:
    """The official SDK's experiment with every automatic logging off ("lean")."""
    os.environ.update(COMET_URL_OVERRIDE=f"{root}/clientlib/", COMET_ERROR_TRACKING_ENABLE="false")
    logging.disable(logging.CRITICAL)
    import comet_ml

    experiment = comet_ml.Experiment(
        api_key="k",
        workspace="w",
        project_name="p",
        log_code=False,
        log_graph=False,
        auto_param_logging=False,
        auto_metric_logging=False,
        auto_output_logging=False,
        log_env_details=False,
        log_git_metadata=False,
        log_git_patch=False,
        parse_args=False,
        display_summary_level=0,
    )
    log_metric, log_metrics, ten = experiment.log_metric, experiment.log_metrics, dict.fromkeys(TEN_NAMES, 0.5)

    def name_and_tags() -> None:
        experiment.set_name("run_step")
        experiment.add_tags(["pipeline", "run"])

    return Client(
        metric=lambda step: log_metric("loss", 0.5, step=step),
        ten_metrics=lambda step: log_metrics(ten, step=step),
        asset=lambda path: experiment.log_asset(str(path)),
        name_and_tags=name_and_tags,
        started=lambda: None,
        end=experiment.end,
        received=lambda: counted(root)["points"],
        kept=lambda: counted(root)["points"],
    )


def open_trackio(_root: str) -> Client:
    """trackio in its local mode: a thread of its own writes to SQLite and copies files; no server, no request."""
    folder = Path(tempfile.mkdtemp())
    os.environ.update(TRACKIO_DIR=str(folder), HF_HOME=str(folder), HF_HUB_OFFLINE="1")
    import trackio

    trackio.init(project="p", embed=False, auto_log_gpu=False, auto_log_cpu=False)
    log, ten = trackio.log, dict.fromkeys(TEN_NAMES, 0.5)
    return Client(
        metric=lambda step: log({"loss": 0.5}, step=step),
        ten_metrics=lambda step: log(ten, step=step),
        asset=trackio.save,
        name_and_tags=lambda: None,
        started=lambda: None,
        end=trackio.finish,
        received=lambda: _trackio_rows(folder / "p.db"),
        kept=lambda: _trackio_rows(folder / "p.db"),
    )


def _trackio_rows(database: Path) -> int:
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM metrics").fetchone()[0])
    finally:
        connection.close()


class _Floor:
    """The least that such work takes: a dict, orjson and one `os.write` a call; at the end plain POSTs of 1,000."""

    def __init__(self, root: str) -> None:
        import orjson
        import requests

        self._root = root
        self._dumps = orjson.dumps
        self._session = requests.Session()
        self._session.trust_env = False
        self._path = Path(tempfile.mkdtemp()) / "lines"
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, rows: list[dict[str, Any]]) -> None:
        """One line."""
        os.write(self._descriptor, self._dumps(rows)[1:-1] + b"\n")

    def post(self, path: str, body: Any) -> None:
        """One request."""
        self._session.post(f"{self._root}/{path}", data=body).raise_for_status()

    def deliver(self) -> None:
        """Everything written, in order."""
        os.close(self._descriptor)
        lines = self._path.read_bytes().splitlines()
        for start in range(0, len(lines), POINTS_A_POST):
            values = b",".join(lines[start : start + POINTS_A_POST])
            self.post("clientlib/batch/logger/experiment/metric", b'{"values":[%b]}' % values)

    def upload(self, path: Path) -> None:
        """One file, streamed."""
        with path.open("rb") as stream:
            self.post("clientlib/asset/upload", stream)


def open_floor(root: str) -> Client:
    """No client at all: see `_Floor`."""
    floor = _Floor(root)
    write = floor.write
    return Client(
        metric=lambda step: write([{"metricName": "loss", "metricValue": 0.5, "timestamp": 1, "step": step}]),
        ten_metrics=lambda step: write(
            [{"metricName": name, "metricValue": 0.5, "timestamp": 1, "step": step} for name in TEN_NAMES]
        ),
        asset=floor.upload,
        name_and_tags=lambda: None,
        started=lambda: None,
        end=floor.deliver,
        received=lambda: counted(root)["points"],
        kept=lambda: counted(root)["points"],
    )


OPENERS: dict[str, Callable[[str], Client]] = {
    OURS: open_ours,
    COMET_ML: open_comet_ml,
    TRACKIO: open_trackio,
    FLOOR: open_floor,
}
