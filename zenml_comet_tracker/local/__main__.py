"""The server process: `python -m zenml_comet_tracker.local --data FOLDER`, started and stopped by `launch`."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from zenml_comet_tracker import __version__
from zenml_comet_tracker.local import folder
from zenml_comet_tracker.local.errors import DataFolderError, LocalServerError
from zenml_comet_tracker.local.folder import ServerRecord
from zenml_comet_tracker.local.listener import LOOPBACK, listen
from zenml_comet_tracker.local.lock import ServerLock
from zenml_comet_tracker.local.store.check import check

if TYPE_CHECKING:
    from zenml_comet_tracker.local.store.store import Store


def main() -> int:
    """Serves until stopped. Tells on the file descriptor `--report` how the start went, as one JSON object."""
    options = _options()
    os.umask(0o077)
    report = _Report(options.report)
    try:
        folder.prepare(options.data)
        with ServerLock(options.data), listen(options.data, options.port) as listener:
            # What can be told at once is told before anything heavy is loaded.
            check(options.data)
            key = folder.api_key(options.data)
            _keep_temporary_files_in(options.data)
            with contextlib.closing(_open(options.data)) as store:
                _announce(options.data, listener, report)
                _serve(options, store, listener, key)
    except BlockingIOError:
        report.say({"error": "AlreadyRunning", "message": "Another server of this data folder is running."})
    except LocalServerError as error:
        report.say({"error": type(error).__name__, "message": str(error)})
        return 1
    except OSError as error:
        traceback.print_exc()
        why = f"The data folder {options.data} cannot be used: {error.strerror or error}."
        report.say({"error": DataFolderError.__name__, "message": why})
        return 1
    finally:
        report.close()
    return 0


class _Report:
    """The pipe on which whoever started this process waits."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def say(self, what: dict[str, str]) -> None:
        if self._descriptor is None:
            print(json.dumps(what), file=sys.stderr)  # noqa: T201
            return
        with contextlib.suppress(BrokenPipeError):
            os.write(self._descriptor, json.dumps(what).encode())

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m zenml_comet_tracker.local", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data folder")
    parser.add_argument("--port", type=int, help="port; default: the one used before, else a free one")
    parser.add_argument("--idle-seconds", type=float, help="stop after that long without a request")
    parser.add_argument("--report", type=int, help="file descriptor to report the start on")
    return parser.parse_args()


def _keep_temporary_files_in(data: Path) -> None:
    """The system's folder for them is often in memory, and smaller than what SQLite sorts or a client uploads."""
    os.environ["SQLITE_TMPDIR"] = tempfile.tempdir = str(data)


def _announce(data: Path, listener: socket.socket, report: _Report) -> None:
    """Tells everybody where to find the server: from now on requests queue at its socket and will be answered."""
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    folder.write_record(data, ServerRecord(url, os.getpid(), __version__, time.time()))
    report.say({})
    report.close()


def _open(data: Path) -> Store:
    """The store, brought to this version's schema: a server is announced only when it has one to serve."""
    from zenml_comet_tracker.local.store.store import Store

    try:
        return Store(data)
    except LocalServerError:
        raise
    except Exception as error:
        traceback.print_exc()
        log = data / "server.log"
        raise DataFolderError(f"The data in {data} cannot be opened: {error}. {log} holds the details.") from error


def _serve(options: argparse.Namespace, store: Store, listener: socket.socket, key: str) -> None:
    # Imported only now: loading takes most of the start, and whoever started us need not wait for it.
    from zenml_comet_tracker.local.app import create_app
    from zenml_comet_tracker.local.server import Server

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    app = create_app(store, key, listener.getsockname()[1])

    def stays() -> bool:
        record = folder.read_record(options.data)
        return record is not None and record.stays

    Server(app, listener, idle_seconds=options.idle_seconds, stays=stays).serve_until_stopped()


if __name__ == "__main__":
    sys.exit(main())
