"""Proof that the program at a loopback port is the server of our key, before it is shown the key.

A port belongs to nobody: when the embedded server stops, any user of the machine may listen at its port and wait for
clients to bring the key. Keys that begin with `local` are such a server's. On each new connection, first of all, the
server is asked to sign a nonce and its port with what it keeps of the key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket

KEY_PREFIX = "local"
_PATH = "/health"
_HEAD_BYTES = 1 << 16


class ProofError(ConnectionError):
    """Whoever listens did not prove that it knows the key."""


def is_provable(api_key: str) -> bool:
    """Whether the server of this key can prove that it knows it."""
    return api_key.startswith(KEY_PREFIX)


def require(connection: socket.socket, host: str, port: int, api_key: str, timeout: float) -> None:
    """Returns when the other end proved that it knows the key; the connection is then good for requests.

    Raises `ProofError`, and the errors of the socket.
    """
    known = hashlib.sha256(api_key.encode()).hexdigest()
    nonce = secrets.token_hex(16)
    # The port is signed too: a program at another one could pass the challenge on to the real server.
    expected = hmac.new(known.encode(), f"zenml-comet {port} {nonce}".encode(), hashlib.sha256).hexdigest()
    name = f"[{host}]" if ":" in host else host
    before = connection.gettimeout()
    # A server that is just starting answers when its modules are loaded.
    connection.settimeout(timeout)
    connection.sendall(
        f"GET {_PATH} HTTP/1.1\r\nHost: {name}:{port}\r\nX-Comet-Challenge: {known[:16]}.{nonce}\r\n\r\n".encode()
    )
    if not _is_answered(connection, expected):
        raise ProofError(
            f"the program at port {port} does not prove that it knows the API key, which was therefore not sent: "
            "another program listens there, or the key was rotated or revoked"
        )
    connection.settimeout(before)


def _is_answered(connection: socket.socket, expected: str) -> bool:
    """Whether the answer holds the proof; it is then read to its end."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = connection.recv(_HEAD_BYTES)
        read += piece
        if not piece or len(read) > _HEAD_BYTES:
            return False
    head, _, body = read.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    given, length = headers.get("x-comet-proof", ""), headers.get("content-length", "")
    if not hmac.compare_digest(given.encode(), expected.encode()) or not length.isdecimal():
        return False
    missing = int(length) - len(body)
    while missing > 0 and (piece := connection.recv(missing)):
        missing -= len(piece)
    return missing == 0
