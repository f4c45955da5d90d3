"""The class `APIExperiment`: one experiment on a server, read and written at once over REST."""

from __future__ import annotations

from zenml_comet_tracker.comet.api_experiment.full_metrics import FullMetrics
from zenml_comet_tracker.comet.api_experiment.life import Life
from zenml_comet_tracker.comet.api_experiment.media import Media
from zenml_comet_tracker.comet.api_experiment.models import Models
from zenml_comet_tracker.comet.api_experiment.registering import Registering
from zenml_comet_tracker.comet.api_experiment.relations import Relations
from zenml_comet_tracker.comet.api_experiment.views import ExperimentViews
from zenml_comet_tracker.comet.api_experiment.whole import Whole


class APIExperiment(Whole, FullMetrics, Media, Models, Registering, Relations, ExperimentViews, Life):
    """One experiment: everything that was logged to it can be read, and more be logged, each by a request of its own.

    Unlike `Experiment` a call returns when the server has answered, and raises when it refused. Nothing is cached.

    >>> from zenml_comet_tracker.comet.connection import connect
    >>> APIExperiment.of(connect("key", url="http://127.0.0.1:5000"), {"experimentKey": "ab12"})
    <APIExperiment 'ab12'>
    """


__all__ = ["APIExperiment"]
