"""How the owner of a local Comet reaches its data: by its server when that runs, else by themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli.failures import Failure
from zenml_comet_tracker.local import folder

if TYPE_CHECKING:
    from zenml_comet_tracker.local.launch import RunningServer
    from zenml_comet_tracker.local.store.store import Store


def get(server: RunningServer, path: str) -> dict[str, Any]:
    """What the server says to its owner at this path below `api/local/`."""
    from zenml_comet_tracker.comet.transport import Transport

    return Transport(server.url, server.api_key).get_json(f"api/local/{path}")


def post(server: RunningServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the server answers when its owner asks for something to be done."""
    from zenml_comet_tracker.comet.errors import StatusError
    from zenml_comet_tracker.comet.transport import Transport

    try:
        return Transport(server.url, server.api_key).post_json(f"api/local/{path}", body)
    except StatusError as error:
        raise Failure(error.server_message or str(error)) from error


@contextlib.contextmanager
def opened(data: Path) -> Iterator[Store]:
    """The store of a server that does not run, which cannot start meanwhile."""
    from zenml_comet_tracker.local.lock import ServerLock
    from zenml_comet_tracker.local.store.check import check
    from zenml_comet_tracker.local.store.faults import StoreError
    from zenml_comet_tracker.local.store.store import Store

    folder.prepare(data)
    try:
        with ServerLock(data):
            check(data)
            folder.api_key(data)
            with contextlib.closing(Store(data)) as store:
                yield store
    except StoreError as error:
        raise Failure(str(error)) from error
    except BlockingIOError:
        raise Failure(f"The local Comet with the data in {data} is just starting or stopping. Try again.") from None
