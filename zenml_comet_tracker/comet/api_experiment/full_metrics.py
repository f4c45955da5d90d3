"""Every point of a metric as a table, also of metrics so long that a server answers with samples of them only."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from typing import Any

from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.resources import assets, full_metrics, metrics
from zenml_comet_tracker.comet.texts import text_of


class FullMetrics(ExperimentBase):
    """Metrics as tables."""

    def get_metric_total_df(self, metric_name: str, fallback_to_sampled_data: bool = True) -> Any:
        """Every point of a metric as a pandas data frame, None when there is none.

        Columns: `value`, `timestamp` (seconds since the epoch), `step`, `epoch`, `datetime` and `duration`, the seconds
        since the point before. Without pandas a list of dictionaries of the first four. Where the server keeps no table
        of the metric, the points are those of `get_metrics`, or with `fallback_to_sampled_data=False` there are none.
        GET `experiment/asset/list`, `experiment/asset/get-asset`, `experiment/metrics/get-metric`.
        """
        metric_name = text_of(metric_name)
        files = full_metrics.of_experiment(self._transport, self.key).get(full_metrics.spelled(metric_name), ())
        rows = [row for file in files for row in self._table(str(file["assetId"]))]
        if not rows and fallback_to_sampled_data:
            rows = [_sampled(point) for point in metrics.points(self._transport, self.key, metric_name)]
        return _frame(rows) if rows else None

    def _table(self, asset_id: str) -> Iterator[dict[str, Any]]:
        with tempfile.TemporaryFile() as file:
            file.writelines(assets.download(self._transport, self.key, asset_id))
            try:
                for row in full_metrics.rows(file):
                    yield {name: _cell(name, text) for name, text in row.items()}
            except ValueError as error:
                raise BrokenAnswerError(f"The table {asset_id} of a metric cannot be read: {error}") from error


def _cell(column: str, text: str) -> float:
    """A value of the table; NaN where there is none."""
    if not text:
        return math.nan
    return int(text) if column in ("step", "epoch") and text.lstrip("-").isdigit() else float(text)


def _sampled(point: dict[str, Any]) -> dict[str, Any]:
    millis = point["timestamp"]
    return {
        "value": float(point["metricValue"]),
        "timestamp": None if millis is None else millis / 1000,
        "step": point["step"],
        "epoch": point["epoch"],
    }


def _frame(rows: list[dict[str, Any]]) -> Any:
    try:
        import pandas
    except ImportError:
        return rows
    frame = pandas.DataFrame(rows)
    frame["datetime"] = pandas.to_datetime(frame["timestamp"], unit="s")
    frame["duration"] = frame["datetime"].diff().dt.total_seconds()
    return frame
