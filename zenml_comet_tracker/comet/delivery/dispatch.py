"""From a portion of journal records to the one request that delivers it."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from zenml_comet_tracker.comet.journal.reader import JournalReader, Portion
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, Record
from zenml_comet_tracker.comet.resources import Headers, assets, experiments, html, metrics, others, parameters, tags
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

LANE_HEADER = "X-Comet-Lane"

# How many values one request carries, by lane.
MAX_VALUES = {METRICS: metrics.MAX_BATCH, PARAMETERS: parameters.MAX_BATCH}


@dataclass(frozen=True)
class Dispatch:
    """Sends portions of one journal over one transport, in the shape that its handshake settled."""

    transport: Transport
    api_key: str = field(repr=False)
    reader: JournalReader
    handshake: Handshake

    @property
    def experiment_key(self) -> str:
        """The experiment the journal belongs to."""
        return self.reader.header.experiment_key

    def send(self, lane: str, portion: Portion) -> None:
        """Sends the portion in one request; raises the transport's errors, `JournalError` for a file that is gone."""
        headers = self._lane_header(lane, portion.records[0])
        if lane == METRICS:
            self._send_metrics(portion, headers)
        elif lane == PARAMETERS:
            self._send_parameters(portion, headers)
        elif lane == FILES:
            self._send_file(portion.records[0], headers)
        else:
            self._send_single(portion.records[0], headers)

    def _lane_header(self, lane: str, first: Record) -> Headers:
        if not self.handshake.journal_lanes:
            return None
        return {LANE_HEADER: f"{self.reader.header.writer}/{lane}/{first.sequence}"}

    def _send_metrics(self, portion: Portion, headers: Headers) -> None:
        values = [
            metrics.MetricValue(name, value, record.millis, content.get("p"), content.get("e"), content.get("c"))
            for record in portion.records
            for content in (record.content,)
            for name, value in content["v"]
        ]
        metrics.write_batch(self.transport, self.experiment_key, values, headers)

    def _send_parameters(self, portion: Portion, headers: Headers) -> None:
        values = [
            parameters.ParameterValue(
                name, value, record.millis, content.get("p"), content.get("c"), content.get("o", "manual")
            )
            for record in portion.records
            for content in (record.content,)
            for name, value in content["v"]
        ]
        parameters.write_batch(self.transport, self.experiment_key, values, headers)

    def _send_single(self, record: Record, headers: Headers) -> None:
        key, content = self.experiment_key, record.content
        match content["k"]:
            case "other":
                others.write(self.transport, key, content["name"], content["value"], record.millis, headers)
            case "tags":
                tags.add(self.transport, self.api_key, key, content["tags"], headers)
            case "html":
                html.write(
                    self.transport, key, content["html"], clear=content["clear"], millis=record.millis, headers=headers
                )
            case "file_path":
                experiments.set_file_path(self.transport, key, content["path"], headers)
            case unknown:
                raise ValueError(f"a record of kind {unknown!r}, which this version does not know")

    def _send_file(self, record: Record, headers: Headers) -> None:
        content = record.content
        asset = assets.AssetUpload(**content["asset"])
        upload = assets.upload_image if content["k"] == "image" else assets.upload
        file = self.reader.kept_file(content["file"])
        upload(self.transport, self.experiment_key, self.handshake, asset, file, headers)


def describe(record: Record) -> str:
    """What a record logs, for a message: its kind and its names, never its values."""
    content = record.content
    if "v" in content:
        return ", ".join(str(name) for name, _ in content["v"][:5])
    if "asset" in content:
        return str(content["asset"].get("file_name"))
    return str(orjson.dumps(content.get("name") or content.get("k")).decode())
