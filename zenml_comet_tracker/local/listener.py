"""The listening socket: on the loopback, at a port that stays."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from urllib.parse import urlsplit

from zenml_comet_tracker.local import folder
from zenml_comet_tracker.local.errors import PortTakenError

LOOPBACK = "127.0.0.1"
_BACKLOG = 256


def listen(data: Path, asked: int | None = None) -> socket.socket:
    """Listens at the port asked for, else at the one this data folder used before, else at a free one.

    Addresses of experiments are kept in many places, so the port is not changed behind the user's back.
    Raises `PortTakenError`.
    """
    record = folder.read_record(data)
    used = urlsplit(record.url).port if record is not None else None
    port = used or 0 if asked is None else asked
    # With the protocol spelled out asyncio switches Nagle's delay off: 40 ms on every answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTakenError(_reason(error, port)) from error
    return listener


def _reason(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Another program listens at port {port} of {LOOPBACK}. Stop it, or choose another port with --port "
            "(addresses of experiments that were kept elsewhere then change)."
        )
    return f"Port {port} of {LOOPBACK} cannot be used: {error.strerror}. Choose one above 1023 with --port."
