"""What the parts of an experiment hold beyond database rows: groups of charts, pictures, matrices, texts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from zenml_comet_tracker.local.pages import files, formats
from zenml_comet_tracker.local.store import views

# Beyond these a page would be slow to load and nothing would be seen; the files themselves are all listed.
_MATRICES = 4
_MATRIX_BYTES = 1_000_000
_MATRIX_LABELS = 30
_TEXTS = 100
_TEXT_BYTES = 20_000

Locate = Callable[[str], Path]


@dataclass(frozen=True)
class File:
    """A file and where the page finds its bytes; `url` is None for one that lies elsewhere."""

    asset: views.Asset
    url: str | None

    @property
    def is_image(self) -> bool:
        """Whether its name says that it is a picture browsers show."""
        return self.url is not None and Path(self.asset.name).suffix.lower() in files.IMAGE_SUFFIXES


@dataclass(frozen=True)
class Text:
    """A logged text; `cut` when only its first `shown` bytes are in `content`."""

    asset: views.Asset
    url: str
    content: str
    shown: int
    cut: bool


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: rows of a label and cells, each a count with its share (0 to 1) of the largest count."""

    title: str
    step: int | None
    row_label: str
    column_label: str
    labels: list[str]
    rows: list[tuple[str, list[tuple[float, float]]]]


def chart_groups(metrics: list[views.Metric]) -> list[tuple[str, list[views.Metric]]]:
    """Metrics by what stands before the last "/" of their name; those without one first, the system's last."""
    groups: dict[str, list[views.Metric]] = {"": []}
    for metric in metrics:
        group = "System" if metric.name.startswith("sys.") else metric.name.rpartition("/")[0]
        groups.setdefault(group, []).append(metric)
    return [(group, members) for group, members in groups.items() if members]


def file_rows(experiment: views.Experiment, assets: list[views.Asset]) -> list[File]:
    """Each asset with the address of its bytes."""
    base = f"/page-data/experiments/{experiment.key}/assets"
    # The content is part of the address, so that browsers may keep it.
    return [
        File(asset, f"{base}/{quote(asset.asset_id, safe='')}?v={asset.sha256[:12]}" if asset.sha256 else None)
        for asset in assets
    ]


def texts(rows: list[File], locate: Locate) -> list[Text]:
    """The newest logged texts, the newest first, long ones cut."""
    return [text for row in reversed(rows[-_TEXTS:]) if (text := _text(row, locate))]


def matrices(assets: list[views.Asset], locate: Locate) -> list[Matrix]:
    """The newest confusion matrices that are small enough to be read as a table."""
    wanted = [asset for asset in assets if asset.type == "confusion-matrix" and asset.size <= _MATRIX_BYTES]
    return [matrix for asset in reversed(wanted[-_MATRICES:]) if (matrix := _matrix(asset, locate))]


def failure(error: str | None) -> str:
    """The line of a traceback that says what happened."""
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    return formats.middle(lines[-1], 300) if lines else "It failed and left no message."


def _text(row: File, locate: Locate) -> Text | None:
    content = _head(row.asset, locate, _TEXT_BYTES)
    if content is None or row.url is None:
        return None
    # A cut may fall inside a character; that one is left out.
    shown = content.decode("utf-8", "ignore")
    return Text(row.asset, row.url, shown, len(content), row.asset.size > len(content))


def _matrix(asset: views.Asset, locate: Locate) -> Matrix | None:
    try:
        content = orjson.loads(_head(asset, locate, _MATRIX_BYTES) or b"")
        counts = [[float(cell) for cell in row] for row in content["matrix"]]
        labels = [str(label) for label in content.get("labels") or range(len(counts))]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None
    square = 0 < len(counts) <= _MATRIX_LABELS and all(len(row) == len(counts) == len(labels) for row in counts)
    if not square or not all(math.isfinite(cell) for row in counts for cell in row):
        return None
    top = max(max(row) for row in counts) or 1.0
    return Matrix(
        title=_word(content.get("title"), asset.name),
        step=asset.step,
        row_label=_word(content.get("rowLabel"), "Actual"),
        column_label=_word(content.get("columnLabel"), "Predicted"),
        labels=labels,
        rows=[
            (label, [(c, round(max(0.0, c / top), 3)) for c in row]) for label, row in zip(labels, counts, strict=True)
        ],
    )


def _head(asset: views.Asset, locate: Locate, limit: int) -> bytes | None:
    if asset.sha256 is None:
        return None
    try:
        with locate(asset.sha256).open("rb") as source:
            return source.read(limit)
    except OSError:
        return None


def _word(value: Any, fallback: str) -> str:
    return value if isinstance(value, str) and value else fallback
