"""What both protocols send alike: one request for each portion, marked with its place in its lane."""

from __future__ import annotations

import logging
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import orjson

from zenml_comet_tracker.comet.delivery.protocol import Protocol, no_such_path
from zenml_comet_tracker.comet.errors import NotFoundError, StatusError
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import BATCHED_LANES, FILES, METRICS, Header
from zenml_comet_tracker.comet.registry.registration import Registration, register
from zenml_comet_tracker.comet.resources import (
    Headers,
    code,
    dependencies,
    experiments,
    git,
    graph,
    html,
    metrics,
    notifications,
    others,
    status,
    system_details,
)
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.resources.experiments import ATTEMPT_HEADER, Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

LANE_HEADER = "X-Comet-Lane"
# Kinds of records for which a server may lack the path that has all others.
_NOT_EVERYWHERE = frozenset(
    {"code", "dependencies", "file_path", "git", "git_patch", "graph", "link", "notification", "output", "scene"}
    | {"system", "times"}
)


@dataclass(frozen=True)
class Printed:
    """When something was printed (milliseconds since the epoch), at which place among all, where to, in what context.

    Without a place it goes behind all that is there.
    """

    millis: int
    place: int | None
    stderr: bool
    context: str | None


class SpokenProtocol(Protocol):
    """A protocol that speaks for itself; what it says of values, tags, files and life is its own."""

    def __init__(self, journal: JournalReader, api_key: str, handshake: Handshake) -> None:
        self._journal = journal
        self._api_key = api_key
        self.handshake = handshake

    @property
    def header(self) -> Header:
        """Who wrote the journal, and for what."""
        return self._journal.header

    @property
    def experiment_key(self) -> str:
        """The key under which the server knows the experiment."""
        return self.handshake.experiment_key

    def send(self, transport: Transport, lane: str, portion: Portion) -> bool:
        headers = self._lane_header(lane, portion)
        if lane in BATCHED_LANES:
            if lane == METRICS and self.header.attempt > 1 and not self.handshake.attempts_apart:
                rows = metrics.of_attempt(portion.rows(), self.header.attempt)
                portion = replace(portion, lines=[orjson.dumps(row) for row in rows])
            self._send_values(transport, lane, portion, headers)
            return True
        (row,) = portion.rows()
        self._send_one(transport, lane, row, headers)
        return True

    def _send_one(self, transport: Transport, lane: str, row: dict[str, Any], headers: Headers) -> None:
        try:
            self._send_record(transport, lane, row, headers)
        except StatusError as error:
            if row["k"] in _NOT_EVERYWHERE and no_such_path(error):
                # Else all that follows in its lane would wait for a path that may never come.
                raise ValueError(f"the server has no place for it: {error}") from error
            raise

    def _send_record(self, transport: Transport, lane: str, row: dict[str, Any], headers: Headers) -> None:
        if lane == FILES:
            with self._journal.open_kept(row["file"]) as stream:
                if row["k"] == "registration":
                    self._register(transport, orjson.loads(stream.read()), headers)
                else:
                    self._upload(transport, row, stream, headers)
        else:
            self._send_row(transport, row, headers)

    @abstractmethod
    def _send_values(self, transport: Transport, lane: str, portion: Portion, headers: Headers) -> None: ...

    @abstractmethod
    def _add_tags(self, transport: Transport, names: list[str], headers: Headers) -> None: ...

    @abstractmethod
    def _upload(self, transport: Transport, row: dict[str, Any], stream: BinaryIO, headers: Headers) -> None: ...

    @abstractmethod
    def _link(self, transport: Transport, asset: AssetUpload, link: str, headers: Headers) -> None: ...

    @abstractmethod
    def _print(self, transport: Transport, text: str, said: Printed, headers: Headers) -> None: ...

    def _lane_header(self, lane: str, portion: Portion) -> Headers:
        if not self.handshake.journal_lanes:
            return None
        mark = {LANE_HEADER: f"{self.header.writer}/{lane}/{portion.first}"}
        return mark if lane == FILES else {**mark, ATTEMPT_HEADER: str(self.header.attempt)}

    def _send_row(self, transport: Transport, row: dict[str, Any], headers: Headers) -> None:
        key, millis = self.experiment_key, row["t"]
        match row["k"]:
            case "other":
                others.write(transport, key, row["name"], row["value"], millis, headers)
            case "tags":
                self._add_tags(transport, row["tags"], headers)
            case "html":
                html.write(transport, key, row["html"], clear=row["clear"], millis=millis, headers=headers)
            case "output":
                self._print(transport, row["text"], self._printed(row), headers)
            case "link":
                self._link(transport, AssetUpload(**row["asset"]), row["link"], headers)
            case "notification":
                self._notify(transport, row["message"], headers)
            case _:
                self._send_fact(transport, row, headers)

    def _send_fact(self, transport: Transport, row: dict[str, Any], headers: Headers) -> None:
        """What takes the place of what was said before."""
        key = self.experiment_key
        match row["k"]:
            case "file_path":
                experiments.set_file_path(transport, key, row["path"], headers)
            case "graph":
                graph.write(transport, key, row["graph"], headers)
            case "code":
                code.write(transport, key, row["code"], headers)
            case "git":
                git.write_metadata(transport, key, row["git"], headers)
            case "system":
                system_details.write(transport, key, row["details"], headers)
            case "dependencies":
                dependencies.write(transport, key, row["versions"], row["t"], headers)
            case "times":
                status.set_times(transport, key, row["start"], row["end"], headers)
            case unknown:
                raise ValueError(f"a record of kind {unknown!r}, which this version does not know")

    def _register(self, transport: Transport, wanted: Registration, headers: Headers) -> None:
        try:
            register(transport, self.experiment_key, wanted, headers)
        except NotFoundError as error:
            # The model is not there, nor will be: what was logged before has gone before.
            raise ValueError(str(error)) from error

    def _printed(self, row: dict[str, Any]) -> Printed:
        # A server that keeps the order of a lane itself needs no places, which several writers could not agree on.
        place = None if self.handshake.journal_lanes else self.handshake.output_offset + row["offset"]
        return Printed(row["t"], place, row["stderr"], row["context"])

    def _notify(self, transport: Transport, message: dict[str, Any], headers: Headers) -> None:
        said = {**message, "experiment_link": self.handshake.page}
        try:
            notifications.send(transport, self._api_key, self.experiment_key, said, headers)
        except NotFoundError as error:
            logger.debug("%s passes on no notifications: %s", transport.root, error)
