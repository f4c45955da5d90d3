"""Whether a request was meant for this server: its Host, its Origin, and what the browser says of its sender.

A server on the loopback is reachable by every web page in the user's browser, so nothing but the request itself tells
friend from foe.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers

SAFE_METHODS = {"GET", "HEAD"}
# The port that clients leave out of the Host header.
HTTP_PORT = 80
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(:(?P<port>[0-9]{1,5}))?")


def is_ours(host: str, port: int) -> bool:
    """Whether a Host header names this machine's loopback, exactly, and our port."""
    match = _HOST.fullmatch(host)
    if match is None or int(match["port"] or HTTP_PORT) != port:
        return False
    name = match["name"]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def foreign(method: str, headers: Headers, port: int) -> str | None:
    """Why the request is refused as coming from elsewhere; None when it is welcome."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_ours(hosts[0], port):
        return f"The Host header has to name this server: localhost:{port} or 127.0.0.1:{port}."
    if method == "OPTIONS":
        return "No other site may call this server."
    origin = headers.get("origin")
    if method not in SAFE_METHODS and origin is not None and origin != f"http://{hosts[0]}":
        return f"A write from the origin {origin[:100]!r} is refused."
    return _foreign_site(method, headers)


def _foreign_site(method: str, headers: Headers) -> str | None:
    site = headers.get("sec-fetch-site", "none")
    if site in ("same-origin", "none"):
        return None
    # A link from another page may open ours; it may not read or embed anything.
    opens_page = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if method in SAFE_METHODS and opens_page:
        return None
    return "A request sent by the page of another site is refused."
