"""What `make parity` plays ZenML's other trackers with."""

from __future__ import annotations

import subprocess
import sys

from tests.parity.table import TRACKERS

_TRIES = """
import socket
from tests.parity.peers import guard
guard.close()
for reach in (lambda: socket.create_connection(("192.0.2.1", 80), 2), lambda: socket.getaddrinfo("comet.com", 443)):
    try:
        reach()
    except OSError as error:
        print(error)
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print(guard.refused)
"""


def test_what_is_played_reaches_no_other_machine() -> None:
    # An audit hook stays for the life of its process.
    done = subprocess.run([sys.executable, "-c", _TRIES], capture_output=True, text=True, check=True, timeout=60)
    lines = done.stdout.splitlines()
    assert lines == ["192.0.2.1 is another machine", "comet.com is another machine", "['192.0.2.1', 'comet.com']"]


def test_every_tracker_of_the_page_can_be_played() -> None:
    from tests.parity.peers.trackers import PEERS

    assert set(PEERS) == set(TRACKERS)
