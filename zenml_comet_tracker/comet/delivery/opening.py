"""How an experiment is opened, and which protocol is spoken from then on."""

from __future__ import annotations

import logging
from collections.abc import Callable

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.delivery.auto import AutoProtocol
from zenml_comet_tracker.comet.delivery.batch import BatchProtocol
from zenml_comet_tracker.comet.delivery.protocol import AUTO, BATCH, REST, Protocol, no_such_path
from zenml_comet_tracker.comet.delivery.quota import Quota, shared_quota
from zenml_comet_tracker.comet.delivery.rest import RestProtocol
from zenml_comet_tracker.comet.delivery.server_keys import ServerKey, ServerKeys
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import OPENED, SERVER_KEY, SHARED, SPOKEN
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)


class Opening:
    """Opens the experiment of one journal, under our key wherever the server takes it.

    Which protocol is spoken, and the key that a server made, are remembered in the journal for its next deliverer.
    """

    def __init__(
        self,
        journal: JournalReader,
        api_key: str,
        wall_millis: Callable[[], int],
        new_quota: Callable[[], Quota] | None = None,
    ) -> None:
        self._journal = journal
        self._api_key = api_key
        self._wall_millis = wall_millis
        header = journal.header
        self._folder = None if journal.folder is None else journal.folder.parent
        self._keys = ServerKeys(self._folder)
        self._new_quota = new_quota or (lambda: shared_quota(header.root, header.key_fingerprint, self._folder))

    def open(self, transport: Transport) -> Protocol:
        """The protocol to speak, with the server's handshake. Raises the transport's errors.

        A server that has no handshake makes the experiment under a key of its own (`write/experiment/create`), which
        all writers on this machine share, unless `batch` was asked for. `TakenError` when it was to be a new experiment
        and is none.
        """
        if note := self._journal.noted(SERVER_KEY):
            return self._join_made(transport, _server_key(note))
        opened_before = self._journal.marked(OPENED)
        joins = self._joins
        # Before the request: its answer may be lost, or we may die, and the experiment is ours then too.
        self._journal.mark(OPENED)
        try:
            return self._open(transport, joins)
        except (errors.StatusError, errors.TakenError) as refusal:
            if not joins and self._journal.marked(SHARED):
                # Meanwhile there are others, one of which may have been faster.
                return self._open(transport, joins=True)
            if not opened_before and not isinstance(refusal, errors.ServerFaultError):
                self._journal.unmark(OPENED)
            raise

    def _open(self, transport: Transport, joins: bool) -> Protocol:
        header = self._journal.header
        wanted = experiments.Opening(
            header.experiment_key,
            header.workspace,
            header.project_name,
            header.started_millis,
            joins,
            header.attempt,
        )
        try:
            handshake = experiments.open_experiment(transport, self._api_key, wanted)
        except errors.StatusError as refusal:
            if header.protocol == BATCH or not no_such_path(refusal):
                raise
            return self._open_over_rest(transport, refusal, joins)
        return self._settled(handshake)

    @property
    def _joins(self) -> bool:
        """Whether an experiment that exists is ours: asked for, or opened by an earlier attempt or another writer."""
        header = self._journal.header
        related = header.parent_writer is not None or self._journal.marked(SHARED)
        return header.mode != "create" or related or self._journal.marked(OPENED)

    def _settled(self, handshake: Handshake) -> Protocol:
        """The protocol for a server that opened the experiment under our key."""
        wanted = self._journal.header.protocol
        if wanted == REST or (wanted == AUTO and self._journal.noted(SPOKEN) == REST):
            return self._rest(handshake)
        self._journal.note(SPOKEN, BATCH)
        batch = BatchProtocol(self._journal, self._api_key, handshake)
        if wanted == BATCH:
            return batch
        return AutoProtocol(self._journal, batch, self._new_rest(handshake), self._wall_millis)

    def _open_over_rest(self, transport: Transport, refusal: errors.StatusError, joins: bool) -> Protocol:
        """For a server without a handshake: joins what it has under our key, else has it make an experiment."""
        header = self._journal.header
        if joins:
            try:
                return self._rest(experiments.join(transport, header.experiment_key))
            except errors.StatusError as error:
                if error.status not in (400, 404):
                    raise
        key, made = self._keys.find_or_make(header.root, header.experiment_key, lambda: self._make(transport, refusal))
        if not made and not joins:
            raise errors.TakenError(f"Experiment {header.experiment_key} exists already, as {key.experiment_key} there")
        self._journal.note(SERVER_KEY, f"{key.experiment_key} {key.started_millis}")
        return self._join_made(transport, key)

    def _make(self, transport: Transport, refusal: errors.StatusError) -> ServerKey:
        header = self._journal.header
        try:
            made = experiments.create(transport, header.workspace, header.project_name)
        except errors.StatusError as error:
            # Neither the one nor the other: no Comet, and the first answer says more about that.
            raise (refusal if no_such_path(error) else error) from None
        logger.warning(
            "%s, so experiment %s has a key of the server's there: %s. Other machines do not know that; give them this "
            "key with mode='get_or_create'.",
            refusal,
            header.experiment_key,
            made,
        )
        return ServerKey(made, header.started_millis)

    def _join_made(self, transport: Transport, key: ServerKey) -> Protocol:
        return self._rest(experiments.join(transport, key.experiment_key), key.started_millis)

    def _rest(self, handshake: Handshake, started_millis: int | None = None) -> RestProtocol:
        self._journal.note(SPOKEN, REST)
        return self._new_rest(handshake, started_millis)

    def _new_rest(self, handshake: Handshake, started_millis: int | None = None) -> RestProtocol:
        # The local Comet, which knows our lanes, has no limits.
        quota = None if handshake.journal_lanes else self._new_quota()
        return RestProtocol(self._journal, self._api_key, handshake, quota, started_millis)


def _server_key(note: str) -> ServerKey:
    key, _, started = note.partition(" ")
    return ServerKey(key, int(started))
