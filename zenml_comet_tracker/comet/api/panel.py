"""What a Python panel asks about itself: its experiments, options, project, colours and size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import ConfigurationError, NotFoundError
from zenml_comet_tracker.comet.panels import PanelContext
from zenml_comet_tracker.comet.resources import columns, experiments, projects


class Panel(ApiBase):
    """What `API` says of the panel in which it is called; outside of one, of the project that is set."""

    def get_panel_experiment_keys(self) -> list[str]:
        """The keys of the panel's experiments: those that it was given, else all of its project.

        GET `experiments` where it was given none. Raises `ConfigurationError` when there is neither panel nor project.
        """
        given = _panel().experiment_keys
        if given is not None:
            return list(given)
        return [str(row["experimentKey"]) for row in self._panel_rows()]

    def get_panel_experiments(self) -> list[APIExperiment]:
        """The panel's experiments, as by `get_panel_experiment_keys`; without those that are gone.

        GET `experiments`, and GET `experiment/metadata` for each that is not in the panel's project.
        """
        given = _panel().experiment_keys
        settings = self._connection.settings
        if given is None or settings.project_name:
            known = {str(row["experimentKey"]): row for row in self._panel_rows()}
        else:
            known = {}
        wanted = known if given is None else given
        found = (known.get(key) or self._metadata_if_there(key) for key in wanted)
        return [APIExperiment.of(self._connection, row) for row in found if row is not None]

    def get_panel_metrics_names(self, include_sys: bool = False) -> list[str]:
        """The names of all metrics in the panel's project; those of the system, `sys.*`, only with `include_sys`.

        GET `project/column-names`.
        """
        found = columns.of_project(self._connection.transport, self._panel_place())
        names = [str(column["name"]) for column in found if column["source"] == "metrics"]
        return [name for name in names if include_sys or not name.startswith("sys.")]

    def get_panel_options(self) -> dict[str, Any]:
        """The panel's options; empty where none were set."""
        return dict(_panel().options)

    def get_panel_project_id(self) -> str:
        """The id of the panel's project. GET `project`."""
        return str(projects.find(self._connection.transport, self._panel_place())["projectId"])

    def get_panel_project_name(self) -> str | None:
        """The name of the panel's project; None where none is set."""
        return self._connection.settings.project_name

    def get_panel_workspace(self) -> str | None:
        """The name of the panel's workspace; None where none is set."""
        return self._connection.settings.workspace

    def get_panel_request_count(self) -> int:
        """How many requests this `API`, and what was reached through it, has sent."""
        return self._connection.requests

    def get_panel_report(self) -> str:
        """A sentence that says how many requests were sent, and where to."""
        count = self._connection.requests
        return f"{count} request{'' if count == 1 else 's'} to {self._connection.root}"

    def get_panel_experiment_colors(self) -> dict[str, Any]:
        """The colours of experiments by their keys; empty where none were set."""
        return dict(_panel().experiment_colors)

    def get_panel_metric_colors(self) -> dict[str, Any]:
        """The colours of metrics by their names; empty where none were set."""
        return dict(_panel().metric_colors)

    def get_panel_width(self) -> int:
        """The panel's width in pixels, 0 where it is not known."""
        return _panel().width

    def get_panel_height(self) -> int:
        """The panel's height in pixels, 0 where it is not known."""
        return _panel().height

    def get_panel_size(self) -> tuple[int, int]:
        """The panel's width and height in pixels, 0 where they are not known."""
        return self.get_panel_width(), self.get_panel_height()

    def _panel_place(self) -> projects.Place:
        name = self._connection.settings.project_name
        if not name:
            raise ConfigurationError(
                "There is no panel here, and no project is set. Run the script with `zenml-comet panel run SCRIPT "
                "--workspace ... --project ...`, enter a PanelContext, or set COMET_PROJECT_NAME."
            )
        return projects.named(self._workspace(None), name)

    def _panel_rows(self) -> list[dict[str, Any]]:
        return experiments.of_project(self._connection.transport, self._panel_place())

    def _metadata_if_there(self, experiment_key: str) -> Mapping[str, Any] | None:
        try:
            return experiments.metadata(self._connection.transport, experiment_key)
        except NotFoundError as error:
            if not error.spoken:
                raise
            return None


def _panel() -> PanelContext:
    return panels.current() or PanelContext()
