"""Every point of a metric as a zipped CSV file, which a server offers of metrics that are too long for one answer."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any

from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.resources import assets
from zenml_comet_tracker.comet.transport import Transport

_TYPE = "ASSET_TYPE_FULL_METRIC"
_FILE_NAME = re.compile(r"(?P<metric>.*)_(?P<number>\d+)\.csv\.zip")
# Runs of other letters are "_" in the names of those files.
_OTHER_LETTERS = re.compile("[^a-zA-Z0-9-+]+")


def spelled(metric: str) -> str:
    """A metric's name as the names of its files begin."""
    return _OTHER_LETTERS.sub("_", metric)


def of_experiment(transport: Transport, experiment_key: str) -> dict[str, list[dict[str, Any]]]:
    """The files as `assets.of_experiment` lists them, in order, by the metric as it is `spelled`.

    Metrics that are spelled the same are left out: their files cannot be told apart. GET `experiment/asset/list`.
    """
    found: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for asset in assets.of_experiment(transport, experiment_key, _TYPE):
        match = _FILE_NAME.fullmatch(str(asset.get("fileName")))
        if match:
            found[match["metric"]].append((int(match["number"]), asset))
    return {
        name: [asset for _, asset in sorted(parts, key=lambda part: part[0])]
        for name, parts in found.items()
        if len({number for number, _ in parts}) == len(parts)
    }


def rows(file: IO[bytes]) -> Iterator[dict[str, str]]:
    """The rows of such a file: `value`, `timestamp` in seconds, `step`, `epoch`; empty where there is none."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as entry:
            for row in csv.DictReader(io.TextIOWrapper(entry, "utf-8", newline="")):
                yield {name: row[name] for name in ("value", "timestamp", "step", "epoch")}
    except (zipfile.BadZipFile, IndexError, KeyError, ValueError) as error:
        raise BrokenAnswerError(f"The file with all points of a metric cannot be read: {error}") from error
