"""Parameters of an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.api_experiment.metrics import one_or_all
from zenml_comet_tracker.comet.api_experiment.writing import Writing, good, known_names, millis_of, now, step_of, texts
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.resources import others
from zenml_comet_tracker.comet.resources import parameters as resource
from zenml_comet_tracker.comet.resources.others import NESTED_PARAMETERS_KEY


class Parameters(Writing):
    """Parameters, read, logged and deleted."""

    def get_parameters_summary(self, parameter: str | None = None) -> Any:
        """Every parameter, its value as a text.

        A list of `name`, `valueMax`, `valueMin`, `valueCurrent`, `timestampMax`, `timestampMin`, `timestampCurrent`;
        with a name the dictionary of that one, or [] when there is none of that name. GET `experiment/parameters`.
        """
        return one_or_all(resource.summary(self._transport, self.key), parameter)

    def log_parameter(self, parameter: str, value: Any, step: Any = None, timestamp: Any = None) -> dict[str, Any]:
        """Logs one parameter; what is no number, text or flat list becomes JSON text.

        `timestamp` is in milliseconds since the epoch; of two values of one name the later one stays. POST
        `write/experiment/parameter`.
        """
        name = values.name_of(parameter)
        return self._log_parameter(name, values.scalar(value), step, millis_of(timestamp))

    def log_parameters(
        self, param_dict: Mapping[str, Any], step: Any = None, timestamp: Any = None, nested_support: bool = True
    ) -> list[dict[str, Any]]:
        """Logs every parameter of a dictionary, nested ones under names joined by `|`. A request for each.

        Without `nested_support` a nested dictionary stays one parameter, as JSON text.
        """
        millis = millis_of(timestamp)
        found: list[tuple[str, values.WireScalar]]
        if nested_support:
            found = good(values.parameters(param_dict))
        elif isinstance(param_dict, Mapping):
            found = [(values.name_of(name), values.scalar(value)) for name, value in param_dict.items()]
        else:
            raise InvalidValueError(f"parameters are expected in a dictionary; got {type(param_dict).__name__}")
        if not all(name for name, _ in found):
            raise InvalidValueError("a parameter needs a name that is not empty")
        if nested_support and any(values.PARAMETER_SEPARATOR in name for name, _ in found):
            # Comet expects this mark beside nested parameters.
            others.write(self._transport, self.key, NESTED_PARAMETERS_KEY, True, now())
        return [self._log_parameter(name, value, step, millis) for name, value in found]

    def _log_parameter(self, name: str, value: values.WireScalar, step: Any, millis: int) -> dict[str, Any]:
        number = step_of(step)
        sent = self._name(name, "a parameter")
        row = resource.row(sent, self._fitted(sent, value), millis, number)
        return resource.write(self._transport, self.key, row)

    def delete_parameter(self, parameter: str) -> bool:
        """True once the parameter is gone, whether or not it was there. POST `write/experiment/parameter/delete`."""
        for name in known_names([parameter], "a parameter"):
            resource.delete(self._transport, self.key, name)
        return True

    def delete_parameters(self, parameters: Sequence[str]) -> bool:
        """True once all of them are gone. POST `write/experiments/parameters/delete`."""
        names = known_names(texts("parameters", parameters), "a parameter")
        resource.delete_many(self._transport, self.key, names)
        return True
