"""Every point of a metric as a table, also of metrics so long that a server answers with samples of them only."""

from __future__ import annotations

import csv
import io
import math
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.resources import assets, metrics

_TYPE = "ASSET_TYPE_FULL_METRIC"
_FILE_NAME = re.compile(r"(?P<metric>.*)_(?P<number>\d+)\.csv\.zip")
# Runs of other letters are "_" in the names of those files.
_OTHER_LETTERS = re.compile("[^a-zA-Z0-9-+]+")
_COLUMNS = ("value", "timestamp", "step", "epoch")


class FullMetrics(ExperimentBase):
    """Metrics as tables."""

    def get_metric_total_df(self, metric_name: str, fallback_to_sampled_data: bool = True) -> Any:
        """Every point of a metric as a pandas data frame, None when there is none.

        Columns: `value`, `timestamp` (seconds since the epoch), `step`, `epoch`, `datetime` and `duration`, the seconds
        since the point before. Without pandas a list of dictionaries of the first four. Where the server keeps no table
        of the metric, the points are those of `get_metrics`, or with `fallback_to_sampled_data=False` there are none.
        GET `experiment/asset/list`, `experiment/asset/get-asset`, `experiment/metrics/get-metric`.
        """
        rows = [row for asset_id in self._tables(metric_name) for row in self._table(asset_id)]
        if not rows and fallback_to_sampled_data:
            rows = [_sampled(point) for point in metrics.points(self._transport, self.key, metric_name)]
        return _frame(rows) if rows else None

    def _tables(self, metric_name: str) -> Iterable[str]:
        """The assets that hold the metric, in order; none when they could be those of another one."""
        spelled = _OTHER_LETTERS.sub("_", metric_name)
        found: dict[int, list[str]] = {}
        for asset in assets.of_experiment(self._transport, self.key, _TYPE):
            match = _FILE_NAME.fullmatch(str(asset.get("fileName")))
            if match and match["metric"] == spelled:
                found.setdefault(int(match["number"]), []).append(str(asset["assetId"]))
        if any(len(parts) > 1 for parts in found.values()):
            return []
        return [found[number][0] for number in sorted(found)]

    def _table(self, asset_id: str) -> Iterator[dict[str, Any]]:
        with tempfile.TemporaryFile() as file:
            file.writelines(assets.download(self._transport, self.key, asset_id))
            try:
                with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as entry:
                    for row in csv.DictReader(io.TextIOWrapper(entry, "utf-8", newline="")):
                        yield {name: _cell(name, row[name]) for name in _COLUMNS}
            except (zipfile.BadZipFile, IndexError, KeyError, ValueError) as error:
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
