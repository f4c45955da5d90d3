"""What the server says of the key, the workspace, the project and the plan."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli.diagnosis.findings import Finding, failed, note, ok
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import account, projects
from zenml_comet_tracker.comet.transport import is_loopback

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.settings import ResolvedSettings
    from zenml_comet_tracker.comet.transport import Transport

_SHOWN = 10


def examine(transport: Transport, settings: ResolvedSettings, details: dict[str, Any]) -> Iterator[Finding]:
    """The stages from the key, which was taken, to the quota."""
    yield ok("key", f"is that of {details.get('userName') or 'somebody whom the server does not name'}")
    stage = "workspace"
    try:
        workspace = yield from _workspace(transport, settings, details)
        if workspace is None:
            return
        stage = "project"
        yield _project(transport, workspace, settings.project_name)
    except errors.RequestError as error:
        yield spent(error) or failed(stage, str(error), "The account of the API key may not be allowed to see it.")
        return
    yield ok("quota", "no request was one too many")


def spent(error: errors.RequestError) -> Finding | None:
    """The finding when a request was one too many, or the account's plan does not cover it."""
    if isinstance(error, errors.ThrottledError):
        fix = "Wait, or log less often: values wait in the journal meanwhile. Limits are those of the account's plan."
        return failed("quota", str(error), fix)
    if isinstance(error, errors.PaymentRequiredError):
        return failed("quota", str(error), "Look at the account's plan and what of it is used, on Comet's page.")
    return None


def _workspace(
    transport: Transport, settings: ResolvedSettings, details: dict[str, Any]
) -> Generator[Finding, None, str | None]:
    """The workspace in force; None when there is none to be used."""
    names = account.workspaces(transport)
    wanted = settings.workspace or details.get("defaultWorkspaceName")
    if not wanted:
        yield failed("workspace", "the account has no default workspace", f"Name one: --workspace. {_list(names)}")
        return None
    if wanted in names:
        yield ok("workspace", f"{wanted}{'' if settings.workspace else ', the default'}")
    elif is_loopback(transport.root):
        yield note("workspace", f"{wanted} is not there; the local Comet makes it when something is logged")
    else:
        near = difflib.get_close_matches(wanted, names, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        told = f"the account of the API key has no workspace {wanted}, or may not see it"
        yield failed("workspace", told, f"{meant}{_list(names)}")
        return None
    return str(wanted)


def _list(names: list[str]) -> str:
    if not names:
        return "It sees no workspace at all."
    return f"It sees: {', '.join(sorted(names)[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}."


def _project(transport: Transport, workspace: str, name: str | None) -> Finding:
    if not name:
        return ok("project", "the server's default one")
    try:
        there = [row.get("projectName") for row in projects.of_workspace(transport, workspace)]
    except errors.NotFoundError:
        there = []
    if name in there:
        return ok("project", name)
    return note("project", f"{name} is not there; the first experiment makes it")
