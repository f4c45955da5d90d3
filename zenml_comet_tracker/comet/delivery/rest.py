"""The REST protocol: what Comet documents, one value a request, within what it allows an API key."""

from __future__ import annotations

import logging
from typing import Any, BinaryIO

from zenml_comet_tracker.comet.delivery.protocol import REST
from zenml_comet_tracker.comet.delivery.quota import Quota
from zenml_comet_tracker.comet.delivery.spoken import Printed, SpokenProtocol
from zenml_comet_tracker.comet.errors import PacedError
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import METRICS, End
from zenml_comet_tracker.comet.resources import Headers, assets, git, metrics, output, parameters, status, tags
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.resources.status import Moment, Rhythm
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)


class RestProtocol(SpokenProtocol):
    """One value a request. `quota` is None for a server that has no limits.

    `started_millis` is when an experiment that the server made began, None for one that it opened with our time.
    """

    name = REST

    def __init__(
        self,
        journal: JournalReader,
        api_key: str,
        handshake: Handshake,
        quota: Quota | None,
        started_millis: int | None = None,
    ) -> None:
        super().__init__(journal, api_key, handshake)
        self._quota = quota
        self._started_millis = started_millis
        self._ids_differ = False

    def max_values(self, lane: str) -> int:
        return 1

    def send(self, transport: Transport, lane: str, portion: Portion) -> bool:
        if self._quota is not None and (wait := self._quota.take(values=int(lane == METRICS))):
            raise PacedError(f"Delivery of {lane} over REST", retry_after=wait)
        return super().send(transport, lane, portion)

    def beat(self, transport: Transport, millis: int) -> Rhythm:
        self._spend()
        when = Moment(millis, self.header.attempt, self.header.started_millis)
        return status.keep_alive(transport, self.experiment_key, when)

    def tell_end(self, transport: Transport, end: End) -> None:
        self._spend()
        when = Moment(end.at_millis, end.attempt, self.header.started_millis)
        status.report_end(transport, self.experiment_key, when, error=end.error, ended_as=end.ended_as)
        if end.ended_as == "retrying":
            return
        if not self.handshake.journal_lanes:
            # The documented call has no time of its own, and the end may be delivered days later.
            self._spend()
            ended = end.at_millis if end.ended_millis is None else end.ended_millis
            status.set_times(transport, self.experiment_key, self._started_millis, ended)
        elif end.ended_millis is not None:
            status.set_times(transport, self.experiment_key, end_millis=end.ended_millis)

    def _spend(self) -> None:
        if self._quota is not None:
            self._quota.take(must=True)

    def _send_values(self, transport: Transport, lane: str, portion: Portion, headers: Headers) -> None:
        (row,) = portion.rows()
        write = metrics.write if lane == METRICS else parameters.write
        write(transport, self.experiment_key, row, headers)

    def _add_tags(self, transport: Transport, names: list[str], headers: Headers) -> None:
        tags.write(transport, self.experiment_key, names, headers)

    def _upload(self, transport: Transport, row: dict[str, Any], stream: BinaryIO, headers: Headers) -> None:
        asset = assets.AssetUpload(**row["asset"])
        if row["k"] == "git_patch":
            name = asset.file_name
            git.write_patch(transport, self.experiment_key, stream, file_name=name, headers=headers)
            return
        kind = asset.type or row["k"]
        stored_as = assets.write(transport, self.experiment_key, asset, kind, stream, headers)
        self._compare_ids(transport, asset, stored_as)

    def _link(self, transport: Transport, asset: assets.AssetUpload, link: str, headers: Headers) -> None:
        stored_as = assets.write_link(transport, self.experiment_key, asset, link, headers)
        self._compare_ids(transport, asset, stored_as)

    def _print(self, transport: Transport, text: str, said: Printed, headers: Headers) -> None:
        output.write_lines(
            transport,
            self.experiment_key,
            text,
            millis=said.millis,
            offset=said.place,
            stderr=said.stderr,
            context=said.context,
            headers=headers,
        )

    def _compare_ids(self, transport: Transport, asset: assets.AssetUpload, stored_as: str | None) -> None:
        if stored_as not in (None, asset.asset_id) and not self._ids_differ:
            self._ids_differ = True
            logger.warning(
                "%s gives the assets of experiment %s ids of its own: those that logging calls returned find nothing.",
                transport.root,
                self.experiment_key,
            )
