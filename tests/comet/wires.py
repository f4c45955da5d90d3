"""What stands between a client and a server, for the tests of the transport: raw answers, a proxy, names."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest


def read_request(stream: Any) -> tuple[str, list[str]]:
    """The first line and the headers of a request; its body, if it says how long that is, is read and left out."""
    first = stream.readline().decode("latin-1").strip()
    headers: list[str] = []
    while line := stream.readline().decode("latin-1").strip():
        headers.append(line)
    lengths = [line.partition(":")[2] for line in headers if line.lower().startswith("content-length:")]
    stream.read(int(lengths[0]) if lengths else 0)
    return first, headers


@contextlib.contextmanager
def _serving(server: socketserver.ThreadingTCPServer) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextlib.contextmanager
def answering(raw: bytes | None) -> Iterator[str]:
    """The root of a server that answers each request with these bytes and hangs up; with None it never answers."""
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            read_request(self.rfile)
            if raw is None:
                over.wait(30)
            else:
                self.wfile.write(raw)

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            over.set()


class Proxy:
    """Passes on what it is asked, to this machine whatever the name; `asked` holds methods and targets."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def passes(self, client: socket.socket, stream: Any) -> None:
        """Serves one connection: a tunnel for CONNECT, one plain request else."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        method, target, _ = head.decode("latin-1").split(" ", 2)
        self.asked.append((method, target))
        place = target if method == "CONNECT" else target.split("/")[2]
        with socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])), 5) as onward:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                onward.sendall(head.replace(f"http://{place}".encode(), b"", 1))
            self._pump(client, onward)

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        across = {one: other, other: one}
        while True:
            for source in select.select([one, other], [], [], 10)[0]:
                data = source.recv(65_536)
                if not data:
                    return
                across[source].sendall(data)


@contextlib.contextmanager
def proxying(proxy: Proxy | None = None) -> Iterator[Proxy]:
    """A running HTTP proxy."""
    proxy = proxy or Proxy()

    class Handler(socketserver.StreamRequestHandler):
        rbufsize = 0

        def handle(self) -> None:
            proxy.passes(self.connection, self.rfile)

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        proxy.url = f"http://127.0.0.1:{port}"
        yield proxy


def give_names(monkeypatch: pytest.MonkeyPatch, names: Mapping[str, str | None]) -> None:
    """Resolves these names to these addresses, and those of None to nothing, as a name server that says no."""
    resolve = socket.getaddrinfo

    def patched(host: Any, *more: Any, **also: Any) -> Any:
        if host in names and names[host] is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(names.get(host, host), *more, **also)

    monkeypatch.setattr(socket, "getaddrinfo", patched)
