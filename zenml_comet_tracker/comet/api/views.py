"""Saved views of a project."""

from __future__ import annotations

from zenml_comet_tracker.comet.api.projects import Projects
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.resources import views
from zenml_comet_tracker.comet.views import View


class Views(Projects):
    """What `API` does with views. The local Comet keeps none: it lists none and refuses new ones."""

    def get_views(
        self, workspace: str | None, project_name: str | None, include_workspace_views: bool = False
    ) -> list[View]:
        """The project's views, and with `include_workspace_views` those of its workspace's other projects.

        GET `views/get-all`.
        """
        project_id = self._project_id(workspace, project_name)
        found = views.of_project(self._connection.transport, project_id, of_workspace=include_workspace_views)
        return [View.from_payload_dict(view) for view in found]

    def create_view(self, workspace: str | None, project_name: str | None, view: View) -> View:
        """Saves a view for a project, without what ties it to the one it comes from. POST `write/views/upsert`."""
        if not isinstance(view, View) or not view.name:
            raise InvalidArgumentError(f"A view with a name is expected, as in View(name='Losses'); got {view!r}")
        project_id = self._project_id(workspace, project_name)
        payload = view.as_portable().to_upsert_payload(project_id)
        return View.from_payload_dict(views.save(self._connection.transport, payload))
