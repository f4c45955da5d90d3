"""The way to a server: what its connections go to first, and where on it they ended."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.proof import ProofError

_UNREADABLE_PROXY = (
    "The address of the proxy, as the environment names it (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), cannot be read. "
    "Expected something like http://proxy.example.org:8080."
)
_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


def is_loopback(root: str) -> bool:
    """Whether the root names this machine."""
    host = urlsplit(root).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Way(NamedTuple):
    """What connections to a root go to first: the server, or the proxy with this address, user and password left out.

    `secure` says whether the server is spoken to by TLS, `checked` whether its certificate is checked, `loopback`
    whether what is gone to first is on this machine.
    """

    host: str
    port: int
    proxy: str | None
    secure: bool
    checked: bool
    loopback: bool


def way_to(root: str, environment: Mapping[str, Any]) -> Way:
    """The way that the HTTP library takes with these settings of its own.

    `ConfigurationError` when the proxy that they name has no address that can be read.
    """
    server = urlsplit(root)
    secure, checked = server.scheme == "https", environment.get("verify") is not False
    named = select_proxy(root, environment.get("proxies"))
    if not named:
        return Way(
            server.hostname or "", server.port or _PORTS[server.scheme], None, secure, checked, is_loopback(root)
        )
    try:
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        port = proxy.port or _PORTS.get(proxy.scheme, 80)
    except ValueError:
        # Which may hold a password.
        raise ConfigurationError(_UNREADABLE_PROXY) from None
    bare = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
    return Way(proxy.hostname or "", port, bare, secure, checked, is_loopback(bare))


def stage_of(error: BaseException) -> str:
    """Where a request ended that got no answer, as `ConnectionFailedError.stage` has it."""
    chain = list(_chain(error))
    if any(isinstance(one, ProofError) for one in chain):
        return "proof"
    # Before TLS, which begins behind the proxy; a proxy may itself be spoken to by TLS.
    if any(isinstance(one, requests.exceptions.ProxyError) for one in chain):
        return "proxy"
    tls = (ssl.SSLError, requests.exceptions.SSLError)
    if any(isinstance(one, tls) or "handshake" in str(one) or "TLS CA certificate" in str(one) for one in chain):
        return "tls"
    return "answer"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it; the libraries hand some of it on as arguments only."""
    left, seen = [error], set[int]()
    while left:
        found = left.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        more = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        left += [one for one in more if isinstance(one, BaseException)]
