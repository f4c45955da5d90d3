"""The least of a client: batches of metric values over one connection, made before the clock runs."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from zenml_comet_tracker.local.launch import RunningServer

BATCH = "/clientlib/batch/logger/experiment/metric"
BATCH_POINTS = 1_000


def batches(key: str, count: int, names: int = 1) -> list[bytes]:
    """Bodies of 1,000 points each: random values at consecutive steps, some milliseconds apart."""
    chance = random.Random(key)
    millis, made = 1_790_000_000_000, []
    for batch in range(count):
        values = []
        for at in range(BATCH_POINTS):
            millis += chance.randint(5, 15)
            value = {"metricName": f"loss{at % names}", "metricValue": chance.random(), "context": None}
            step = (batch * BATCH_POINTS + at) // names
            values.append({**value, "step": step, "epoch": batch, "timestamp": millis})
        made.append(orjson.dumps({"experimentKey": key, "values": values}))
    return made


class Connection:
    """One connection to a server, kept open."""

    def __init__(self, server: RunningServer) -> None:
        address = urlsplit(server.url)
        self._socket = socket.create_connection((address.hostname, address.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST %s HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: {server.api_key}\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )

    def post(self, path: str, body: bytes) -> int:
        """The status of the answer."""
        self._socket.sendall((self._head % (path, len(body))).encode() + body)
        answer = b""
        while not answer.endswith(b"}"):
            piece = self._socket.recv(65_536)
            if not piece:
                raise ConnectionError(f"The server closed the connection after {answer[:200]!r}.")
            answer += piece
        return int(answer.split(b" ", 2)[1])

    def begin(self, key: str) -> None:
        """Opens an experiment."""
        body = orjson.dumps({"experimentKey": key, "projectName": "benchmark", "teamName": "local"})
        if self.post("/clientlib/logger/add/run", body) != 200:
            raise ConnectionError("The server opens no experiment.")

    def ingest(self, bodies: Sequence[bytes]) -> None:
        """Sends batches, one after the other."""
        for body in bodies:
            status = self.post(BATCH, body)
            if status != 200:
                raise ConnectionError(f"The server answered {status}.")

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()
