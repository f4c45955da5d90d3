"""An experiment as one dictionary."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.api_experiment.assets import Assets
from zenml_comet_tracker.comet.api_experiment.git import Git, diff_of
from zenml_comet_tracker.comet.api_experiment.metrics import Metrics
from zenml_comet_tracker.comet.api_experiment.others import Others
from zenml_comet_tracker.comet.api_experiment.parameters import Parameters
from zenml_comet_tracker.comet.api_experiment.system_details import SystemDetails
from zenml_comet_tracker.comet.api_experiment.texts import Texts


class Whole(Metrics, Parameters, Others, Texts, Git, SystemDetails, Assets):
    """All that was logged, together."""

    def to_json(self, full: bool = False) -> dict[str, Any]:
        """The experiment in the form of JSON: what it is, and with `full` all that was logged.

        `id`, `name`, `workspace`, `project_name`, `archived`, `url`, `duration_millis`, `start_server_timestamp`,
        `end_server_timestamp`, `optimization_id`, `file_path`, `file_name`. With `full` also `asset_list`, `code`,
        `html`, `metrics`, `metrics_summary`, `model_graph`, `others_summary`, `output`, `parameters_summary`,
        `system_details`, `tags`, `git_patch` (bytes of the diff) and `git_metadata`, from a request each.
        """
        self.get_metadata()
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "workspace": self.workspace,
            "project_name": self.project_name,
            "archived": self.archived,
            "url": self.url,
            "duration_millis": self.duration_millis,
            "start_server_timestamp": self.start_server_timestamp,
            "end_server_timestamp": self.end_server_timestamp,
            "optimization_id": self.optimization_id,
            "file_path": self.file_path,
            "file_name": self.file_name,
        }
        return {**found, **self._logged()} if full else found

    def _logged(self) -> dict[str, Any]:
        patch = self.get_git_patch()
        return {
            "asset_list": self.get_asset_list(),
            "code": self.get_code(),
            "html": self.get_html(),
            "metrics": self.get_metrics(),
            "metrics_summary": self.get_metrics_summary(),
            "model_graph": self.get_model_graph(),
            "others_summary": self.get_others_summary(),
            "output": self.get_output(),
            "parameters_summary": self.get_parameters_summary(),
            "system_details": self.get_system_details(),
            "tags": self.get_tags(),
            "git_patch": None if patch is None else diff_of(patch),
            "git_metadata": self.get_git_metadata(),
        }
