"""The batch protocol where it is allowed, documented REST where it turns out not to be."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from zenml_comet_tracker.comet.delivery.batch import BatchProtocol
from zenml_comet_tracker.comet.delivery.protocol import REST, Protocol, no_such_path
from zenml_comet_tracker.comet.delivery.rest import RestProtocol
from zenml_comet_tracker.comet.errors import RequestError, StatusError
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import BATCHED_LANES, SPOKEN, End
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.resources.status import Rhythm
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A gateway keeps us from the path, or the server's sign-in stumbles, which passes.
_KEPT_OUT = (401, 403)
KEPT_OUT_MILLIS = 60_000


class AutoProtocol(Protocol):
    """Speaks batch until the server refuses its paths while REST knows the experiment, from then on REST.

    A path that is not there is refused at once; one that we are kept from (401, 403), when that has lasted a minute.
    What is refused for another reason (the key, the experiment, a value) stays refused.
    """

    def __init__(
        self, journal: JournalReader, batch: BatchProtocol, rest: RestProtocol, wall_millis: Callable[[], int]
    ) -> None:
        self.handshake = batch.handshake
        self._journal = journal
        self._rest = rest
        self._wall_millis = wall_millis
        self._lock = threading.Lock()
        self._current: BatchProtocol | RestProtocol = batch
        # Since when, in the journal too: a short process, and the sync that follows it, each see only one refusal.
        self._kept_out = {lane: int(journal.noted(_note(lane)) or 0) for lane in BATCHED_LANES}

    @property
    def name(self) -> str:
        return self._current.name

    def max_values(self, lane: str) -> int:
        return self._current.max_values(lane)

    def part(self, lane: str, portion: Portion) -> Portion:
        return self._current.part(lane, portion)

    def send(self, transport: Transport, lane: str, portion: Portion) -> bool:
        def send(protocol: Protocol) -> bool:
            # What was cut for a batch is cut anew for REST.
            return portion.values <= protocol.max_values(lane) and protocol.send(transport, lane, portion)

        sent = self._spoken(transport, send, lane)
        if self._kept_out.get(lane):
            self._remember_kept_out(lane, 0)
        return sent

    def beat(self, transport: Transport, millis: int) -> Rhythm:
        return self._spoken(transport, lambda protocol: protocol.beat(transport, millis))

    def tell_end(self, transport: Transport, end: End) -> None:
        self._spoken(transport, lambda protocol: protocol.tell_end(transport, end))

    def _spoken(self, transport: Transport, say: Callable[[Protocol], T], lane: str = "") -> T:
        protocol = self._current
        try:
            return say(protocol)
        except StatusError as error:
            if protocol is self._rest or not self._about_the_path(error, lane) or not self._rest_answers(transport):
                raise
            self._fall_back(error)
        return say(self._rest)

    def _about_the_path(self, error: StatusError, lane: str) -> bool:
        # A gateway may refuse a file for what it holds, but metrics and parameters all look alike.
        if lane in BATCHED_LANES and error.status in _KEPT_OUT and not error.sdk_error_code:
            return self._kept_out_for_long(lane)
        return no_such_path(error)

    def _kept_out_for_long(self, lane: str) -> bool:
        now, since = self._wall_millis(), self._kept_out[lane]
        if not 0 < since <= now:
            self._remember_kept_out(lane, now)
            return False
        return now - since >= KEPT_OUT_MILLIS

    def _remember_kept_out(self, lane: str, millis: int) -> None:
        self._kept_out[lane] = millis
        self._journal.note(_note(lane), str(millis))

    def _rest_answers(self, transport: Transport) -> bool:
        """Whether the same key reads the experiment over REST: then it is the path that was refused."""
        try:
            experiments.join(transport, self.handshake.experiment_key)
        except RequestError as error:
            logger.debug("Experiment %s cannot be read over REST either: %s", self.handshake.experiment_key, error)
            return False
        return True

    def _fall_back(self, error: StatusError) -> None:
        with self._lock:
            if self._current is self._rest:
                return
            self._current = self._rest
            self._journal.note(SPOKEN, REST)
        logger.warning(
            "%s, though the server opened experiment %s: what follows goes over documented REST, one value a request "
            "and at most 15,000 requests an hour for one API key.",
            error,
            self.handshake.experiment_key,
        )


def _note(lane: str) -> str:
    return f"{lane}.kept-out"
