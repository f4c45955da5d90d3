"""A server that says yes to everything and decodes nothing while a client runs.

Prints its port. GET /counted counts what came since GET /reset.
"""

from __future__ import annotations

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The union of what the clients look for in an answer.
ANSWER = {
    "msg": "ok",
    "code": 200,
    "version": "4.40.0",
    "runId": "run",
    "project_id": "project",
    "focusUrl": "http://127.0.0.1/workspace/project/",
    "is_alive_beat_duration_millis": 10_000,
    "gpu_monitor_interval_millis": 60_000,
    "cpu_monitor_interval_millis": 60_000,
}
METRICS_PATH = "/experiment/metric"
BLOCK = 1 << 20

batches: list[bytes] = []
requests: list[str] = []


def points(logged_name: str) -> int:
    """Values of one metric in every batch so far."""
    wanted = json.dumps(logged_name).encode()
    plain = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for body in batches)
    return sum(body.count(b'"metricName":' + wanted) + body.count(b'"metricName": ' + wanted) for body in plain)


class Handler(BaseHTTPRequestHandler):
    """Answers every method."""

    protocol_version = "HTTP/1.1"
    # Status, headers and body leave in one piece: in two, the client's delayed acknowledgement holds up the second.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _respond(self) -> None:
        answer: dict[str, object] = ANSWER
        if self.path == "/counted":
            answer = {"points": points("loss"), "batches": len(batches), "requests": len(requests)}
        elif self.path == "/reset":
            batches.clear()
            requests.clear()
        else:
            self._receive()
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _receive(self) -> None:
        requests.append(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if self.path.endswith(METRICS_PATH):
            batches.append(self.rfile.read(length))
        else:
            while length > 0:
                length -= len(self.rfile.read(min(BLOCK, length))) or length

    do_GET = do_POST = do_PUT = _respond  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
