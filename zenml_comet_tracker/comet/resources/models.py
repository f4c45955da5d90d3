"""The models that an experiment logged: names, files, all files as one zip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet.resources import Headers, entries
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport


def of_experiment(transport: Transport, experiment_key: str) -> list[dict[str, Any]]:
    """Every model: `modelName`, `experimentModelId`, `experimentKey`. GET `experiment/model`."""
    return entries(
        transport.get_json(f"{REST}experiment/model", {"experimentKey": experiment_key}), "models", "modelName"
    )


def assets(transport: Transport, experiment_key: str, name: str) -> list[dict[str, Any]]:
    """The assets that make up one model. GET `experiment/model/asset/list`."""
    params = {"experimentKey": experiment_key, "modelName": name}
    return entries(transport.get_json(f"{REST}experiment/model/asset/list", params), "assets")


def download(transport: Transport, experiment_key: str, name: str) -> Iterator[bytes]:
    """The files of one model as a zip, in pieces. GET `experiment/model/download`."""
    params = {"experimentKey": experiment_key, "modelName": name}
    return transport.download(f"{REST}experiment/model/download", params)


def log_remote(
    transport: Transport,
    api_key: str,
    experiment_key: str,
    name: str,
    entities: Sequence[Mapping[str, Any]],
    headers: Headers = None,
) -> None:
    """Adds files that lie elsewhere to a model: `assetId`, `remoteUrl`, `fileName`, `metadata` (JSON text) of each.

    POST clientlib `asset/log-remote-model`.
    """
    body = {"apiKey": api_key, "experimentKey": experiment_key, "modelName": name, "remoteEntities": list(entities)}
    transport.post_json(f"{CLIENTLIB}asset/log-remote-model", body, headers=headers)
