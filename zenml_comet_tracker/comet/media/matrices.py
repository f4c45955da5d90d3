"""Classes and counts -> Comet's confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.texts import text_of

# A larger matrix is a mistake (identifiers taken for classes) and would cost the square of it in memory.
MAX_CLASSES = 1_000


@dataclass(frozen=True)
class Examples:
    """What to show of a cell: up to `per_cell` samples, each as `example_of` its index says: a text, or a mapping with
    `sample` and `assetId`."""

    per_cell: int = 25
    example_of: Callable[[int], Any] | None = None


NO_EXAMPLES = Examples()

# By row and column, what is shown of the samples there.
Cells = list[list[list[Any] | None]]


def confusion_matrix_bytes(
    y_true: Sequence[Any] | None = None,
    y_predicted: Sequence[Any] | None = None,
    matrix: Sequence[Sequence[float]] | None = None,
    labels: Sequence[Any] | None = None,
    *,
    title: str,
    row_label: str,
    column_label: str,
    winner_function: Callable[[Any], Any] | None = None,
    examples: Examples = NO_EXAMPLES,
) -> bytes:
    """Comet's JSON of a confusion matrix, counted from class numbers, one-hot rows or names, or given as it is.

    `winner_function` finds the class in a row of scores; without it the greatest score wins.
    """
    labels = None if labels is None else list(labels)
    samples: Cells | None = None
    kind = None
    if matrix is None:
        if y_true is None or y_predicted is None:
            raise InvalidValueError("A confusion matrix needs y_true and y_predicted, or matrix")
        truth, guesses = (_classes(side, winner_function) for side in (y_true, y_predicted))
        counts, names, places = _count(truth, guesses, labels)
        samples = _samples(places, len(counts), examples)
        kind = _kind(samples, examples)
    else:
        counts = [[_count_value(cell) for cell in row] for row in matrix]
        if any(len(row) != len(counts) for row in counts):
            raise InvalidValueError("A confusion matrix has as many columns as rows")
        names = [text_of(label) for label in labels or range(len(counts))]
    if len(names) != len(counts):
        raise InvalidValueError(f"{len(counts)} classes need as many labels; got {len(names)}")
    return orjson.dumps(
        {
            "version": 1,
            "title": text_of(title),
            "labels": names,
            "matrix": counts,
            "rowLabel": text_of(row_label),
            "columnLabel": text_of(column_label),
            "maxSamplesPerCell": examples.per_cell,
            "sampleMatrix": samples,
            "type": kind,
        }
    )


def _samples(places: list[tuple[int, int]], size: int, examples: Examples) -> Cells:
    """In each cell the first of its samples: their numbers, unless something is to be shown of them."""
    cells: Cells = [[None] * size for _ in range(size)]
    for index, (row, column) in enumerate(places):
        cell = cells[row][column] = cells[row][column] or []
        if len(cell) < examples.per_cell:
            cell.append(index if examples.example_of is None else _sample(index, examples.example_of(index)))
    return cells


def _kind(cells: Cells, examples: Examples) -> str:
    """What Comet calls such samples."""
    if examples.example_of is None:
        return "integer"
    shown = (sample for row in cells for cell in row for sample in cell or ())
    return "image" if any(sample["assetId"] for sample in shown) else "string"


def _sample(index: int, example: Any) -> dict[str, Any]:
    if isinstance(example, Mapping):
        asset_id = example.get("assetId")
        return {"index": index, "sample": text_of(example.get("sample", "")), "assetId": asset_id and str(asset_id)}
    return {"index": index, "sample": text_of(example), "assetId": None}


def _classes(values: Sequence[Any], winner_function: Callable[[Any], Any] | None) -> list[Any]:
    """Class per sample; the index of the largest entry where a sample is a vector."""
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    vectors = [item.tolist() if hasattr(item, "tolist") else item for item in plain]
    winner = winner_function or (lambda scores: max(range(len(scores)), key=scores.__getitem__))
    return [winner(v) if isinstance(v, list | tuple) else v for v in vectors]


def _count(
    truth: list[Any], predicted: list[Any], labels: list[Any] | None
) -> tuple[list[list[float]], list[str], list[tuple[int, int]]]:
    """How often each class was taken for each, the classes' names, and row and column of each sample."""
    if len(truth) != len(predicted):
        raise InvalidValueError(f"y_true has {len(truth)} samples, y_predicted {len(predicted)}")
    order = _class_order({*truth, *predicted}, labels)
    if len(order) > MAX_CLASSES:
        raise InvalidValueError(f"{len(order)} classes are more than the {MAX_CLASSES} that a matrix can show")
    index = {label: position for position, label in enumerate(order)}
    unknown = {item for item in (*truth, *predicted) if item not in index}
    if unknown:
        raise InvalidValueError(f"classes without a label: {sorted(map(str, unknown))}")
    counts: list[list[float]] = [[0] * len(order) for _ in order]
    places = [(index[true], index[guess]) for true, guess in zip(truth, predicted, strict=True)]
    for row, column in places:
        counts[row][column] += 1
    return counts, [text_of(label) for label in labels or order], places


def _class_order(found: set[Any], labels: list[Any] | None) -> list[Any]:
    """Class per row: the labels where they are the classes, else all numbers from 0, else the classes that occur."""
    if labels and found <= set(labels):
        return labels
    if all(isinstance(item, int) and 0 <= item < MAX_CLASSES for item in found):
        return list(range(max([*found, len(labels or ()) - 1], default=-1) + 1))
    numbers = all(isinstance(item, int | float) for item in found)
    return sorted(found) if numbers else sorted(found, key=str)


def _count_value(cell: Any) -> float:
    number = float(cell)
    return int(number) if number.is_integer() else number
