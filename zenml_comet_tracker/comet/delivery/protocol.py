"""The ways in which a journal's content may be put to the server, and what all of them can do."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from zenml_comet_tracker.comet.arguments import expect
from zenml_comet_tracker.comet.errors import StatusError
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.record import End
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.resources.status import Rhythm
from zenml_comet_tracker.comet.transport import Transport

# Comet's own endpoints, as its official client speaks them.
BATCH = "batch"
# Documented REST v2.
REST = "rest"
# The first, and the second where the first is refused.
AUTO = "auto"
PROTOCOLS = (AUTO, BATCH, REST)
VARIABLE = "ZENML_COMET_PROTOCOL"
# There is no such path here, or none for this method.
_NO_SUCH_PATH = (404, 405, 501)


def chosen_protocol(argument: str | None) -> str:
    """The protocol that the argument or `ZENML_COMET_PROTOCOL` names, else `auto`; `ConfigurationError` for others."""
    protocol = argument or os.environ.get(VARIABLE) or AUTO
    expect("protocol", protocol, PROTOCOLS)
    return protocol


def no_such_path(error: StatusError) -> bool:
    """Whether the answer is about the path; Comet's own words about key or experiment carry a code."""
    return error.status in _NO_SUCH_PATH and not error.sdk_error_code


class Protocol(ABC):
    """Puts portions of one journal, and the life of its experiment, to a server that has opened it.

    Every method may raise the transport's errors. Threads: any number, each with a transport of its own.
    """

    handshake: Handshake

    @property
    @abstractmethod
    def name(self) -> str:
        """Which of the two is spoken now: `batch` or `rest`."""

    @abstractmethod
    def max_values(self, lane: str) -> int:
        """How many values of a lane one request carries."""

    def part(self, lane: str, portion: Portion) -> Portion:
        """What one request takes of a portion that has no more than `max_values`, from its beginning."""
        return portion

    @abstractmethod
    def send(self, transport: Transport, lane: str, portion: Portion) -> bool:
        """Whether the portion was delivered, in one request; False asks for the lane to be looked at again.

        `JournalError` for a file that is gone, `ValueError` or `KeyError` for a record that is none of ours.
        """

    @abstractmethod
    def beat(self, transport: Transport, millis: int) -> Rhythm:
        """Says that the experiment lives; when the server wants to hear that again, and other things."""

    @abstractmethod
    def tell_end(self, transport: Transport, end: End) -> None:
        """Says how the experiment ended."""
