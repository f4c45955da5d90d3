"""Which workspace and which project a call is about."""

from __future__ import annotations

from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.resources import account, projects


def workspace_of(connection: Connection, workspace_name: str | None) -> str:
    """The workspace given, else the one set, else the account's default."""
    return workspace_name or connection.settings.workspace or account.default_workspace(connection.transport)


def place_of(
    connection: Connection, project_id: str | None, project_name: str | None, workspace_name: str | None
) -> projects.Place:
    """The project with this id, else the one of this name; `ConfigurationError` when none is given or set."""
    if project_id:
        return projects.with_id(project_id)
    name = project_name or connection.settings.project_name
    if not name:
        raise ConfigurationError(
            "No project was named. Pass project_name=... or project_id=..., or set the environment variable "
            "COMET_PROJECT_NAME."
        )
    return projects.named(workspace_of(connection, workspace_name), name)
