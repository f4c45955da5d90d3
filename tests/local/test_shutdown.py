"""A server that is asked to stop ends what it has begun, and leaves one file for the database."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import requests

from tests.local.test_launch import until
from zenml_comet_tracker.local.launch import RunningServer


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_under_way_is_answered_and_the_log_of_the_database_folded(
    daemon_folder: Path, daemon: RunningServer
) -> None:
    key = "a" * 32
    headers = {"Authorization": daemon.api_key}
    begun = requests.post(
        f"{daemon.url}/clientlib/logger/add/run", json={"experimentKey": key}, headers=headers, timeout=20
    )
    assert begun.status_code == 200
    process, port = psutil.Process(daemon.pid), urlsplit(daemon.url).port or 0
    values = [{"metricName": "m", "metricValue": at, "step": at} for at in range(100)]
    body = json.dumps({"experimentKey": key, "values": values}).encode()
    head = (
        f"POST /clientlib/batch/logger/experiment/metric HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: {daemon.api_key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(head.encode() + body[:100])
        # An answer on another connection shows that the server has read what came before it.
        assert requests.get(f"{daemon.url}/health", timeout=20).status_code == 200
        os.kill(daemon.pid, signal.SIGTERM)
        # Its own words for: whatever is not answered is waited for.
        until(lambda: "Waiting for connections to close" in (daemon_folder / "server.log").read_text())
        assert refuses_connections(port)
        connection.sendall(body[100:])
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    process.wait(20)
    assert [path.name for path in daemon_folder.glob("comet.db*")] == ["comet.db"]
    with closing(sqlite3.connect(f"file:{daemon_folder / 'comet.db'}?mode=ro", uri=True)) as database:
        assert database.execute("SELECT sum(count) FROM metric").fetchone() == (100,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
