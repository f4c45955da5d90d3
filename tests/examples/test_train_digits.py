"""The example on a real ZenML store: what arrives at the server is what was logged, to the bit and in order."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures.local_server import LocalServer

Logged = dict[str, list[tuple[float, int | None, int | None]]]


class Witness:
    """Stands between the example and the tracker and keeps what it was given."""

    def __init__(self, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.metrics: Logged = defaultdict(list)
        self.parameters: dict[str, Any] = {}
        self.model = b""
        self._log_metrics, self._log_params, self._dump = module.log_metrics, module.log_params, module.joblib.dump
        monkeypatch.setattr(module, "log_metrics", self.log_metrics)
        monkeypatch.setattr(module, "log_params", self.log_params)
        monkeypatch.setattr(module.joblib, "dump", self.dump)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None, epoch: int | None = None) -> None:
        for name, value in metrics.items():
            self.metrics[name].append((float(value), step, epoch))
        self._log_metrics(metrics, step=step, epoch=epoch)

    def log_params(self, params: dict[str, Any]) -> None:
        self.parameters.update(params)
        self._log_params(params)

    def dump(self, model: Any, file: Path) -> None:
        self._dump(model, file)
        if file.name == "digits.joblib":
            self.model = file.read_bytes()


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Witness]:
    pytest.importorskip("sklearn", reason="the extra [examples] is not installed")
    from examples.pipelines import train_digits

    return train_digits, Witness(train_digits, monkeypatch)


@pytest.mark.long
def test_every_value_and_file_of_the_example_arrives(
    example: tuple[Any, Witness],
    tracked_stack: Callable[..., str],
    local_server: LocalServer,
    zenml_client: Any,
    tmp_path: Path,
) -> None:
    module, logged = example
    # What the tracker logs by itself was never logged by the example.
    by_itself = dict.fromkeys(("log_artifacts", "log_step_parameters", "log_system_metrics"), False)
    where = {"url": local_server.url, "api_key": local_server.api_key, "journal_folder": str(tmp_path)}
    tracked_stack({**where, **by_itself})

    run = zenml_client.get_pipeline_run(module.train_digits().id)

    keys = {name: step.run_metadata["comet_experiment_key"] for name, step in run.steps.items()}
    urls = {name: step.run_metadata["experiment_tracker_url"] for name, step in run.steps.items()}
    assert urls == {name: f"{local_server.url}/local/general/{key}" for name, key in keys.items()}
    assert len(logged.metrics["validation_loss"]) == module.EPOCHS >= 30
    assert {**_points(local_server, keys.values())} == dict(logged.metrics)
    assert _parameters(local_server, keys.values()) == {name: str(value) for name, value in logged.parameters.items()}
    for name, key in keys.items():
        assert {"train_digits", run.name} <= set(local_server.get("experiment/tags", experimentKey=key)["tags"])
        about = local_server.get("experiment/metadata", experimentKey=key)
        assert (about["experimentName"], about["running"], about["hasCrashed"]) == (f"{run.name}_{name}", False, False)
    files = {name: _files(local_server, key) for name, key in keys.items()}
    _check_files(module, files, logged)


def _check_files(module: Any, files: dict[str, dict[str, bytes]], logged: Witness) -> None:
    from PIL import Image

    samples = np.asarray(Image.open(io.BytesIO(files["load"]["samples.png"])))
    np.testing.assert_array_equal(samples, module.contact_sheet(module.load_digits().images[:40]))
    assert files["train"]["learning-curve.png"].startswith(b"\x89PNG")
    assert files["evaluate"]["digits.joblib"] == logged.model != b""
    matrix = np.array(json.loads(files["evaluate"]["confusion-matrix.json"])["matrix"])
    ((accuracy, _, _),) = logged.metrics["test_accuracy"]
    assert matrix.shape == (10, 10)
    assert np.trace(matrix) / matrix.sum() == accuracy


def _points(server: LocalServer, keys: Any) -> Logged:
    found: Logged = defaultdict(list)
    for key in keys:
        for point in server.get("experiment/metrics/get-all", experimentKey=key)["metrics"]:
            found[point["metricName"]].append((float(point["metricValue"]), point["step"], point["epoch"]))
    return dict(found)


def _parameters(server: LocalServer, keys: Any) -> dict[str, str]:
    listed = [entry for key in keys for entry in server.get("experiment/parameters", experimentKey=key)["values"]]
    return {entry["name"]: entry["valueCurrent"] for entry in listed}


def _files(server: LocalServer, key: str) -> dict[str, bytes]:
    listed = server.get("experiment/asset/list", experimentKey=key, type="all")["assets"]
    path = "api/rest/v2/experiment/asset/get-asset"
    return {
        asset["fileName"]: server.call("GET", path, params={"experimentKey": key, "assetId": asset["assetId"]}).content
        for asset in listed
    }
