"""Several metrics and parameters of several experiments in one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.transport import REST, Transport


def multi_metric_chart(
    transport: Transport,
    experiment_keys: Sequence[str],
    metrics: Sequence[str],
    parameters: Sequence[str] | None,
    *,
    independent: bool,
    full: bool,
    max_points: int | None = None,
) -> dict[str, dict[str, Any]]:
    """By experiment key: `metrics`, each with `metricName` and the columns `values`, `steps`, `epochs`, `timestamps`
    and `durations` (milliseconds), and `params`, a mapping of names to texts. POST `experiments/multi-metric-chart`.

    Experiments that have none of what is asked for are left out. `full` gives up to 15,000 points of a metric, else
    about 500 stand for it; without `independent` only the steps at which every metric has a value. `params` is None
    when `parameters` is. The local server gives no more than `max_points` of a metric, its first and last among them;
    Comet takes no notice.
    """
    body = {
        "targetedExperiments": list(experiment_keys),
        "metrics": list(metrics),
        "params": None if parameters is None else list(parameters),
        "independentMetrics": independent,
        "fetchFull": full,
    }
    # In the query, where whoever does not know it passes it over.
    params = {"maxPoints": max_points}
    charts = transport.post_json(f"{REST}experiments/multi-metric-chart", body, params=params).get("experiments")
    if not isinstance(charts, dict) or not all(isinstance(chart, dict) for chart in charts.values()):
        raise BrokenAnswerError("The server answered a chart without its experiments")
    return charts
