"""The faults: what a client meets instead of a server that works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON = "application/json"
SAID_NO = b'{"msg": "no", "code": %d, "sdk_error_code": 0}'


@dataclass(frozen=True)
class Fault:
    """What becomes of a request, in the order in which it would be noticed.

    `closed`: nobody listens at the port. `unknown_host`: the name leads nowhere (in the step's own resolver).
    `stranger`: the certificate is one that nobody trusts. `passes`: the server gets the request before all else, after
    `delay` seconds. `ending` is what the answer meets: "hang" (none, the connection stays), "reset", "close" (none, but
    an orderly end), "cut" (half of the body). With `status`, that is answered instead of the server's own.
    """

    name: str
    closed: bool = False
    unknown_host: bool = False
    stranger: bool = False
    passes: bool = False
    delay: float = 0.0
    ending: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    # For good: the server says that it will never take it, and a client may believe it.
    refuses: bool = False


def _says(status: int, name: str = "", *, refuses: bool = False, **headers: str) -> Fault:
    spelled = {key.replace("_", "-"): value for key, value in headers.items()}
    return Fault(name or str(status), status=status, headers=spelled, body=SAID_NO % status, refuses=refuses)


FAULTS = (
    Fault("connection refused", closed=True),
    Fault("DNS failure", unknown_host=True),
    Fault("black hole", ending="hang"),
    Fault("reset", ending="reset"),
    Fault("TLS error", stranger=True),
    _says(401),
    _says(403),
    _says(404),
    _says(400, refuses=True),
    _says(413),
    _says(429, "429, Retry-After", Retry_After="5"),
    _says(429, "429, Retry-After-Custom", Retry_After_Custom="5"),
    _says(429, "429, no header"),
    _says(500),
    Fault(
        "502 with HTML", status=502, headers={"Content-Type": "text/html"}, body=b"<html><h1>Bad Gateway</h1></html>"
    ),
    _says(503),
    Fault("broken JSON", status=200, body=b'{"msg": "o'),
    Fault("cut body", passes=True, ending="cut"),
    Fault("1 s latency", passes=True, delay=1.0),
    Fault("answer lost after commit", passes=True, ending="close"),
)
NAMES = tuple(fault.name for fault in FAULTS)
# When the fault is there: from before the start for half a minute, for half a minute in the middle, from the middle on,
# or from just before the end on.
WINDOWS = ("start", "middle", "on", "end")
OUTAGE_SECONDS = 30.0


def number_of(name: str) -> int:
    """How a board writes a fault; 0 stands for none."""
    return NAMES.index(name) + 1


def fault_of(number: int) -> Fault | None:
    """The fault that a board names."""
    return FAULTS[number - 1] if number else None
