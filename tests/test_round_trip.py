"""Our client against our server, read back by what is neither: plain requests and the official SDK."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.forgetful_proxy import ForgetfulProxy
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.experiment import Experiment

SDK_READER = """
import json, sys
import comet_ml
experiment = comet_ml.API(api_key=sys.argv[1], cache=False).get_experiment_by_key(sys.argv[2])
metadata = experiment.get_metadata()
print(json.dumps({
    "name": experiment.get_name(),
    "tags": sorted(experiment.get_tags()),
    "state": experiment.get_state(),
    "workspace": metadata["workspaceName"],
    "project": metadata["projectName"],
    "metrics": [[m["metricName"], m["metricValue"], m["step"], m["epoch"]] for m in experiment.get_metrics()],
    "parameters": {p["name"]: p["valueCurrent"] for p in experiment.get_parameters_summary()},
    "others": {p["name"]: p["valueCurrent"] for p in experiment.get_others_summary()},
    "assets": {a["fileName"]: experiment.get_asset(a["assetId"]).hex() for a in experiment.get_asset_list()},
    "html": experiment.get_html(),
}))
"""


def make(server: LocalServer, journals: Path, **arguments: Any) -> Experiment:
    return Experiment(**{"api_key": server.api_key, "url": server.url, "journal_folder": journals, **arguments})


def read_with_the_sdk(server: LocalServer, key: str) -> dict[str, Any]:
    environment = {**os.environ, "COMET_URL_OVERRIDE": f"{server.url}/clientlib/"}
    command = [sys.executable, "-W", "ignore", "-c", SDK_READER, server.api_key, key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_official_sdk_reads_what_our_client_wrote(
    local_server: LocalServer, journals: Path, tmp_path: Path
) -> None:
    points = [("loss", 1 / (step + 1), step, step // 10) for step in range(50)]
    model = tmp_path / "model.bin"
    model.write_bytes(random.Random(1).randbytes(100_000))
    with make(local_server, journals, workspace="team", project_name="round trip", experiment_name="it") as experiment:
        for name, value, step, epoch in points:
            experiment.log_metric(name, value, step=step, epoch=epoch)
        experiment.log_metrics({"odd": float("nan"), "big": float("inf"), "small": 1e-300})
        experiment.log_parameters({"lr": 0.1, "opt": {"name": "adam", "nesterov": True}, "list": [1, 2]})
        experiment.log_other("note", "größer 🚀")
        experiment.add_tags(["one", "two"])
        experiment.log_html("<b>bold</b>")
        experiment.log_model("net", model)
        experiment.log_text("some text")

    seen = read_with_the_sdk(local_server, experiment.get_key())

    assert experiment.url == f"{local_server.url}/team/round%20trip/{experiment.id}"
    assert (seen["name"], seen["tags"], seen["state"]) == ("it", ["one", "two"], "finished")
    assert (seen["workspace"], seen["project"]) == ("team", "round trip")
    loss = [(n, float(v), s, e) for n, v, s, e in seen["metrics"] if n == "loss"]
    assert loss == points
    odd = {n: float(v) for n, v, _, _ in seen["metrics"] if n != "loss"}
    assert math.isnan(odd["odd"])
    assert (odd["big"], odd["small"]) == (math.inf, 1e-300)
    parameters = seen["parameters"]
    assert (float(parameters["lr"]), parameters["opt|name"]) == (0.1, "adam")
    assert seen["others"]["note"] == "größer 🚀"
    assert bytes.fromhex(seen["assets"]["model.bin"]) == model.read_bytes()
    assert bytes.fromhex(seen["assets"]["text-sample.txt"]) == b"some text"
    assert seen["html"] == "<b>bold</b>"


def test_a_failed_experiment_reads_as_crashed(local_server: LocalServer, journals: Path) -> None:
    experiment = make(local_server, journals)
    experiment.end(error=ValueError("why it broke"))
    metadata = local_server.get("experiment/metadata", experimentKey=experiment.id)
    assert (metadata["running"], metadata["hasCrashed"]) == (False, True)


@pytest.fixture
def proxy(local_server: LocalServer) -> Iterator[ForgetfulProxy]:
    made = ForgetfulProxy(local_server.url)
    yield made
    made.close()


def test_answers_lost_after_the_commit_repeat_nothing(
    local_server: LocalServer, proxy: ForgetfulProxy, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.backoff.FIRST_SECONDS", 0.01)
    experiment = make(local_server, journals, url=proxy.url)
    for step in range(8_000):
        experiment.log_metric("m", step * 0.5, step=step)
    for part in range(6):
        experiment.log_html(f"<p>{part}</p>")
    report = experiment.end(timeout=60)
    while not report.delivered and report.stats.pending:
        report = experiment.end(timeout=60)

    read = local_server.get("experiment/metrics/get-metric", experimentKey=experiment.id, metricName="m")["metrics"]
    assert proxy.lost > 5
    assert [(float(m["metricValue"]), m["step"]) for m in read] == [(s * 0.5, s) for s in range(8_000)]
    html = local_server.get("experiment/html", experimentKey=experiment.id)["html"]
    assert html == "".join(f"<p>{part}</p>" for part in range(6))
