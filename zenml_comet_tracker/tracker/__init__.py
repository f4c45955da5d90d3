"""ZenML's side: one live Comet experiment for each step run.

`component` has ZenML's hooks, `calls` the functions that steps use, `runs` knows which experiment a call belongs to,
`opening` and `ending` are the two ends of an experiment's life, `access` finds server and credentials, `identity` says
how an experiment is called and where it came from.
"""

from zenml_comet_tracker.tracker.calls import current_experiment, log_metrics, log_params
from zenml_comet_tracker.tracker.component import CometExperimentTracker
from zenml_comet_tracker.tracker.identity import experiment_key

__all__ = ["CometExperimentTracker", "current_experiment", "experiment_key", "log_metrics", "log_params"]
