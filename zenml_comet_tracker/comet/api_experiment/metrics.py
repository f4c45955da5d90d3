"""Metrics of an experiment: every point, summaries, tables; and those of its machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.api_experiment.writing import Writing, epoch_of, good, listed, millis_of, number, step_of
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.resources import metrics, system_metrics
from zenml_comet_tracker.comet.resources.system_metrics import Reading
from zenml_comet_tracker.comet.scalars import is_rounded
from zenml_comet_tracker.comet.texts import quoted, shortened

logger = logging.getLogger(__name__)

GPU_MEMBERS = ("gpuId", "freeMemory", "usedMemory", "gpuUtilization", "totalMemory")


class Metrics(Writing):
    """Metrics, read and logged."""

    def get_metrics(self, metric: str | None = None) -> list[dict[str, Any]]:
        """Every point of one metric, or of all: `metricName`, `metricValue` (a text), `timestamp`, `step`, `epoch`,
        `runContext`.

        Times are milliseconds since the epoch. Empty when there is none. GET `experiment/metrics/get-metric` or
        `experiment/metrics/get-all`.
        """
        metric = None if metric is None else values.text_of(metric)
        points = metrics.points(self._transport, self.key, metric)
        if not points and metric is not None and (sent := shortened(metric)) != metric:
            return metrics.points(self._transport, self.key, sent)
        return points

    def get_metrics_summary(self, metric: str | None = None) -> Any:
        """The last, least and greatest value of every metric, as texts, with time and step of each.

        A list of `name`, `valueMax`, `valueMin`, `valueCurrent`, `timestampMax` ..., `stepMax` ...; with the name of a
        metric the dictionary of that one, or [] when there is none of that name. GET `experiment/metrics/summary`.
        """
        return one_or_all(metrics.summary(self._transport, self.key), metric)

    def log_metric(
        self,
        metric: str,
        value: Any,
        step: Any = None,
        timestamp: Any = None,
        epoch: Any = None,
        context: str | None = None,
    ) -> dict[str, Any]:
        """Logs one number. `timestamp` is in milliseconds since the epoch. POST `write/experiment/metric`.

        NaN and infinities are kept. Raises `InvalidValueError` for what is no number.
        """
        ((name, sent),) = good([values.metric(metric, value)])
        if is_rounded(value):
            self._say_rounded(name)
        return self._log_metric(name, sent, step, timestamp, epoch, context)

    def log_metrics(
        self,
        metric_dict: Mapping[str, Any],
        step: Any = None,
        epoch: Any = None,
        timestamp: Any = None,
        context: str | None = None,
    ) -> list[dict[str, Any]]:
        """Logs every number of a dictionary, nested ones under names joined by `/`. A request for each.

        Raises `InvalidValueError` before anything is sent when one of them is no number.
        """
        found = good(values.metrics(metric_dict, on_rounded=self._say_rounded))
        millis = millis_of(timestamp)
        return [self._log_metric(name, value, step, millis, epoch, context) for name, value in found]

    def _log_metric(
        self, name: str, value: values.WireNumber, step: Any, timestamp: Any, epoch: Any, context: str | None
    ) -> dict[str, Any]:
        row = metrics.row(name, value, millis_of(timestamp), step_of(step), epoch_of(epoch), context)
        row["metricName"] = self._name(name, "a metric")
        return metrics.write(self._transport, self.key, row)

    def _say_rounded(self, name: str) -> None:
        logger.warning(
            "Experiment %s: the integer of metric %s is beyond 2^53 and rounded to float64.", self.key, quoted(name)
        )

    def log_cpu_metrics(
        self,
        cpu_metrics: Sequence[float],
        context: str | None = None,
        step: Any = None,
        epoch: Any = None,
        timestamp: Any = None,
    ) -> dict[str, Any]:
        """Logs the utilization of each processor, in percent. POST `write/experiment/cpu-metrics`."""
        percents = [number("each of cpu_metrics", percent) for percent in listed("cpu_metrics", cpu_metrics)]
        return system_metrics.write_cpu(self._transport, self.key, percents, _reading(context, step, epoch, timestamp))

    def log_gpu_metrics(self, gpu_metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Logs what each GPU says of itself. POST `write/experiment/gpu-metrics`.

        Each is a dictionary of `gpuId`, `freeMemory`, `usedMemory`, `gpuUtilization` (percent) and `totalMemory`;
        `InvalidValueError` when one of them is missing.
        """
        found = [_gpu(gpu) for gpu in listed("gpu_metrics", gpu_metrics)]
        return system_metrics.write_gpus(self._transport, self.key, found)

    def log_ram_metrics(
        self,
        total_ram: float,
        used_ram: float,
        context: str | None = None,
        step: Any = None,
        epoch: Any = None,
        timestamp: Any = None,
    ) -> dict[str, Any]:
        """Logs total and used memory. POST `write/experiment/ram-metrics`."""
        total, used = number("total_ram", total_ram), number("used_ram", used_ram)
        when = _reading(context, step, epoch, timestamp)
        return system_metrics.write_ram(self._transport, self.key, total, used, when)

    def log_load_metrics(
        self,
        load_avg: float,
        context: str | None = None,
        step: Any = None,
        epoch: Any = None,
        timestamp: Any = None,
    ) -> dict[str, Any]:
        """Logs the load average. POST `write/experiment/load-metrics`."""
        average, when = number("load_avg", load_avg), _reading(context, step, epoch, timestamp)
        return system_metrics.write_load(self._transport, self.key, average, when)


def one_or_all(summaries: list[dict[str, Any]], name: str | None) -> Any:
    """All summaries, or the one of this name; [] where there is none, as from the official SDK."""
    if name is None:
        return summaries
    name = values.text_of(name)
    by_name = {summary.get("name"): summary for summary in summaries}
    # Under a name that was too long it stands shortened.
    return by_name.get(name) or by_name.get(shortened(name)) or []


def _reading(context: str | None, step: Any, epoch: Any, timestamp: Any) -> Reading:
    return Reading(millis_of(timestamp), step_of(step), epoch_of(epoch), context)


def _gpu(gpu: Mapping[str, Any]) -> dict[str, float]:
    if not isinstance(gpu, Mapping):
        raise InvalidValueError(f"each of gpu_metrics is expected to be a dictionary; got {quoted(gpu)}")
    missing = [member for member in GPU_MEMBERS if member not in gpu]
    if missing:
        raise InvalidValueError(f"each of gpu_metrics needs {', '.join(GPU_MEMBERS)}; {', '.join(missing)} is missing")
    return {member: number(member, gpu[member]) for member in GPU_MEMBERS}
