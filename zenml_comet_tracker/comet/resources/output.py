"""What the program of an experiment printed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import CLIENTLIB_REST, REST, Transport


def read(transport: Transport, experiment_key: str) -> str:
    """All output so far, "" when there is none. GET `experiment/output`."""
    return str(transport.get_json(f"{REST}experiment/output", {"experimentKey": experiment_key}).get("output") or "")


def write(
    transport: Transport,
    experiment_key: str,
    pieces: Iterable[str],
    *,
    millis: int,
    offset: int | None = None,
    stderr: bool = False,
    context: str | None = None,
    headers: Headers = None,
) -> dict[str, Any]:
    """Writes pieces of output, which keep the line ends they have.

    `offset` is the place of the first among all that was printed; without it they go behind what is there.

    POST `clientlib/rest/v2/write/experiment/output`: the same call under `api/rest/v2/` adds a line end to each.
    """
    lines: list[dict[str, Any]] = [
        {"stderr": stderr, "output": piece, "localTimestamp": millis, **({} if offset is None else {"offset": at})}
        for at, piece in enumerate(pieces, start=offset or 0)
    ]
    body = {"experimentKey": experiment_key, "runContext": context, "outputLines": lines}
    return transport.post_json(f"{CLIENTLIB_REST}write/experiment/output", body, headers=headers)


def write_lines(
    transport: Transport,
    experiment_key: str,
    text: str,
    *,
    millis: int,
    offset: int | None = None,
    stderr: bool = False,
    context: str | None = None,
    headers: Headers = None,
) -> dict[str, Any]:
    """Writes whole lines, in documented REST, which gives a line end to the last one when it has none.

    POST `write/experiment/output`.
    """
    lines: list[dict[str, Any]] = [
        {"stderr": stderr, "output": line, "localTimestamp": millis, **({} if offset is None else {"offset": at})}
        for at, line in enumerate(text.removesuffix("\n").split("\n"), start=offset or 0)
    ]
    body = {"experimentKey": experiment_key, "context": context, "outputLines": lines}
    return transport.post_json(f"{REST}write/experiment/output", body, headers=headers)
