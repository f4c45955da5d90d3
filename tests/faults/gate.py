"""A gate in front of a server that works: it passes requests on, unless the fault of the moment forbids it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.faults.board import Board
from tests.faults.catalog import Fault, fault_of

# The step waits for the gate at each turn of the fault.
_WATCH_SECONDS = 0.003
_LINGER_NOT = struct.pack("ii", 1, 0)


class Certificates:
    """The gate's own certificate, whose authority the client is told of, and one of somebody else."""

    def __init__(self, folder: Path) -> None:
        import trustme

        known = trustme.CA()
        self.bundle = folder / "authority.pem"
        known.cert_pem.write_to_path(str(self.bundle))
        self.own, self.strange = (self._context(authority) for authority in (known, trustme.CA()))

    @staticmethod
    def _context(authority: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context


class Gate:
    """Listens at a port of its own; the board says which fault holds now.

    `on_request` is called with the number of each request, at "received" (half of its body is here) and at "answered"
    (the server is done, the client is not told). `requests` counts all, `met` those under a fault.
    """

    def __init__(
        self,
        upstream: str,
        board: Board,
        *,
        rate: float = 1.0,
        certificates: Certificates | None = None,
        on_request: Callable[[int, str], Any] = lambda number, moment: None,
    ) -> None:
        self.upstream = urlsplit(upstream)
        self.board = board
        self.rate = rate
        self.certificates = certificates
        self.on_request = on_request
        self.requests = 0
        self.met = 0
        self.fault: Fault | None = None
        self.turned = threading.Event()
        self._connections: set[socket.socket] = set()
        self._counting = threading.Lock()
        # Bound and never listening: while the door is shut, the port refuses and stays ours.
        self._place = _bound(0)
        self._port = self._place.getsockname()[1]
        self.root = f"{'https' if certificates else 'http'}://127.0.0.1:{self._port}"
        self._door: _Door | None = _Door(self, self._port)
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def close(self) -> None:
        self._stop.set()
        self._watcher.join()
        self.turned.set()
        if self._door is not None:
            self._door.shut()
        self._hang_up()
        self._place.close()

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            wanted = self.board["fault"]
            if wanted != self.board["applied"]:
                self._apply(fault_of(wanted))
                self.board["applied"] = wanted

    def _apply(self, fault: Fault | None) -> None:
        self.fault = fault
        self.turned.set()
        self.turned = threading.Event()
        closed = fault is not None and fault.closed
        if closed and self._door is not None:
            self._door.shut()
            self._door = None
        if fault is not None and (closed or fault.stranger or fault.unknown_host or fault.ending == "reset"):
            self._hang_up()
        if not closed and self._door is None:
            self._door = _Door(self, self._port)

    def greeted(self, connection: socket.socket) -> None:
        """Takes note of a connection."""
        self._connections.add(connection)

    def parted(self, connection: socket.socket) -> None:
        """Forgets a connection."""
        self._connections.discard(connection)

    def next_request(self) -> int:
        """The number of the request that has just begun."""
        self.requests += 1
        self.met += self.fault is not None
        return self.requests

    def struck(self, change: int) -> None:
        """Counts the requests that have met a fault and not yet their end."""
        with self._counting:
            self.board["struck"] += change

    def _hang_up(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Door(ThreadingHTTPServer):
    daemon_threads = True
    # Those that hang would be waited for.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, gate: Gate, port: int) -> None:
        self.gate = gate
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def shut(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not like a certificate, is what this is all about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go out in two pieces, and the second would wait 40 ms for the first to be acknowledged.
    disable_nagle_algorithm = True
    server: _Door
    upstream: http.client.HTTPConnection | None = None

    def setup(self) -> None:
        self.gate = self.server.gate
        certificates, fault = self.gate.certificates, self.gate.fault
        if certificates is not None:
            context = certificates.strange if fault is not None and fault.stranger else certificates.own
            self.request.settimeout(30)
            self.request = context.wrap_socket(self.request, server_side=True)
        self.gate.greeted(self.request)
        super().setup()

    def finish(self) -> None:
        self.gate.parted(self.request)
        if self.upstream is not None:
            self.upstream.close()
        super().finish()
        self.request.close()

    def _respond(self) -> None:
        gate = self.gate
        number = gate.next_request()
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size // 2)
        gate.on_request(number, "received")
        body += self.rfile.read(size - size // 2)
        fault, turned = gate.fault, gate.turned
        gate.struck(fault is not None)
        try:
            if fault is not None and fault.delay:
                time.sleep(fault.delay / gate.rate)
            if fault is None or fault.passes:
                answer = self._passed_on(body)
            else:
                answer = fault.status, {"Content-Type": JSON_TYPE, **fault.headers}, fault.body
            gate.on_request(number, "answered")
            self._tell(*answer, ending=fault.ending if fault is not None else "", turned=turned)
        finally:
            gate.struck(-(fault is not None))

    do_GET = do_POST = do_PUT = _respond  # noqa: N815

    def _passed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        left_out = ("host", "content-length", "connection", "accept-encoding")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        if self.upstream is None:
            host, port = self.gate.upstream.hostname or "", self.gate.upstream.port
            self.upstream = http.client.HTTPConnection(host, port, timeout=60)
        try:
            self.upstream.request(self.command, self.path, body, headers)
            answered = self.upstream.getresponse()
            content = answered.read()
        except (OSError, http.client.HTTPException):
            # The server behind is away, or was killed: the client sees what a gateway would say.
            self.upstream.close()
            return 502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"
        kept = {name: answered.headers[name] for name in ("Content-Type", "Location") if name in answered.headers}
        return answered.status, kept, content

    def _tell(self, status: int, headers: dict[str, str], body: bytes, *, ending: str, turned: threading.Event) -> None:
        if ending in ("hang", "reset", "close"):
            if ending == "hang":
                turned.wait()
            if ending == "reset":
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                # An orderly farewell would come first if the server's own closed it.
                os.close(self.request.detach())
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if ending == "cut" else body)
        if ending == "cut":
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        return


JSON_TYPE = "application/json"


def _bound(port: int) -> socket.socket:
    place = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", port))
    return place


def killing(board: Board, at: int, moment: str) -> Callable[[int, str], None]:
    """For `on_request`: kills the step at one moment of its n-th request."""

    def kill(number: int, now: str) -> None:
        if (number, now) == (at, moment):
            with contextlib.suppress(ProcessLookupError):
                os.kill(board["pid"], signal.SIGKILL)

    return kill
