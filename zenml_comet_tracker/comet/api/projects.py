"""Workspaces and projects: found, made, changed, deleted; their notes, columns and share keys."""

from __future__ import annotations

from typing import Any, overload

from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.api.project_name import ProjectName
from zenml_comet_tracker.comet.errors import NotFoundError
from zenml_comet_tracker.comet.keywords import also_named
from zenml_comet_tracker.comet.resources import account, columns, projects, share_links


class Projects(ApiBase):
    """What `API` does with workspaces and projects."""

    def get_workspaces(self) -> list[str]:
        """The names of all workspaces of this user. GET `workspaces`."""
        return account.workspaces(self._connection.transport)

    def get_account_details(self) -> dict[str, Any]:
        """`userName` and `defaultWorkspaceName` of the API key's owner. GET `account-details`."""
        return account.details(self._connection.transport)

    def get_default_workspace(self) -> str:
        """The name of the account's default workspace. GET `account-details`."""
        return account.default_workspace(self._connection.transport)

    def get_projects(self, workspace: str | None) -> list[ProjectName]:
        """The projects of a workspace: names from which the details can be read. GET `projects`.

        `project["projectId"]`, or `dict(project)`, gives what `get_project` gives. None stands for the workspace that
        is set, else the account's default.
        """
        found = projects.of_workspace(self._connection.transport, self._workspace(workspace))
        return [ProjectName(details) for details in found]

    def get_project(
        self, workspace: str | None = None, project_name: str | None = None, project_id: str | None = None
    ) -> dict[str, Any] | None:
        """What a project is, None when there is no such project. GET `project`.

        `projectId`, `projectName`, `workspaceName`, `ownerUserName`, `projectDescription`, `numberOfExperiments`
        (without archived ones), `lastUpdated` (milliseconds since the epoch) and `public`.
        """
        try:
            return projects.find(self._connection.transport, self._place(workspace, project_name, project_id))
        except NotFoundError as error:
            # Only Comet itself can say so: a 404 of anything in between leaves the question open.
            if error.spoken:
                return None
            raise

    def get_project_by_id(self, project_id: str) -> dict[str, Any] | None:
        """As `get_project`, by id. GET `project`."""
        return self.get_project(project_id=project_id)

    def create_project(
        self,
        workspace: str | None,
        project_name: str,
        project_description: str | None = None,
        public: bool = False,
    ) -> dict[str, Any]:
        """A new project, as the server answers it. POST `write/project/create`."""
        owner = self._workspace(workspace)
        return projects.create(self._connection.transport, owner, project_name, project_description, public=public)

    def update_project(
        self,
        workspace: str | None,
        project_name: str,
        new_project_name: str | None = None,
        description: str | None = None,
        public: bool | None = None,
    ) -> dict[str, Any]:
        """Sets what is given of a project's name, description and visibility. POST `write/project/update`."""
        place = self._place(workspace, project_name)
        return self._update(place, new_project_name, description, public)

    def update_project_by_id(
        self,
        project_id: str,
        new_project_name: str | None = None,
        description: str | None = None,
        public: bool | None = None,
    ) -> dict[str, Any]:
        """As `update_project`, by id. POST `write/project/update`."""
        return self._update(projects.with_id(project_id), new_project_name, description, public)

    def _update(
        self, place: projects.Place, name: str | None, description: str | None, public: bool | None
    ) -> dict[str, Any]:
        transport = self._connection.transport
        return projects.update(transport, place, new_name=name, description=description, public=public)

    def set_project_owner(self, project_id: str, user_name: str) -> dict[str, Any]:
        """Gives a project to another user; only a workspace's admins may. POST `write/project/update-owner`."""
        return projects.set_owner(self._connection.transport, project_id, user_name)

    def delete_project(
        self,
        workspace: str | None = None,
        project_name: str | None = None,
        project_id: str | None = None,
        delete_experiments: bool = False,
    ) -> dict[str, Any]:
        """Deletes a project: only one that holds nothing, unless its experiments are to be deleted with it.

        Unlike reading, it never falls back to the project that is set. POST `write/project/delete`.
        """
        if not project_id and not project_name:
            raise self._unnamed_project("Pass project_name or project_id: only what the call itself names is deleted.")
        place = self._place(workspace, project_name, project_id)
        return projects.delete(self._connection.transport, place, with_experiments=delete_experiments)

    @overload
    def get_project_notes(self, project_id: str) -> str: ...
    @overload
    def get_project_notes(self, project_id: str | None, project_name: str) -> str: ...
    @overload
    def get_project_notes(self, *, workspace: str | None, project_name: str) -> str: ...
    @also_named(workspace="project_id")
    def get_project_notes(self, project_id: str | None, project_name: str | None = None) -> str:
        """The notes of a project, "" when it has none. GET `project/notes`.

        By id; or, as `get_project_notes(workspace, project_name)`, by name.
        """
        if project_name or project_id is None:
            project_id = self._project_id(project_id, project_name)
        return projects.notes(self._connection.transport, project_id) or ""

    def set_project_notes(self, workspace: str | None, project_name: str, notes: str) -> dict[str, Any]:
        """Sets the notes of a project in place of those that are there. POST `write/project/notes`."""
        return projects.set_notes(self._connection.transport, self._project_id(workspace, project_name), notes)

    def get_project_columns(
        self,
        workspace: str | None = None,
        project_name: str | None = None,
        project_id: str | None = None,
        archived: bool = False,
    ) -> list[dict[str, str]]:
        """`name`, `id`, `type` and `source` of everything that a project's experiments have.

        What archived experiments have comes with `archived`. GET `project/column-names`.
        """
        place = self._place(workspace, project_name, project_id)
        return columns.of_project(self._connection.transport, place, archived=archived)

    def get_project_share_keys(self, project_id: str) -> list[str]:
        """The share keys of a private project. GET `project/get-project-share-links`."""
        return share_links.of_project(self._connection.transport, project_id)

    def create_project_share_key(self, project_id: str) -> str:
        """A new share key: whoever has it sees the private project. GET `write/project/add-share-link`."""
        return share_links.create(self._connection.transport, project_id)

    def delete_project_share_key(self, project_id: str, share_key: str) -> dict[str, Any]:
        """Takes a share key back. GET `write/project/delete-project-share-link`."""
        return share_links.delete(self._connection.transport, project_id, share_key)

    def _project_id(self, workspace: str | None, project_name: str | None) -> str:
        found = projects.find(self._connection.transport, self._place(workspace, project_name))
        return str(found["projectId"])
