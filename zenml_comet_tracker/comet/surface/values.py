"""Numbers and named values: metrics, parameters, others."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from zenml_comet_tracker.comet.arguments import named_arguments
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.resources.parameters import AUTO_LOGGED, COMMAND_LINE
from zenml_comet_tracker.comet.stand import context_of
from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.surface.base import Surface


class Values(Surface):
    """Metrics, parameters and others."""

    def log_metric(
        self,
        name: Any,
        value: Any,
        step: Any = None,
        epoch: Any = None,
        context: Any = None,
        include_context: bool = True,
    ) -> None:
        """Logs one number. NaN and infinities are kept; `epoch` may be a fraction.

        Step and epoch hold for what follows without one. `context` takes the place of the one that `train` and its like
        set, which `include_context=False` leaves out.
        """
        # As `logging_call`, without its detour: this is the call that loops make.
        try:
            record = self._record
            if context is not None:
                context = context_of(context)
            elif record.stand.divided and include_context:
                context = record.stand.context
            record.metric(name, value, step, epoch, context)
        except Exception as error:
            self._excuse("log_metric", error)

    @logging_call
    def log_metrics(
        self,
        dic: Any,
        prefix: str | None = None,
        step: Any = None,
        epoch: Any = None,
        include_context: bool = True,
    ) -> None:
        """Logs several numbers of one moment; nested mappings join their names by `/`, the prefix by `_`."""
        context = self._record.stand.context if include_context else None
        self._record.metrics(dic, prefix, step, epoch, context)

    @logging_call
    def log_parameter(self, name: Any, value: Any, step: Any = None) -> None:
        """Logs one parameter; the last value wins. Nested values become several, names joined by `|`."""
        self._record.parameter(name, value, step)

    @logging_call
    def log_parameters(
        self, parameters: Any, prefix: str | None = None, step: Any = None, nested_support: bool = True
    ) -> None:
        """Logs the parameters of a mapping, dataclass, pydantic model or argparse namespace.

        Without `nested_support` what is nested stays whole, as JSON text.
        """
        self._record.parameters(parameters, prefix, step, nested=bool(nested_support))

    @logging_call
    def log_other(self, key: Any, value: Any) -> None:
        """Logs a named value that is neither metric nor parameter; the last one wins."""
        self._record.other(key, value)

    @logging_call
    def log_others(self, dictionary: Any) -> None:
        """Logs each item of a mapping as an other."""
        self._record.others(dictionary)

    @logging_call
    def log_dataset_info(self, name: str | None = None, version: str | None = None, path: str | None = None) -> None:
        """Says which data it is about, as the other `dataset_info`: `name-version, path`."""
        named = "-".join(str(part) for part in (name, version) if part is not None)
        info = ", ".join(str(part) for part in (named or None, path) if part is not None)
        if not info:
            raise InvalidValueError("log_dataset_info needs a name, a version or a path")
        self._record.other("dataset_info", info)

    @logging_call
    def log_dataset_hash(self, data: Any) -> None:
        """Logs the parameter `dataset_hash`, by which two runs can be told to have had the same data: 12 digits of the
        MD5 of its text. Large arrays abbreviate their text; hash their bytes yourself and log that."""
        digest = hashlib.md5(str(data).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        self._record.parameter("dataset_hash", digest[:12], None, AUTO_LOGGED)

    @logging_call
    def set_cmd_args(self) -> None:
        """Logs the program's arguments as parameters: by name when each has one (`--name=value`, `--name value`,
        `--name`), else as `run_arg_<n>`."""
        for name, value in named_arguments(sys.argv[1:]).items():
            self._record.parameter(name, value, None, COMMAND_LINE)

    @logging_call
    def log_optimization(
        self,
        optimization_id: str | None = None,
        metric_name: str | None = None,
        metric_value: Any = None,
        parameters: Any = None,
        objective: str | None = None,
    ) -> None:
        """Says which trial of an optimization it was, with what parameters and what came of it."""
        said = {
            "optimizer_id": optimization_id,
            "optimizer_metric": metric_name,
            "optimizer_metric_value": metric_value,
            "optimizer_parameters": None if parameters is None else json_text(parameters),
            "optimizer_objective": objective,
        }
        self._record.others({name: value for name, value in said.items() if value is not None})
        if parameters is not None:
            self._record.parameters(parameters, None, None)
        if metric_name is not None and metric_value is not None:
            self._record.metric(metric_name, metric_value, None, None, self._record.stand.context)
