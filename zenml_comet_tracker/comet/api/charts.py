"""Metrics and parameters of many experiments at once: for charts, and as tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, overload

from zenml_comet_tracker.comet.api import tables
from zenml_comet_tracker.comet.api.experiments import Experiments
from zenml_comet_tracker.comet.api.listing import Row, compiled, matching
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.keywords import also_named
from zenml_comet_tracker.comet.resources import charts, columns

# A thousand experiments in ten requests, none of which is more than some megabytes.
_EXPERIMENTS_AT_ONCE = 100
_SERIES_AT_ONCE = 5_000
_SYSTEM_METRICS = "sys."
# The first and the last value of a metric.
_ENDS = 2


class Charts(Experiments):
    """What `API` reads of many experiments at once."""

    @overload
    def get_metrics_for_chart(
        self,
        experiments: Iterable[str | APIExperiment],
        metrics: Sequence[str] = ...,
        parameters: Sequence[str] = ...,
        independent_metrics: bool = ...,
        fetch_full: bool = ...,
    ) -> dict[str, dict[str, Any]]: ...
    @overload
    def get_metrics_for_chart(
        self,
        experiment_keys: Iterable[str | APIExperiment],
        metrics: Sequence[str] | None = ...,
        parameters: Sequence[str] | None = ...,
        *,
        independent: bool = ...,
        full: bool = ...,
    ) -> dict[str, dict[str, Any]]: ...
    @also_named(experiment_keys="experiments", independent="independent_metrics", full="fetch_full")
    def get_metrics_for_chart(
        self,
        experiments: Iterable[str | APIExperiment],
        metrics: Sequence[str] | None = [],
        parameters: Sequence[str] | None = [],
        independent_metrics: bool = True,
        fetch_full: bool = False,
    ) -> dict[str, dict[str, Any]]:
        """Metrics and parameters of many experiments, by experiment key. POST `experiments/multi-metric-chart`.

        Under each key `metrics`, a list of `metricName` and the columns `values`, `steps`, `epochs`, `timestamps`
        (milliseconds since the epoch) and `durations` (milliseconds since the start), and `params`, which maps the
        names of the parameters asked for to their values and is None when none were. Experiments that have nothing of
        it are left out. About 500 points stand for a longer metric, up to 15,000 with `fetch_full`; without
        `independent_metrics` only the steps count at which every metric has a value.
        """
        return charts.multi_metric_chart(
            self._connection.transport,
            _keys(experiments),
            _names("metrics", metrics),
            _names("parameters", parameters) or None,
            independent=independent_metrics,
            full=fetch_full,
        )

    def get_metrics_df(
        self,
        experiment_keys: Iterable[str | APIExperiment],
        metrics: Sequence[str],
        x_axis: str = "step",
        interpolate: bool = True,
        fetch_full: bool = False,
    ) -> Any:
        """A table of metrics over steps, epochs or durations (milliseconds), None when there is not one value.

        A pandas `DataFrame`, or a list of dicts without pandas: `experiment_key`, `experiment_name`, the axis, and a
        column for each metric, NaN where it has no value. With `interpolate` all experiments have rows at the same
        places, and straight lines fill what lies between two values. `fetch_full` as in `get_metrics_for_chart`. POST
        `experiments/multi-metric-chart`.
        """
        if x_axis not in [*tables.X_AXES]:
            raise InvalidArgumentError(f"x_axis={x_axis!r} is unknown; expected one of {', '.join(tables.X_AXES)}")
        names = _names("metrics", metrics)
        keys = _keys(experiment_keys)
        found = self.get_metrics_for_chart(keys, names, fetch_full=fetch_full) if keys else {}
        return tables.over_axis(found, names, x_axis, interpolate) if found else None

    def experiments_df(
        self,
        workspace: str | None = None,
        project_name: str | None = None,
        pattern: str | None = None,
        metrics: Sequence[str] | None = None,
        parameters: Sequence[str] | None = None,
        archived: bool = False,
    ) -> Any:
        """A table of a project's experiments, the newest first: what they are, their last metrics, their parameters.

        A pandas `DataFrame`, or a list of dicts without pandas. Columns: `experiment_key`, `experiment_name`,
        `start_time` and `end_time` (UTC), `duration` (seconds), `running`, `has_crashed`, then `metrics.<name>` and
        `params.<name>`, NaN and None where an experiment has none. All but the system's metrics, and all parameters,
        unless they are named. `pattern` as in `get_experiments`.

        A thousand experiments take about twelve requests: GET `experiments`, GET `project/column-names`, and POST
        `experiments/multi-metric-chart` for every hundred.
        """
        wanted = compiled(pattern)
        names, kinds = self._asked(workspace, project_name, metrics, parameters, archived)
        project = self._project_name(project_name)
        rows = list(matching(self._rows(workspace, project, archived=archived), wanted))
        found = self._charts([row["experimentKey"] for row in rows], names, list(kinds)) if names or kinds else {}
        return tables.table(_columns(rows, found, names, kinds))

    def _asked(
        self,
        workspace: str | None,
        project_name: str | None,
        metrics: Sequence[str] | None,
        parameters: Sequence[str] | None,
        archived: bool,
    ) -> tuple[list[str], dict[str, str]]:
        """The metrics, and the parameters with their types."""
        if metrics is not None and parameters is not None and not parameters:
            return _names("metrics", metrics), {}
        place = self._place(workspace, project_name)
        known = columns.of_project(self._connection.transport, place, archived=archived)
        logged = [column["name"] for column in known if column["source"] == "metrics"]
        kinds = {column["name"]: column["type"] for column in known if column["source"] == "params"}
        if metrics is None:
            metrics = [name for name in logged if not name.startswith(_SYSTEM_METRICS)]
        chosen = (
            kinds
            if parameters is None
            else {name: kinds.get(name, "string") for name in _names("parameters", parameters)}
        )
        return _names("metrics", metrics), chosen

    def _charts(self, keys: Sequence[str], metrics: Sequence[str], parameters: Sequence[str]) -> dict[str, Any]:
        """The last metrics and the parameters of each experiment, some experiments at a time."""
        size = max(1, min(_EXPERIMENTS_AT_ONCE, _SERIES_AT_ONCE // max(1, len(metrics))))
        found: dict[str, Any] = {}
        for start in range(0, len(keys), size):
            answer = charts.multi_metric_chart(
                self._connection.transport,
                keys[start : start + size],
                metrics,
                parameters,
                independent=True,
                full=False,
                max_points=_ENDS,
            )
            for key, chart in answer.items():
                found[key] = (tables.last_values(chart), chart.get("params") or {})
        return found


def _columns(
    rows: Sequence[Row], found: Mapping[str, Any], metrics: Sequence[str], kinds: Mapping[str, str]
) -> dict[str, list[Any]]:
    keys = [row["experimentKey"] for row in rows]
    logged = [found.get(key, ({}, {})) for key in keys]
    table: dict[str, list[Any]] = {
        "experiment_key": keys,
        "experiment_name": [row.get("experimentName") for row in rows],
        "start_time": [_moment(row.get("startTimeMillis")) for row in rows],
        "end_time": [_moment(row.get("endTimeMillis")) for row in rows],
        "duration": [(row.get("durationMillis") or 0) / 1000 for row in rows],
        "running": [bool(row.get("running")) for row in rows],
        "has_crashed": [bool(row.get("hasCrashed")) for row in rows],
    }
    for name in metrics:
        table[f"metrics.{name}"] = [values.get(name, math.nan) for values, _ in logged]
    for name, kind in kinds.items():
        texts = [parameters.get(name) for _, parameters in logged]
        table[f"params.{name}"] = [None if text is None else tables.plain(str(text), kind) for text in texts]
    return table


def _moment(millis: int | None) -> datetime | None:
    return None if not millis else datetime.fromtimestamp(millis / 1000, timezone.utc)


def _keys(experiments: Iterable[str | APIExperiment]) -> list[str]:
    if isinstance(experiments, str | APIExperiment) or not isinstance(experiments, Iterable):
        raise InvalidArgumentError("A list of experiments, or of their keys, is expected; put the one into brackets")
    return list(_each_key(experiments))


def _each_key(experiments: Iterable[str | APIExperiment]) -> Iterator[str]:
    for experiment in experiments:
        key = experiment.key if isinstance(experiment, APIExperiment) else experiment
        if not isinstance(key, str):
            raise InvalidArgumentError(f"Experiments are given by key or as APIExperiment, not as {type(key).__name__}")
        yield key


def _names(argument: str, names: Sequence[str] | None) -> list[str]:
    if isinstance(names, str):
        raise InvalidArgumentError(f"{argument}={names!r} is one name; put it into brackets: [{names!r}]")
    # Once: it may be a generator.
    found = [*names] if isinstance(names, Iterable) else names or []
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise InvalidArgumentError(f"{argument}={names!r} is expected to be a list of names")
    return list(dict.fromkeys(found))
