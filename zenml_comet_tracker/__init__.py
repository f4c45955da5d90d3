"""Track ZenML steps in Comet.

The names below load on first use, so that importing the package costs nothing and needs neither ZenML
nor an HTTP library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenml_comet_tracker import api, cometr, query
    from zenml_comet_tracker.comet.api import API
    from zenml_comet_tracker.comet.api_experiment import APIExperiment
    from zenml_comet_tracker.comet.artifacts import Artifact, LoggedArtifact, create_artifact
    from zenml_comet_tracker.comet.capture import CaptureOptions
    from zenml_comet_tracker.comet.cometr import create_experiment, get_experiment
    from zenml_comet_tracker.comet.experiment import Experiment
    from zenml_comet_tracker.comet.panels import PanelContext
    from zenml_comet_tracker.comet.query import Environment, Metadata, Metric, Other, Parameter, Tag
    from zenml_comet_tracker.comet.registry.model import Model
    from zenml_comet_tracker.comet.ui import ui
    from zenml_comet_tracker.flavor import (
        CometExperimentTrackerConfig,
        CometExperimentTrackerFlavor,
        CometExperimentTrackerSettings,
    )
    from zenml_comet_tracker.tracker import (
        CometExperimentTracker,
        current_experiment,
        log_metrics,
        log_params,
    )

__version__ = "0.1.0"

_HOMES = {
    "API": "comet.api",
    "APIExperiment": "comet.api_experiment",
    "Artifact": "comet.artifacts",
    "CaptureOptions": "comet.capture",
    "CometExperimentTracker": "tracker",
    "CometExperimentTrackerConfig": "flavor",
    "CometExperimentTrackerFlavor": "flavor",
    "CometExperimentTrackerSettings": "flavor",
    "Environment": "comet.query",
    "Experiment": "comet.experiment",
    "LoggedArtifact": "comet.artifacts",
    "Metadata": "comet.query",
    "Metric": "comet.query",
    "Model": "comet.registry.model",
    "Other": "comet.query",
    "PanelContext": "comet.panels",
    "Parameter": "comet.query",
    "Tag": "comet.query",
    "create_artifact": "comet.artifacts",
    "create_experiment": "comet.cometr",
    "current_experiment": "tracker",
    "get_experiment": "comet.cometr",
    "log_metrics": "tracker",
    "log_params": "tracker",
    "ui": "comet.ui",
}
# Modules that code written for Comet reaches as attributes of the package: `comet_ml.api.API`.
_MODULES = ("api", "cometr", "query")

__all__ = [
    "API",
    "APIExperiment",
    "Artifact",
    "CaptureOptions",
    "CometExperimentTracker",
    "CometExperimentTrackerConfig",
    "CometExperimentTrackerFlavor",
    "CometExperimentTrackerSettings",
    "Environment",
    "Experiment",
    "LoggedArtifact",
    "Metadata",
    "Metric",
    "Model",
    "Other",
    "PanelContext",
    "Parameter",
    "Tag",
    "__version__",
    "api",
    "cometr",
    "create_artifact",
    "create_experiment",
    "current_experiment",
    "get_experiment",
    "log_metrics",
    "log_params",
    "query",
    "ui",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
