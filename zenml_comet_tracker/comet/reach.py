"""Whether a host has an address and takes connections, asked of the network itself and in bounded time.

What goes wrong below HTTP looks alike from above; here names and connections are tried one after the other. Nothing is
sent.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time

Address = tuple[socket.AddressFamily, tuple[object, ...]]


def is_address(host: str) -> bool:
    """Whether a host is named by its address, which nobody has to be asked for."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def look_up(host: str, port: int, timeout: float) -> list[Address]:
    """The addresses of a host; `OSError` when it has none, `TimeoutError` when no name server says so in time."""
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([(family, address) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    # The system's own call knows no time limit, and a thread that nobody waits for may sit it out.
    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"no name server answered within {timeout:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def connect(addresses: list[Address], timeout: float) -> str:
    """The first of the addresses that takes a connection, which is closed at once; `OSError` when none does in time."""
    deadline = time.monotonic() + timeout
    problems: dict[str, OSError] = {}
    for number, (family, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            # Without IPv6 there is not even a socket for such an address.
            with socket.socket(family, socket.SOCK_STREAM) as tried:
                tried.settimeout(left / (len(addresses) - number))
                tried.connect(address)
        except OSError as error:
            problems[str(address[0])] = error
        else:
            return str(address[0])
    reasons = "; ".join(f"{address}: {error.strerror or error}" for address, error in problems.items())
    raise OSError(reasons or f"nothing answered within {timeout:g} s")
