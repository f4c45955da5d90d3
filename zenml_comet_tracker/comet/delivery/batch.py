"""The batch protocol: Comet's own endpoints, as its official client speaks them."""

from __future__ import annotations

import io
from functools import partial
from typing import Any, BinaryIO

from zenml_comet_tracker.comet.delivery import facts, side_by_side
from zenml_comet_tracker.comet.delivery.protocol import BATCH
from zenml_comet_tracker.comet.delivery.spoken import Printed, SpokenProtocol
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import METRICS, PARAMETERS, REST, End
from zenml_comet_tracker.comet.resources import (
    Headers,
    assets,
    git,
    metrics,
    models,
    output,
    parameters,
    scenes,
    status,
    tags,
)
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.resources.facts import write_all as write_facts
from zenml_comet_tracker.comet.resources.status import Moment, Rhythm
from zenml_comet_tracker.comet.transport import Transport

_MAX_VALUES = {METRICS: metrics.MAX_BATCH, PARAMETERS: parameters.MAX_BATCH}


class BatchProtocol(SpokenProtocol):
    """Metrics and parameters in batches of up to 1,000; the server's own 429 sets the pace."""

    name = BATCH

    def __init__(self, journal: JournalReader, api_key: str, handshake: Handshake) -> None:
        super().__init__(journal, api_key, handshake)
        # The numbers of those that the server has taken, and not yet of all that they went with.
        self._through: set[int] = set()

    def max_values(self, lane: str) -> int:
        if lane != REST:
            return _MAX_VALUES.get(lane, 1)
        return side_by_side.MOST if self._sends_side_by_side else self.handshake.facts_at_once

    @property
    def _sends_side_by_side(self) -> bool:
        # A server that keeps the order of a lane itself takes what is late in it for what it has.
        return self.handshake.facts_at_once == 1 and not self.handshake.journal_lanes

    def part(self, lane: str, portion: Portion) -> Portion:
        return facts.ahead(portion, apart=self._sends_side_by_side) if lane == REST else portion

    def send(self, transport: Transport, lane: str, portion: Portion) -> bool:
        if lane == REST and self._sends_side_by_side:
            self._send_side_by_side(transport, portion)
        elif lane == REST and portion.values > 1:
            headers = self._lane_header(lane, portion)
            write_facts(transport, self.experiment_key, facts.written(portion), headers)
        else:
            return super().send(transport, lane, portion)
        return True

    def _send_side_by_side(self, transport: Transport, portion: Portion) -> None:
        def send(number: int, row: dict[str, Any]) -> None:
            self._send_one(transport, REST, row, None)
            self._through.add(number)

        rows = enumerate(portion.rows(), portion.first)
        # Else a server that never takes all of them at once would never be through with any.
        side_by_side.call_all([partial(send, number, row) for number, row in rows if number not in self._through])
        self._through.clear()

    def beat(self, transport: Transport, millis: int) -> Rhythm:
        when = Moment(millis, self.header.attempt, self.header.started_millis)
        return status.report(transport, self._api_key, self.handshake, when, alive=True)

    def tell_end(self, transport: Transport, end: End) -> None:
        when = Moment(end.at_millis, end.attempt, self.header.started_millis)
        # The failure first, so that no reader sees a success in between. A good end says so itself where an earlier
        # attempt may have failed.
        if end.error is not None or end.ended_as is not None or end.attempt > 1:
            status.report_end(transport, self.experiment_key, when, error=end.error, ended_as=end.ended_as)
        if end.ended_as == "retrying":
            return
        status.report(transport, self._api_key, self.handshake, when, alive=False)
        if end.ended_millis is not None:
            status.set_times(transport, self.experiment_key, end_millis=end.ended_millis)

    def _send_values(self, transport: Transport, lane: str, portion: Portion, headers: Headers) -> None:
        write = metrics.write_batch if lane == METRICS else parameters.write_batch
        write(transport, self.experiment_key, portion.body(), headers)

    def _add_tags(self, transport: Transport, names: list[str], headers: Headers) -> None:
        tags.add(transport, self._api_key, self.experiment_key, names, headers)

    def _upload(self, transport: Transport, row: dict[str, Any], stream: BinaryIO, headers: Headers) -> None:
        key, asset = self.experiment_key, assets.AssetUpload(**row["asset"])
        match row["k"]:
            case "image":
                assets.upload_image(transport, key, self.handshake, asset, stream, headers)
            case "git_patch":
                name = asset.file_name
                git.upload_patch(
                    transport, key, self.handshake, asset.asset_id, stream, file_name=name, headers=headers
                )
            case "scene":
                self._upload_scene(transport, asset, row["points"], stream, headers)
            case _:
                assets.upload(transport, key, self.handshake, asset, stream, headers)

    def _upload_scene(
        self, transport: Transport, scene: assets.AssetUpload, points: int, stream: BinaryIO, headers: Headers
    ) -> None:
        """The first `points` bytes are the points, the rest are boxes."""
        scene_id = scenes.create(transport, self._api_key, self.experiment_key, scene, headers)
        for kind, content in (("points", stream.read(points)), ("boxes", stream.read())):
            if content:
                # Sent again, it takes the place of what was sent before.
                scenes.add_item(transport, self._api_key, self.experiment_key, scene_id, kind, io.BytesIO(content))

    def _link(self, transport: Transport, asset: assets.AssetUpload, link: str, headers: Headers) -> None:
        if asset.grouping_name is None:
            assets.upload_link(transport, self.experiment_key, self.handshake, asset, link, headers)
            return
        entity = {"assetId": asset.asset_id, "remoteUrl": link, "fileName": asset.file_name}
        entity |= {} if asset.metadata is None else {"metadata": asset.metadata}
        models.log_remote(transport, self._api_key, self.experiment_key, asset.grouping_name, [entity], headers)

    def _print(self, transport: Transport, text: str, said: Printed, headers: Headers) -> None:
        output.write(
            transport,
            self.experiment_key,
            [text],
            millis=said.millis,
            offset=said.place,
            stderr=said.stderr,
            context=said.context,
            headers=headers,
        )
