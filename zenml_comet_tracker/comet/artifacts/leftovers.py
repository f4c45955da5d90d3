"""Uploads that no process of their own goes on with: cut, never begun for want of a server, or logged offline."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts import kept
from zenml_comet_tracker.comet.artifacts.record import UploadRecord, records_in
from zenml_comet_tracker.comet.artifacts.upload import Contents, Upload
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.delivery.server_keys import ServerKeys
from zenml_comet_tracker.comet.journal.record import Header
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.resources.experiments import Handshake, Opening
from zenml_comet_tracker.comet.settings import ResolvedSettings

# Between two looks whether it is through, or the server away.
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Leftover:
    """An upload that waits. `journals` is the folder that it was found in."""

    header: Header
    contents: Contents
    record: UploadRecord
    journals: Path

    @property
    def files_left(self) -> int:
        """How many files the server does not have yet."""
        return max(0, len(self.contents.files) - len(self.record.done))

    def bring(self, settings: ResolvedSettings, stopped: Callable[[], bool] = lambda: False) -> Upload:
        """The upload, through or given up because the server does not answer.

        Raises what the server answers to the question for the experiment, which has to be there.
        """
        with Connection(settings) as connection:
            handshake = self._handshake(connection)
            upload = Upload(lambda: connection.transport, lambda: handshake, self.contents, self.record)
            upload.start()
            while not upload.wait(LOOK_SECONDS):
                if upload.away or stopped():
                    upload.stop()
            return upload

    def _handshake(self, connection: Connection) -> Handshake:
        key = ServerKeys(self.journals).find(self.header.root, self.header.experiment_key)
        joined = experiments.join(
            connection.transport, self.header.experiment_key if key is None else key.experiment_key
        )
        opening = Opening(joined.experiment_key, None, None, 0, join=True)
        try:
            return experiments.open_experiment(connection.transport, connection.settings.api_key, opening)
        except errors.StatusError:
            # A server that speaks documented REST only.
            return joined


@contextlib.contextmanager
def leftovers(journals: Path) -> Iterator[list[Leftover]]:
    """The uploads that wait in a folder of journals, the oldest first, held for the length of the block."""
    records = list(records_in(journals))
    try:
        yield [
            Leftover(kept.header_of(record.wanted), kept.contents_of(record.wanted), record, journals)
            for record in records
            if record.wanted is not None
        ]
    finally:
        for record in records:
            record.close(finished=False)
