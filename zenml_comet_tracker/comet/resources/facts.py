"""Facts of many kinds in one request, as only the local server takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import REST, Transport


def write_all(
    transport: Transport, experiment_key: str, facts: Sequence[Mapping[str, Any]], headers: Headers = None
) -> dict[str, Any]:
    """Writes facts in their order: all of them or, when one is refused, none. POST `write/experiment/log-facts`.

    The `kind` of each is the end of the path that takes one of them (`log-other`, `tags`, `code`), its other members
    are what that path takes.
    """
    body = {"experimentKey": experiment_key, "facts": facts}
    return transport.post_json(f"{REST}write/experiment/log-facts", body, headers=headers)
