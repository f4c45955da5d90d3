"""Requests that wait when a server asks for it, and are repeated where that does no harm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import IO, Any, Concatenate, ParamSpec, TypeVar

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.transport import Transport

P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS = 8
# A server that wants to be left alone for longer has its quota used up for the day.
_LONGEST_WAIT_SECONDS = 900.0
_DOWNLOADS = 3


class Patient:
    """A transport whose calls wait out a 429. Nothing was stored then, so that writes are repeated too; after any other
    failure they are not, because they may have been."""

    def __init__(self, transport: Transport, sleep: Callable[[float], None] = time.sleep) -> None:
        self.transport = transport
        self._sleep = sleep

    def ask(self, call: Callable[Concatenate[Transport, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call answers."""
        for attempt in range(_ATTEMPTS):
            try:
                return call(self.transport, *args, **kwargs)
            except errors.ThrottledError as error:
                if attempt == _ATTEMPTS - 1 or error.retry_after > _LONGEST_WAIT_SECONDS:
                    raise
                self._sleep(error.retry_after)
        raise AssertionError

    def fetch(self, file: IO[bytes], call: Callable[..., tuple[int, Iterator[bytes]]], *args: Any) -> None:
        """Reads into the file what it does not hold yet. `call` takes `args` and where to begin; a download that is cut
        off goes on where it was."""
        for attempt in range(_DOWNLOADS):
            try:
                begin, pieces = self.ask(lambda transport: call(transport, *args, file.seek(0, 2)))
                file.seek(begin)
                file.truncate()
                for piece in pieces:
                    file.write(piece)
                return
            except (errors.ConnectionFailedError, errors.ThrottledError) as error:
                if attempt == _DOWNLOADS - 1:
                    raise
                self._sleep(getattr(error, "retry_after", 1.0))
