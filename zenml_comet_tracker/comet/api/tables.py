"""Tables of what charts hold: a pandas `DataFrame` where pandas is installed, else a list with a dict for each row."""

from __future__ import annotations

import contextlib
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

Chart = Mapping[str, Any]
Series = dict[float, float]

# How the answer calls what a table has on its first axis.
X_AXES = {"step": "steps", "epoch": "epochs", "duration": "durations"}
# Durations of different experiments have no points in common: a grid of their own stands for them.
_GRID_POINTS = 100


def table(columns: Mapping[str, list[Any]]) -> Any:
    """The columns as a `DataFrame`, or as rows without pandas."""
    try:
        import pandas
    except ImportError:
        names = list(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return pandas.DataFrame(dict(columns))


def over_axis(charts: Mapping[str, Chart], metrics: Sequence[str], x_axis: str, interpolate: bool) -> Any:
    """One row for each experiment and each place on the axis, a column for each metric; NaN where there is no value.

    The last value of a metric at a place counts. With `interpolate` every experiment has a row at each place at which
    any of them has a value (durations: at 100 places from the first to the last), and what lies between two values of a
    metric is drawn as a straight line.
    """
    series = {key: {name: _series(chart, name, x_axis) for name in metrics} for key, chart in sorted(charts.items())}
    own = {key: {place for of_metric in found.values() for place in of_metric} for key, found in series.items()}
    grid = _grid({place for places in own.values() for place in places}, x_axis) if interpolate else []
    columns: dict[str, list[Any]] = {"experiment_key": [], "experiment_name": [], x_axis: []}
    columns.update({name: [] for name in metrics})
    for key, found in series.items():
        places = grid if interpolate else sorted(own[key])
        columns["experiment_key"] += [key] * len(places)
        columns["experiment_name"] += [charts[key].get("experimentName")] * len(places)
        columns[x_axis] += places
        for name, of_metric in found.items():
            columns[name] += (
                _between(of_metric, places) if interpolate else [of_metric.get(x, math.nan) for x in places]
            )
    return table(columns)


def last_values(chart: Chart) -> dict[str, float]:
    """The latest value of each metric of an experiment."""
    found = {}
    for metric in chart.get("metrics") or ():
        values, millis = metric.get("values") or [], metric.get("timestamps") or []
        if values:
            # Of two at the same moment the later one in the list.
            latest = max(range(len(values)), key=lambda i: ((millis[i] or 0) if i < len(millis) else 0, i))
            found[str(metric["metricName"])] = number(values[latest])
    return found


def number(value: Any) -> float:
    """A value of the wire, where NaN and infinities are texts; NaN for none."""
    return math.nan if value is None else float(value)


def plain(text: str, kind: str) -> Any:
    """A parameter, which travels as a text, as the number it is when all of its column are numbers."""
    if kind != "double":
        return text
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(text)
    return text


def _series(chart: Chart, name: str, x_axis: str) -> Series:
    """The values of a metric by their place on the axis; those that have none are left out."""
    for metric in chart.get("metrics") or ():
        if metric.get("metricName") == name:
            axis = metric.get(X_AXES[x_axis]) or []
            return {x: number(y) for x, y in zip(axis, metric.get("values") or [], strict=False) if x is not None}
    return {}


def _grid(places: set[float], x_axis: str) -> list[float]:
    if x_axis != "duration" or not places:
        return sorted(places)
    first, last = min(places), max(places)
    width = (last - first) / (_GRID_POINTS - 1)
    # The last one as it is: computed, it can lie behind the last value.
    return [*(first + width * i for i in range(_GRID_POINTS - 1)), last]


def _between(series: Series, places: Sequence[float]) -> list[float]:
    """The values at these places, on straight lines between those that are there; NaN before the first and after the
    last."""
    known = sorted((x, y) for x, y in series.items() if not math.isnan(y))
    axis = [x for x, _ in known]
    return [_at(known, axis, place) for place in places]


def _at(known: Sequence[tuple[float, float]], axis: Sequence[float], place: float) -> float:
    right = bisect_left(axis, place)
    if right < len(axis) and axis[right] == place:
        return known[right][1]
    if right in (0, len(axis)):
        return math.nan
    (x0, y0), (x1, y1) = known[right - 1], known[right]
    return y0 + (y1 - y0) / (x1 - x0) * (place - x0)
