"""Saved views of one experiment's page."""

from __future__ import annotations

from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.resources import views
from zenml_comet_tracker.comet.views import View


class ExperimentViews(ExperimentBase):
    """Views and chart templates. The local Comet keeps none: it lists none and refuses new ones."""

    def get_views(
        self, include_workspace_views: bool = False, include_workspace_project_views: bool = False
    ) -> list[View]:
        """The experiment's views and its chart templates, with those of the workspace's other projects if asked for.

        GET `views/get-all`, `views/chart-templates`.
        """
        place = (self._transport, self.project_id, self.key)
        found = views.of_project(*place, of_workspace=include_workspace_views)
        found += views.of_experiment(*place, of_workspace=include_workspace_project_views)
        return [View.from_payload_dict(view) for view in found]

    def create_view(self, view: View) -> View:
        """Saves a chart template for the experiment, without what ties it to where it comes from.

        POST `write/chart-templates/upsert`.
        """
        if not isinstance(view, View) or not view.name:
            raise InvalidArgumentError(f"A view with a name is expected, as in View(name='Losses'); got {view!r}")
        payload = view.as_portable().to_upsert_payload(self.project_id)
        saved = views.save_template(self._transport, {**payload, "experimentKey": self.key})
        return View.from_payload_dict(saved)
