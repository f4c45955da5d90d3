"""What Comet's own package keeps in `comet_ml.query`: `from zenml_comet_tracker.query import Metric, Tag`."""

from zenml_comet_tracker.comet.query import Environment, Metadata, Metric, Other, Parameter, Tag

__all__ = ["Environment", "Metadata", "Metric", "Other", "Parameter", "Tag"]
