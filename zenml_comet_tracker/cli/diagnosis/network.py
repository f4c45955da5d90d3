"""The way to the server: its name, its port, its certificate, its answer."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli.diagnosis import account
from zenml_comet_tracker.cli.diagnosis.findings import Finding, failed, note, ok, skipped
from zenml_comet_tracker.comet import errors, reach
from zenml_comet_tracker.comet.resources import account as resources
from zenml_comet_tracker.comet.transport import open_transport

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.reach import Address
    from zenml_comet_tracker.comet.settings import ResolvedSettings
    from zenml_comet_tracker.comet.transport import Transport
    from zenml_comet_tracker.comet.transport.ways import Way

_CERTIFICATE = (
    "If the authority is your own, name it: COMET_INCLUDE_CUSTOM_CA_BUNDLE=/path/to/authority.pem. Does the address "
    "name the host as its certificate does? Is this machine's clock right?"
)
_SPEAKS_HTTP = "Something that speaks no TLS answers there; if it is Comet without TLS, write http:// in the address."


def examine(settings: ResolvedSettings, timeout: float) -> Iterator[Finding]:
    """The stages from the name to the quota, as far as each lets the next one be tried."""
    with contextlib.closing(open_transport(settings, read_only=True, patience=timeout)) as transport:
        try:
            way = transport.way
        except errors.ConfigurationError as error:
            yield failed("DNS", str(error), "")
            return
        addresses = yield from _looked_up(way, timeout)
        if not addresses or not (yield from _connected(way, addresses, timeout)):
            return
        details = yield from _answered(transport)
        if details is not None:
            yield from account.examine(transport, settings, details)


def _looked_up(way: Way, timeout: float) -> Generator[Finding, None, list[Address]]:
    who = _who(way)
    try:
        addresses = reach.look_up(way.host, way.port, timeout)
    except OSError as error:
        yield failed("DNS", f"{who} {way.host}: {error.strerror or error}", _unknown(way))
        return []
    found = ", ".join(dict.fromkeys(str(address[0]) for _, address in addresses))
    yield ok("DNS", f"{way.host} is an address" if reach.is_address(way.host) else f"{who} {way.host}: {found}")
    return addresses


def _unknown(way: Way) -> str:
    if way.proxy:
        return f"The connection goes through the proxy {way.proxy}: is HTTPS_PROXY or HTTP_PROXY right?"
    return "Is the address right (--url, COMET_URL_OVERRIDE, the component's url)? Is this machine online?"


def _connected(way: Way, addresses: list[Address], timeout: float) -> Generator[Finding, None, bool]:
    place = f"{_who(way)} {way.host}:{way.port}"
    try:
        address = reach.connect(addresses, timeout)
    except OSError as error:
        yield failed("TCP", f"{place} takes no connection ({error})", _closed(way))
        return False
    yield ok("TCP", f"{place} takes connections, at {address}")
    return True


def _closed(way: Way) -> str:
    if way.proxy:
        return f"The connection goes through the proxy {way.proxy}: is it running, is HTTPS_PROXY or HTTP_PROXY right?"
    if way.loopback:
        return "Is the server running? The local Comet is started with: zenml-comet up"
    return "Is the server running, and the port right? A firewall may be in between; a proxy is named by HTTPS_PROXY."


def _who(way: Way) -> str:
    return "the proxy" if way.proxy else "the server"


def _answered(transport: Transport) -> Generator[Finding, None, dict[str, Any] | None]:
    """What the server says of the key's owner; None after the finding that says why it does not."""
    try:
        details = resources.details(transport)
    except errors.ConnectionFailedError as error:
        yield from _without_answer(transport, error)
        return None
    except errors.RequestError as error:
        yield _trusted(transport.way)
        yield from _with_another_answer(error)
        return None
    yield _trusted(transport.way)
    yield ok("answer", _version(transport))
    return details


def _without_answer(transport: Transport, error: errors.ConnectionFailedError) -> Iterator[Finding]:
    if error.stage == "tls":
        cure = _SPEAKS_HTTP if "WRONG_VERSION_NUMBER" in str(error) else _CERTIFICATE
        yield failed("TLS", str(error), cure)
        return
    if error.stage == "proxy":
        fix = "Does it want a user and a password (HTTPS_PROXY=http://user:password@host:port)? Does it let one there?"
        yield failed("answer", f"the proxy {transport.way.proxy}: {error}", fix)
        return
    yield _trusted(transport.way)
    if error.stage == "proof":
        yield ok("answer", "something answers")
        yield failed("key", str(error), "Take the key that this server has now: zenml-comet status")
        return
    fix = "Something takes connections there and answers nothing. Is the address right, and is the server well?"
    yield failed("answer", str(error), fix)


def _with_another_answer(error: errors.RequestError) -> Iterator[Finding]:
    spent = account.spent(error)
    if spent is None and not isinstance(error, errors.UnauthorizedError | errors.ForbiddenError):
        fix = "Is this the address of a Comet server (--url, COMET_URL_OVERRIDE, the component's url)?"
        if isinstance(error, errors.ServerFaultError):
            fix = "The server itself fails; whoever runs it can tell more. What is logged waits in the journal."
        yield failed("answer", str(error), fix)
        return
    yield ok("answer", "Comet answers")
    yield spent or failed("key", str(error), "Is the key whole, and is it this server's? Comet's page shows it.")


def _trusted(way: Way) -> Finding:
    """What is to be said of TLS, which got as far as an answer."""
    if way.secure and way.checked:
        return ok("TLS", "the certificate is trusted")
    if way.secure:
        return note("TLS", "the certificate is not checked (COMET_INTERNAL_CHECK_TLS_CERTIFICATE)")
    if not way.proxy and way.loopback:
        return skipped("TLS", "plain HTTP, on this machine")
    return note("TLS", "plain HTTP: key and values can be read on the way", "If the server has TLS, write https:// .")


def _version(transport: Transport) -> str:
    try:
        version = resources.version(transport)
    except errors.RequestError:
        # Not every server says it, and nothing depends on it.
        version = None
    return f"Comet {version} answers" if version else "Comet answers"
