"""Workspaces and projects: found, made, changed, deleted; their notes and their columns."""

from __future__ import annotations

from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.resources import account


class Projects(ApiBase):
    """What `API` does with workspaces and projects."""

    def get_workspaces(self) -> list[str]:
        """The names of all workspaces of this user. GET `workspaces`."""
        return account.workspaces(self._connection.transport)

    def get_account_details(self) -> dict[str, str]:
        """`userName` and `defaultWorkspaceName` of the API key's owner. GET `account-details`."""
        return account.details(self._connection.transport)

    def get_default_workspace(self) -> str:
        """The name of the account's default workspace. GET `account-details`."""
        return account.default_workspace(self._connection.transport)
