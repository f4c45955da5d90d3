"""Who asks for what: counted since the start, and written to the access log. Stands before everything else."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timezone
from typing import Literal, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zenml_comet_tracker.local.access_log import AccessLog

# Under which a request finds where it counts what it has stored, once it is committed.
STORED = "comet.stored"
StoredKind: TypeAlias = Literal["points", "parameters", "assets"]
Stored: TypeAlias = dict[StoredKind, int]
_LONGEST_PATH, _LONGEST_METHOD = 1_000, 20
# Anybody may make up others, of which there is no end.
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Counters:
    """What happened since the start. Changed and read by the event loop alone, which needs no lock for it."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        # By method, route and class of the answer's status.
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.stored: Counter[StoredKind] = Counter({"points": 0, "parameters": 0, "assets": 0})
        self.errors = 0
        self.bytes_in = 0
        self.bytes_out = 0


class Traffic:
    """The application, with every request counted and logged."""

    def __init__(self, app: ASGIApp, counters: Counters, log: AccessLog) -> None:
        self.app = app
        self._counters = counters
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            try:
                await self.app(scope, receive, send)
            finally:
                self._log.close()
            return
        request = _Request(scope, receive, send)
        try:
            await self.app(scope, request.receive, request.send)
        finally:
            self._count(scope, request)
            self._log.write(request.entry())

    def _count(self, scope: Scope, request: _Request) -> None:
        counters, status = self._counters, request.status
        method = scope["method"] if scope["method"] in _METHODS else "other"
        counters.requests[method, route_of(scope), f"{status // 100}xx"] += 1
        counters.bytes_in += request.bytes_in
        counters.bytes_out += request.bytes_out
        counters.stored.update(scope[STORED])
        if status >= 500 or status == 0:
            counters.errors += 1


class _Request:
    """One request while it is answered. `status` is 0 for one that got no answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[STORED] = {}
        self._scope = scope
        self._receive = receive
        self._send = send
        self._start = time.monotonic()
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.bytes_out += len(message.get("body", b""))
        await self._send(message)

    def entry(self) -> dict[str, object]:
        """The line of the access log: no query and no header, in which codes and keys come."""
        return {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "method": self._scope["method"][:_LONGEST_METHOD],
            "path": self._scope["path"][:_LONGEST_PATH],
            "status": self.status,
            "milliseconds": round((time.monotonic() - self._start) * 1000, 1),
            "bytesIn": self.bytes_in,
            "bytesOut": self.bytes_out,
        }


def route_of(scope: Scope) -> str:
    """The path as it was declared, with the names of its parameters; "-" when the request came to no route."""
    template: str | None = getattr(scope.get("route"), "path", None)
    if template is None:
        return "-"
    # Newer versions of FastAPI leave out of a route's path what its router was included under.
    known, asked = template.split("/"), scope["path"].split("/")
    own = template.endswith(":path}")
    return template if own else "/".join([*asked[: len(asked) - len(known) + 1], *known[1:]])
