"""Transports for one experiment after the other: to make a connection takes several round trips."""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import time
from collections.abc import Callable

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.settings import ResolvedSettings
from zenml_comet_tracker.comet.transport import Transport, open_transport

# Steps of a pipeline follow each other faster, and servers keep an idle connection for longer.
SECONDS = 3.0
# By which the HTTP library goes.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_VARIABLES = (*_PROXIES, *map(str.upper, _PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class KeptTransports:
    """One idle transport for each way to a server. It is never in use twice; what waits for too long is closed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = forks.Lock()
        self.anew()

    def anew(self) -> None:
        """As at first: in a forked child the connections are the parent's."""
        self._idle: dict[bytes, tuple[Transport, float]] = {}

    def take(self, settings: ResolvedSettings) -> Transport:
        """As `open_transport`; with its `release` it is kept for the next one."""
        way = _way(settings)
        with self._lock:
            transport, since = self._idle.pop(way, (None, 0.0))
        if transport is not None and self._clock() - since <= SECONDS:
            return transport
        if transport is not None:
            transport.close()
        made = open_transport(settings)
        made.release = functools.partial(self._keep, way, made)
        return made

    def close(self) -> None:
        """Closes all that is idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for transport, _ in idle.values():
            transport.close()

    def _keep(self, way: bytes, transport: Transport) -> None:
        with self._lock:
            before, _ = self._idle.pop(way, (None, 0.0))
            self._idle[way] = (transport, self._clock())
        if before is not None:
            before.close()


def _way(settings: ResolvedSettings) -> bytes:
    """Of all that a transport is made of, the environment's part included; key and headers are not to be read in it."""
    tls = (settings.check_tls_certificate, settings.custom_ca_bundle)
    own = (settings.root, settings.api_key, *tls, settings.timeout, *sorted(settings.extra_headers.items()))
    return hashlib.sha256(repr((*own, *(os.environ.get(name) for name in _VARIABLES))).encode()).digest()


kept_transports = KeptTransports()
atexit.register(kept_transports.close)
os.register_at_fork(after_in_child=kept_transports.anew)
