"""Numbers and named values: metrics, parameters, others."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.surface.base import Surface


class Values(Surface):
    """Metrics, parameters and others."""

    def log_metric(self, name: Any, value: Any, step: Any = None, epoch: Any = None) -> None:
        """Logs one number. NaN and infinities are kept; `epoch` may be a fraction."""
        # As `logging_call`, without its detour: this is the call that loops make.
        try:
            self._record.metric(name, value, step, epoch)
        except Exception as error:
            self._excuse("log_metric", error)

    @logging_call
    def log_metrics(self, dic: Any, prefix: str | None = None, step: Any = None, epoch: Any = None) -> None:
        """Logs several numbers of one moment; nested mappings join their names by `/`, the prefix by `_`."""
        self._record.metrics(dic, prefix, step, epoch)

    @logging_call
    def log_parameter(self, name: Any, value: Any, step: Any = None) -> None:
        """Logs one parameter; the last value wins. Nested values become several, names joined by `|`."""
        self._record.parameter(name, value, step)

    @logging_call
    def log_parameters(self, parameters: Any, prefix: str | None = None, step: Any = None) -> None:
        """Logs the parameters of a mapping, dataclass, pydantic model or argparse namespace."""
        self._record.parameters(parameters, prefix, step)

    @logging_call
    def log_other(self, key: Any, value: Any) -> None:
        """Logs a named value that is neither metric nor parameter; the last one wins."""
        self._record.other(key, value)

    @logging_call
    def log_others(self, dictionary: Any) -> None:
        """Logs each item of a mapping as an other."""
        self._record.others(dictionary)
