"""The models that an experiment logged: names, files, all files as one zip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zenml_comet_tracker.comet.resources import entries
from zenml_comet_tracker.comet.transport import REST, Transport


def of_experiment(transport: Transport, experiment_key: str) -> list[dict[str, Any]]:
    """Every model: `modelName`, `experimentModelId`, `experimentKey`. GET `experiment/model`."""
    return entries(transport.get_json(f"{REST}experiment/model", {"experimentKey": experiment_key}), "models")


def assets(transport: Transport, experiment_key: str, name: str) -> list[dict[str, Any]]:
    """The assets that make up one model. GET `experiment/model/asset/list`."""
    params = {"experimentKey": experiment_key, "modelName": name}
    return entries(transport.get_json(f"{REST}experiment/model/asset/list", params), "assets")


def download(transport: Transport, experiment_key: str, name: str) -> Iterator[bytes]:
    """The files of one model as a zip, in pieces. GET `experiment/model/download`."""
    params = {"experimentKey": experiment_key, "modelName": name}
    return transport.download(f"{REST}experiment/model/download", params)
