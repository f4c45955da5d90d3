"""The class `API`: find and read what was logged, and keep projects in order."""

from __future__ import annotations

from zenml_comet_tracker.comet.api.artifacts import Artifacts
from zenml_comet_tracker.comet.api.caching import Caching
from zenml_comet_tracker.comet.api.charts import Charts
from zenml_comet_tracker.comet.api.experiment_actions import ExperimentActions
from zenml_comet_tracker.comet.api.experiment_readings import ExperimentReadings
from zenml_comet_tracker.comet.api.panel import Panel
from zenml_comet_tracker.comet.api.registry import Registry
from zenml_comet_tracker.comet.api.searching import Searching
from zenml_comet_tracker.comet.api.views import Views


class API(Views, Charts, ExperimentReadings, ExperimentActions, Searching, Registry, Artifacts, Panel, Caching):
    """Reads everything that the API key may see, and changes projects and experiments at once over REST.

    `api_key`, `workspace`, `project_name` and `url` come from the arguments, the environment or Comet's configuration
    files, in this order. Nothing is cached: what another process writes is seen by the next call.

    >>> API("key", url="http://127.0.0.1:5000/").server_url
    'http://127.0.0.1:5000'
    """


__all__ = ["API"]
