"""Messages to the people who watch an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import CLIENTLIB, Transport


def send(
    transport: Transport, api_key: str, experiment_key: str, message: Mapping[str, Any], headers: Headers = None
) -> None:
    """Asks the server to pass on a message: `title`, `status`, `experiment_name`, `experiment_link`,
    `additional_data`. POST clientlib `notification/experiment`.
    """
    body = {"api_key": api_key, "experiment_key": experiment_key, **message}
    transport.post_json(f"{CLIENTLIB}notification/experiment", body, headers=headers)
