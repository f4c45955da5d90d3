"""The batch protocol: Comet's own endpoints, as its official client speaks them."""

from __future__ import annotations

from typing import Any, BinaryIO

from zenml_comet_tracker.comet.delivery.protocol import BATCH
from zenml_comet_tracker.comet.delivery.spoken import SpokenProtocol
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.record import METRICS, PARAMETERS, End
from zenml_comet_tracker.comet.resources import Headers, assets, metrics, parameters, status, tags
from zenml_comet_tracker.comet.resources.status import Moment
from zenml_comet_tracker.comet.transport import Transport

_MAX_VALUES = {METRICS: metrics.MAX_BATCH, PARAMETERS: parameters.MAX_BATCH}


class BatchProtocol(SpokenProtocol):
    """Metrics and parameters in batches of up to 1,000; the server's own 429 sets the pace."""

    name = BATCH

    def max_values(self, lane: str) -> int:
        return _MAX_VALUES.get(lane, 1)

    def beat(self, transport: Transport, millis: int) -> float:
        when = Moment(millis, self.header.attempt, self.header.started_millis)
        return status.report(transport, self._api_key, self.handshake, when, alive=True)

    def tell_end(self, transport: Transport, end: End) -> None:
        when = Moment(end.at_millis, end.attempt, self.header.started_millis)
        # The failure first, so that no reader sees a success in between.
        if end.error is not None:
            status.report_end(transport, self.experiment_key, when, error=end.error)
        status.report(transport, self._api_key, self.handshake, when, alive=False)

    def _send_values(self, transport: Transport, lane: str, portion: Portion, headers: Headers) -> None:
        write = metrics.write_batch if lane == METRICS else parameters.write_batch
        write(transport, self.experiment_key, portion.body(), headers)

    def _add_tags(self, transport: Transport, names: list[str], headers: Headers) -> None:
        tags.add(transport, self._api_key, self.experiment_key, names, headers)

    def _upload(self, transport: Transport, row: dict[str, Any], stream: BinaryIO, headers: Headers) -> None:
        upload = assets.upload_image if row["k"] == "image" else assets.upload
        upload(transport, self.experiment_key, self.handshake, assets.AssetUpload(**row["asset"]), stream, headers)
