"""The options by which commands find a server and a project, and what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.connection import Connection

F = TypeVar("F", bound=Callable[..., Any])

_SERVER = (
    click.option("--api-key", help="API key. [default: COMET_API_KEY, else as configured]"),
    click.option("--url", help="Address of the server. [default: COMET_URL_OVERRIDE, else as configured]"),
    click.option("--local", is_flag=True, help="Use the local Comet, which is started when needed."),
)
_PLACE = (
    click.option("--workspace", help="Workspace. [default: COMET_WORKSPACE, else the account's default]"),
    click.option("--project", help="Project, or WORKSPACE/PROJECT. [default: COMET_PROJECT_NAME]"),
)


def server_options(command: F) -> F:
    """`--api-key`, `--url`, `--local`."""
    for option in reversed(_SERVER):
        command = option(command)
    return command


def place_options(command: F) -> F:
    """`--workspace`, `--project`."""
    for option in reversed(_PLACE):
        command = option(command)
    return command


@dataclass(frozen=True)
class Place:
    """A project by its names."""

    workspace: str
    project: str


def connected(api_key: str | None, url: str | None, local: bool) -> Connection:
    """The server that the options name: where it is and with which key, nothing asked of it yet."""
    from zenml_comet_tracker.comet.connection import connect

    if not local:
        return connect(api_key, url=url)
    if api_key or url:
        raise click.UsageError("--local says where the server is and brings its key; leave out --api-key and --url.")
    from zenml_comet_tracker.local import launch

    server = launch.ensure()
    return connect(server.api_key, url=server.url)


def is_local(connection: Connection) -> bool:
    """Whether the server is on this machine."""
    from zenml_comet_tracker.comet.transport import is_loopback

    return is_loopback(connection.root)


def place(connection: Connection, workspace: str | None, project: str | None) -> Place:
    """The project that the options name, or that is configured; `UsageError` when none is, with those there are."""
    workspace, project = split(workspace, project)
    name = project or connection.settings.project_name
    if not name:
        raise click.UsageError(_which(connection, workspace_of(connection, workspace)))
    return Place(workspace_of(connection, workspace), name)


def _which(connection: Connection, workspace: str) -> str:
    from zenml_comet_tracker.comet.resources import projects

    names = sorted(str(row.get("projectName")) for row in projects.of_workspace(connection.transport, workspace))
    there = f"has {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}" if names else "has no project yet"
    return f"Which project? Give --project, or set COMET_PROJECT_NAME. Workspace {workspace} {there}."


def split(workspace: str | None, project: str | None) -> tuple[str | None, str | None]:
    """Workspace and project, where `WORKSPACE/PROJECT` was given as one."""
    if project and not workspace and "/" in project:
        first, _, rest = project.partition("/")
        return first, rest
    return workspace, project


def workspace_of(connection: Connection, workspace: str | None) -> str:
    """The workspace given, else the configured one, else the account's default."""
    from zenml_comet_tracker.comet.resources import account

    return workspace or connection.settings.workspace or account.default_workspace(connection.transport)
