"""What Comet's own package keeps in `comet_ml.api`: `from zenml_comet_tracker.api import API, APIExperiment`."""

from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.query import Environment, Metadata, Metric, Other, Parameter, Tag

__all__ = ["API", "APIExperiment", "Environment", "Metadata", "Metric", "Other", "Parameter", "Tag"]
