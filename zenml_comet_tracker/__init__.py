"""Track ZenML steps in Comet.

The names below load on first use, so that importing the package costs nothing and needs neither ZenML
nor an HTTP library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.experiment import Experiment
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
    "CometExperimentTracker": "tracker",
    "CometExperimentTrackerConfig": "flavor",
    "CometExperimentTrackerFlavor": "flavor",
    "CometExperimentTrackerSettings": "flavor",
    "Experiment": "comet.experiment",
    "current_experiment": "tracker",
    "log_metrics": "tracker",
    "log_params": "tracker",
}

__all__ = [
    "CometExperimentTracker",
    "CometExperimentTrackerConfig",
    "CometExperimentTrackerFlavor",
    "CometExperimentTrackerSettings",
    "Experiment",
    "__version__",
    "current_experiment",
    "log_metrics",
    "log_params",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
