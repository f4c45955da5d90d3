"""What one experiment holds, asked for by its key."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import saving
from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.resources import (
    assets,
    code,
    experiments,
    graph,
    html,
    metrics,
    models,
    others,
    output,
    parameters,
    system_details,
    tags,
)
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

Summary = dict[str, Any]

_LOGGED_BYTES = 64 << 20


class ExperimentReadings(ApiBase):
    """What `API` reads of an experiment whose key is known: each call asks the server, once unless it says otherwise.

    `NotFoundError` when there is no such experiment.
    """

    def get_experiment_metadata(self, experiment_key: str) -> dict[str, Any]:
        """What the experiment is and how it stands. GET `experiment/metadata`.

        `experimentKey`, `experimentName`, `workspaceName`, `projectName`, `projectId`, `startTimeMillis`,
        `endTimeMillis`, `durationMillis`, `archived`, `running`, `hasCrashed`, `filePath`, `fileName` and others.
        """
        return experiments.metadata(self._transport, experiment_key)

    def get_experiment_name(self, experiment_key: str, max_length: int | None = None) -> str:
        """The experiment's name, or its key when it has none; its first `max_length` characters.

        GET `experiment/metadata`.
        """
        name = self.get_experiment_metadata(experiment_key).get("experimentName") or experiment_key
        return str(name)[:max_length]

    def get_experiment_url(self, experiment_key: str) -> str:
        """The address of the experiment's page. GET `experiment/metadata`."""
        return APIExperiment.of(self._connection, self.get_experiment_metadata(experiment_key)).url

    def get_experiment_metric(self, experiment_key: str, metric: str) -> list[dict[str, Any]]:
        """Every value of a metric, in order. GET `experiment/metrics/get-metric`.

        `metricName`, `metricValue` (a text), `timestamp` (milliseconds since the epoch), `step`, `epoch` and
        `runContext` of each.
        """
        return metrics.points(self._transport, experiment_key, metric)

    def get_experiment_metrics_summaries(self, experiment_key: str) -> list[Summary]:
        """Of every metric the last, least and greatest value. GET `experiment/metrics/summary`.

        `name`, and `value`, `timestamp` and `step` with `Current`, `Min` and `Max` behind them; values are texts.
        """
        return metrics.summary(self._transport, experiment_key)

    def get_experiment_parameters_summaries(self, experiment_key: str) -> list[Summary]:
        """Every parameter, in the shape of a metric's summary. GET `experiment/parameters`."""
        return parameters.summary(self._transport, experiment_key)

    def get_experiment_others_summaries(self, experiment_key: str) -> list[Summary]:
        """Every other, in the shape of a metric's summary. GET `experiment/log-other`."""
        return others.summary(self._transport, experiment_key)

    def get_experiment_tags(self, experiment_key: str) -> list[str]:
        """The experiment's tags. GET `experiment/tags`."""
        return tags.of_experiment(self._transport, experiment_key)

    def get_experiment_code(self, experiment_key: str) -> str | None:
        """The source code, None when none was logged. GET `experiment/code`."""
        return code.read(self._transport, experiment_key)

    def get_experiment_output(self, experiment_key: str) -> str:
        """What the program printed, "" when nothing was logged. GET `experiment/output`."""
        return output.read(self._transport, experiment_key)

    def get_experiment_html(self, experiment_key: str) -> str | None:
        """The experiment's HTML page, "" when nothing was logged. GET `experiment/html`."""
        return html.read(self._transport, experiment_key)

    def get_experiment_graph(self, experiment_key: str) -> str | None:
        """The model graph, None when none was logged. GET `experiment/graph`."""
        return graph.read(self._transport, experiment_key)

    def get_experiment_model_graph(self, experiment_key: str) -> str | None:
        """As `get_experiment_graph`. GET `experiment/graph`."""
        return graph.read(self._transport, experiment_key)

    def get_model_graph(self, experiment_key: str) -> str | None:
        """As `get_experiment_graph`. GET `experiment/graph`."""
        return graph.read(self._transport, experiment_key)

    def get_experiment_installed_packages(self, experiment_key: str) -> list[str]:
        """The packages that were installed, as `name==version`. GET `experiment/system-details`."""
        return list(system_details.read(self._transport, experiment_key).get("installedPackages") or ())

    def get_experiment_models(self, experiment_key: str) -> list[dict[str, Any]]:
        """`modelName`, `experimentModelId` and `experimentKey` of every model it logged. GET `experiment/model`."""
        return models.of_experiment(self._transport, experiment_key)

    def get_experiment_model_asset_list(self, experiment_key: str, model_name: str) -> list[dict[str, Any]]:
        """The assets that make up a model, as `get_experiment_asset_list` gives them.

        GET `experiment/model/asset/list`.
        """
        return models.assets(self._transport, experiment_key, model_name)

    def get_experiment_asset_list(self, experiment_key: str, asset_type: str = "all") -> list[dict[str, Any]]:
        """The experiment's assets, of one type or all. GET `experiment/asset/list`.

        `assetId`, `fileName`, `fileSize` (bytes), `type`, `step`, `runContext`, `link`, `createdAt` (milliseconds since
        the epoch), `metadata` (JSON text), `remote` and others of each.
        """
        return assets.of_experiment(self._transport, experiment_key, asset_type)

    def get_experiment_asset(self, experiment_key: str, asset_id: str, return_type: str = "raw") -> Any:
        """The content of an asset: bytes ("raw" or "binary"), "text", decoded "json", or the HTTP "response".

        GET `experiment/asset/get-asset`.
        """
        return self._at(experiment_key).get_asset(asset_id, _return_type(return_type))

    def get_experiment_asset_by_name(self, experiment_key: str, file_name: str, return_type: str | None = None) -> Any:
        """As `get_experiment_asset`, of the first asset of this name; None when there is none.

        GET `experiment/asset/get-by-name`, then `experiment/asset/get-asset`.
        """
        return self._at(experiment_key).get_asset_by_name(file_name, return_type=_return_type(return_type))

    def get_experiment_images(self, experiment_key: str) -> list[bytes]:
        """Every image, in memory. GET `experiment/asset/list`, then `experiment/asset/get-asset` for each."""
        return self._contents(experiment_key, "image")

    def get_experiment_curves(self, experiment_key: str) -> list[bytes]:
        """Every curve, as JSON. GET `experiment/asset/list`, then `experiment/asset/get-asset` for each."""
        return self._contents(experiment_key, "curve")

    def download_experiment_asset(
        self, experiment_key: str, asset_id: str, output_path: str, log_progress: bool = False
    ) -> None:
        """Saves an asset as the file `output_path`, which is there whole or not at all.

        With `log_progress` every 64 MiB are logged. GET `experiment/asset/get-asset`.
        """
        if not log_progress:
            self._at(experiment_key).download_asset(asset_id, output_path)
        else:
            pieces = assets.download(self._transport, experiment_key, asset_id)
            saving.save(_logged(pieces, output_path), Path(output_path))

    def _contents(self, experiment_key: str, asset_type: str) -> list[bytes]:
        listed = assets.of_experiment(self._transport, experiment_key, asset_type)
        return [assets.read(self._transport, experiment_key, asset["assetId"]) for asset in listed]

    def _at(self, experiment_key: str) -> APIExperiment:
        return APIExperiment.of(self._connection, {"experimentKey": experiment_key})

    @property
    def _transport(self) -> Transport:
        return self._connection.transport


def _return_type(word: str | None) -> str:
    return "binary" if word in (None, "raw") else str(word)


def _logged(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The pieces, with a line in the log for every 64 MiB and one at the end."""
    size = logged = 0
    for piece in pieces:
        yield piece
        size += len(piece)
        if size - logged >= _LOGGED_BYTES:
            logged = size
            logger.info("%s: %d MiB so far", name, size >> 20)
    logger.info("%s: all %d bytes", name, size)
