"""cometr's functions in Python, with its names, arguments and defaults.

Those that read give the endpoint's JSON as it is. `Experiment`, which `create_experiment` and `get_experiment` return,
has cometr's methods too.
"""

from __future__ import annotations

from zenml_comet_tracker.comet.artifacts import create_artifact
from zenml_comet_tracker.comet.cometr.active import create_experiment, get_experiment
from zenml_comet_tracker.comet.cometr.calls import call_api, get_api_version
from zenml_comet_tracker.comet.cometr.experiments import get_experiments, get_multi_metric_chart
from zenml_comet_tracker.comet.cometr.projects import (
    create_project,
    delete_project,
    get_columns,
    get_projects,
    get_workspaces,
)
from zenml_comet_tracker.comet.logging_file import disable_logging

__all__ = [
    "call_api",
    "create_artifact",
    "create_experiment",
    "create_project",
    "delete_project",
    "disable_logging",
    "get_api_version",
    "get_columns",
    "get_experiment",
    "get_experiments",
    "get_multi_metric_chart",
    "get_projects",
    "get_workspaces",
]
