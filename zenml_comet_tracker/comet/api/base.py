"""What every part of `API` stands on: one connection, and what stands for a workspace or project that is not named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.lazy import lazy
from zenml_comet_tracker.comet.resources import account, projects

if TYPE_CHECKING:
    from typing_extensions import Self


class ApiBase:
    """A way to one Comet with one API key. Making it uses no network; inside a panel it only reads."""

    _connection: Connection

    def __init__(
        self,
        api_key: str | None = None,
        cache: bool = True,
        version: str = "v2",
        *,
        workspace: str | None = None,
        project_name: str | None = None,
        url: str | None = None,
    ) -> None:
        if version != "v2":
            raise ConfigurationError(f"version={version!r} is unknown; Comet's REST API has version 'v2'")
        self._connection = panels.connect(api_key, workspace, project_name, url)
        self._cache = cache

    @classmethod
    def over(cls, connection: Connection) -> Self:
        """The same over a connection that is there already."""
        api = cls.__new__(cls)
        api._connection, api._cache = connection, True
        return api

    def __repr__(self) -> str:
        return f"API({self._connection.root!r})"

    @property
    def api_key(self) -> str:
        """The API key in force."""
        return self._connection.settings.api_key

    @property
    def server_url(self) -> str:
        """The server's address, without a slash at its end."""
        return self._connection.root

    @lazy
    def _default_workspace(self) -> str:
        return self._connection.settings.workspace or account.default_workspace(self._connection.transport)

    def _workspace(self, workspace: str | None) -> str:
        """The workspace meant: the one given, else the one set, else the account's default."""
        return workspace or self._default_workspace

    def _project_name(self, project_name: str | None) -> str:
        """The project meant: the one given, else the one set."""
        name = project_name or self._connection.settings.project_name
        if not name:
            raise self._unnamed_project("Pass project_name, or set the environment variable COMET_PROJECT_NAME.")
        return name

    @staticmethod
    def _unnamed_project(what_to_do: str) -> ConfigurationError:
        return ConfigurationError(f"No project was named. {what_to_do}")

    def _place(self, workspace: str | None, project_name: str | None, project_id: str | None = None) -> projects.Place:
        """The project meant: by its id when that is given, else by workspace and name."""
        if project_id:
            return projects.with_id(project_id)
        name = self._project_name(project_name)
        return projects.named(self._workspace(workspace), name)

    def _experiments(self, rows: Iterable[Mapping[str, Any]]) -> list[APIExperiment]:
        """The experiments that a list described."""
        return [APIExperiment.of(self._connection, row) for row in rows]
