"""Who the API key belongs to, and what it may see."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import optional_text, texts
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport


def details(transport: Transport) -> dict[str, Any]:
    """`userName` and `defaultWorkspaceName` of the API key's owner. GET `account-details`."""
    return transport.get_json(f"{REST}account-details")


def default_workspace(transport: Transport) -> str:
    """The workspace that stands for none given. GET `account-details`."""
    name = optional_text(details(transport), "defaultWorkspaceName")
    if name is None:
        raise errors.BrokenAnswerError("The server did not say which workspace is the account's default; name one")
    return name


def workspaces(transport: Transport) -> list[str]:
    """The names of all workspaces that the API key reaches. GET `workspaces`."""
    return texts(transport.get_json(f"{REST}workspaces"), "workspaceNames")


def version(transport: Transport) -> str | None:
    """The version of the server's backend. GET clientlib `isAlive/ver`."""
    return optional_text(transport.get_json(f"{CLIENTLIB}isAlive/ver"), "version")
