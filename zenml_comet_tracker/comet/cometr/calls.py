"""Any endpoint of Comet's REST API, by its path."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.transport import REST

API_VERSION = "v2"
METHODS = ("GET", "POST")


def call_api(
    endpoint: str,
    method: str = "GET",
    params: Mapping[str, Any] = MappingProxyType({}),
    response_json: bool = True,
    api_key: str | None = None,
) -> Any:
    """What any endpoint of REST v2 answers: parsed JSON, or with `response_json=False` the bytes.

    `endpoint` is its path, such as `"/projects"`; `params` go into the URL of a GET and into the JSON body of a POST,
    those that are None are left out. Raises the errors of `comet.errors`.

    >>> call_api("/projects", params={"workspaceName": "me"})        # doctest: +SKIP
    {'projects': [...]}
    """
    with panels.connect(api_key) as connection:
        return ask(connection, endpoint, method, params, response_json=response_json)


def get_api_version() -> str:
    """The version of Comet's REST API that is spoken. Asks nobody.

    >>> get_api_version()
    'v2'
    """
    return API_VERSION


def ask(
    connection: Connection,
    endpoint: str,
    method: str = "GET",
    params: Mapping[str, Any] = MappingProxyType({}),
    *,
    response_json: bool = True,
) -> Any:
    """As `call_api`, over a connection that is there already."""
    verb = method.upper() if isinstance(method, str) else method
    if verb not in METHODS:
        raise InvalidArgumentError(f"method={method!r} is none of Comet's; expected 'GET' or 'POST'")
    if not isinstance(endpoint, str) or not endpoint.strip("/") or "://" in endpoint:
        raise InvalidArgumentError(
            f"endpoint={endpoint!r} is no endpoint; expected a path below api/rest/v2, such as '/projects'"
        )
    path = REST + endpoint.lstrip("/")
    given = {name: value for name, value in params.items() if value is not None}
    transport = connection.transport
    if verb == "GET":
        return transport.get_json(path, given) if response_json else transport.get_bytes(path, given)
    return transport.post_json(path, given) if response_json else transport.post_for_bytes(path, given)
