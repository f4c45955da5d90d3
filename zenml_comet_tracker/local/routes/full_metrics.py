"""Every point of a metric as a zipped CSV file, as Comet keeps them for long metrics; here made when asked for."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Response

from zenml_comet_tracker.local.routes.answers import OneTimeFile
from zenml_comet_tracker.local.store import metrics
from zenml_comet_tracker.local.store.faults import UnknownAssetError
from zenml_comet_tracker.local.store.files import Files
from zenml_comet_tracker.local.store.points import NO_STEP, Points

TYPE = "ASSET_TYPE_FULL_METRIC"
PREFIX = "full-metric-"
# The official SDK looks for files by the metric's name with each run of other letters made one "_".
_OTHER_LETTERS = re.compile("[^a-zA-Z0-9-+]+")
_ROWS = 10_000


@dataclass(frozen=True)
class MetricFile:
    """One such file, described as an asset; its size is not known before it is made."""

    asset_id: str
    file_name: str
    context: str
    created_millis: int
    type: str = TYPE
    dir: str = "metrics"
    size: int = 0
    step: None = None
    metadata: None = None
    remote: bool = False
    link: None = None


def of_experiment(connection: Any, experiment_id: int) -> list[MetricFile]:
    """The files of an experiment. Metrics whose names the SDK could not tell apart have none: it would mix them."""
    rows = metrics.summaries(connection, experiment_id)
    names = {row.id: _OTHER_LETTERS.sub("_", row.name) for row in rows}
    times = Counter(names.values())
    return [
        MetricFile(f"{PREFIX}{row.id}", f"{names[row.id]}_0.csv.zip", row.context, row.last_millis)
        for row in rows
        if times[names[row.id]] == 1
    ]


def download(connection: Any, experiment_id: int, asset_id: str, files: Files) -> Response:
    """The file. Raises `UnknownAssetError` when it is none of the experiment's."""
    for row in metrics.summaries(connection, experiment_id):
        if f"{PREFIX}{row.id}" == asset_id:
            ((_, points),) = metrics.points(connection, experiment_id, row.name)
            path = _zip(files, points)
            return OneTimeFile(
                path,
                media_type="application/octet-stream",
                headers={"Content-Disposition": "attachment; filename=metric.csv.zip"},
            )
    raise UnknownAssetError(asset_id)


def _zip(files: Files, points: Points) -> Path:
    path = files.temporary()
    try:
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("metric.csv", "w") as entry,
        ):
            entry.write(b"value,timestamp,step,epoch\n")
            for at in range(0, len(points), _ROWS):
                entry.write("".join(_lines(points.take(slice(at, at + _ROWS)))).encode())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _lines(points: Points) -> Iterator[str]:
    """Lines of the CSV: the time in seconds, nothing for a step or an epoch that is not there."""
    columns = (points.values.tolist(), points.millis.tolist(), points.steps.tolist(), points.epochs.tolist())
    for value, millis, step, epoch in zip(*columns, strict=True):
        yield f"{value!r},{millis / 1000!r},{'' if step == NO_STEP else step},{'' if epoch != epoch else epoch}\n"
