"""The server process with an audit hook: every event that the list below names is written to a file, one a line.

Run as `python -m tests.local.security.watched_server LOG --data FOLDER ...`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

WATCHED = (
    "socket.connect",
    "socket.sendto",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.startfile",
    "pty.spawn",
    "pickle.find_class",
    "marshal.load",
    "exec",
    "import",
    "open",
    "ctypes.dlopen",
    "urllib.Request",
    "ftplib.connect",
    "smtplib.connect",
    "webbrowser.open",
)


def watch(path: str) -> None:
    """Writes the events from now on."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED:
            what = arguments[0] if arguments else ""
            if event == "exec":
                what = f"{what.co_filename} for {sys._getframe(2).f_code.co_filename}"
            os.write(log, f"{event}\t{what!r}\n".encode("utf-8", "replace"))

    sys.addaudithook(hook)


if __name__ == "__main__":
    watch(sys.argv.pop(1))
    from zenml_comet_tracker.local.__main__ import main

    sys.exit(main())
