"""A server that answers as it is told and remembers what it was asked: the counterpart of every delivery test."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request: path without query, query values, headers in lower case, raw body (unzipped)."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to answer, after a call of `first`; `drop` closes the connection without a word, `cut` sends only half of
    the body."""

    status: int = 200
    body: Any = field(default_factory=lambda: {"msg": "ok", "code": 200})
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False
    first: Callable[[], object] | None = None


Rule = Callable[[Asked], Answer | None]


class ScriptedComet:
    """Knows the handshake and says "ok" to the rest, unless a rule answers first. Rules are tried newest first."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.rules: list[Rule] = []
        self.lanes = True
        # How many facts it takes in one request; None is what Comet says of that.
        self.facts_at_once: int | None = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.root = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def requests(self, path_end: str) -> list[Asked]:
        """The requests whose path ends so, in order."""
        with self._lock:
            return [asked for asked in self.asked if asked.path.endswith(path_end)]

    def answer_with(self, path_end: str, answer: Answer, times: int | None = None) -> None:
        """Answers the next `times` (all) requests of a path so."""
        left = [times]

        def rule(asked: Asked) -> Answer | None:
            if not asked.path.endswith(path_end) or left[0] == 0:
                return None
            if left[0] is not None:
                left[0] -= 1
            return answer

        self.rules.insert(0, rule)

    def metric_values(self) -> list[dict[str, Any]]:
        """Every metric value of every batch, in order of arrival."""
        return [value for asked in self.requests("/experiment/metric") for value in asked.json["values"]]

    def stored_metric_values(self) -> list[dict[str, Any]]:
        """Those that a server keeps which knows the lanes of journals: none that it has seen before."""
        stored, seen = [], dict[str, int]()
        for asked in self.requests("/experiment/metric"):
            lane, _, first = asked.headers["x-comet-lane"].rpartition("/")
            known = seen.get(lane, 0)
            values = asked.json["values"]
            stored += values[max(0, known + 1 - int(first)) :]
            seen[lane] = max(known, int(first) + len(values) - 1)
        return stored

    def _default(self, asked: Asked) -> Answer:
        if asked.path.endswith(("logger/add/run", "logger/get/run")):
            body = {"runId": "r1", "project_id": "p1", "focusUrl": f"{self.root}/ws/proj/"}
            said = {"journalLanes": 1 if self.lanes else None, "factsAtOnce": self.facts_at_once}
            return Answer(body=body | {name: value for name, value in said.items() if value is not None})
        if asked.path.endswith("status-report/update"):
            return Answer(body={"is_alive_beat_duration_millis": 10_000, "gpu_monitor_interval_millis": 60_000})
        return Answer()

    def _handle(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            return next((answer for rule in self.rules if (answer := rule(asked)) is not None), self._default(asked))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        comet = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body go out in two pieces, and the second would wait 40 ms for the first to be acknowledged.
            disable_nagle_algorithm = True

            def _respond(self) -> None:
                split = urlsplit(self.path)
                promised = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(promised)
                if len(body) < promised:
                    # Whoever sent it died in the middle.
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                query = {name: found[-1] for name, found in parse_qs(split.query).items()}
                answer = comet._handle(Asked(self.command, split.path, query, headers, body))
                if answer.first is not None:
                    answer.first()
                if answer.drop:
                    self.close_connection = True
                    return
                data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if answer.cut else data)
                if answer.cut:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = _respond  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        return Handler
