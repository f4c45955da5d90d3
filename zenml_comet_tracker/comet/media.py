"""Files, pictures, figures and matrices -> bytes. Nothing here knows where they go."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.structures import json_text

# A larger matrix is a mistake (identifiers taken for classes) and would cost the square of it in memory.
MAX_CLASSES = 1_000


def image_bytes(image: Any, image_format: str = "png") -> bytes:
    """The encoded bytes of a PIL image or an array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4).

    Arrays of whole numbers hold 0..255, arrays of floats 0..1. Raises `InvalidValueError` for anything else.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise InvalidValueError("Logging an image that is not a file needs Pillow: pip install pillow") from error
    picture = image if isinstance(image, Image.Image) else Image.fromarray(_pixels(image))
    if image_format.lower() in ("jpg", "jpeg") and picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, format="JPEG" if image_format.lower() == "jpg" else image_format)
    return stream.getvalue()


def _pixels(image: Any) -> Any:
    import numpy

    source = image.detach().cpu().numpy() if hasattr(image, "detach") else image
    pixels = numpy.asarray(source)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype == object or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise InvalidValueError(
            "An image is expected as a path, a PIL image or an array of shape (h, w), (h, w, 3) or (h, w, 4); "
            f"got {type(image).__name__} of shape {pixels.shape}"
        )
    if pixels.dtype.kind == "b":
        pixels = pixels * 255
    elif pixels.dtype.kind == "f":
        pixels = numpy.nan_to_num(pixels) * 255
    return numpy.clip(numpy.round(pixels.astype("float64")), 0, 255).astype("uint8")


def figure_bytes(figure: Any = None) -> bytes:
    """A matplotlib figure as PNG; the current one when none is given."""
    if figure is None:
        import matplotlib.pyplot

        if not matplotlib.pyplot.get_fignums():
            raise InvalidValueError("There is no current matplotlib figure; draw one first or pass figure=...")
        figure = matplotlib.pyplot.gcf()
    figure = figure if hasattr(figure, "savefig") else getattr(figure, "figure", None)
    if figure is None:
        raise InvalidValueError("A matplotlib figure, or what was drawn on one, is expected")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight")
    return stream.getvalue()


def confusion_matrix_bytes(
    y_true: Sequence[Any] | None = None,
    y_predicted: Sequence[Any] | None = None,
    matrix: Sequence[Sequence[float]] | None = None,
    labels: Sequence[Any] | None = None,
    *,
    title: str,
    row_label: str,
    column_label: str,
) -> bytes:
    """Comet's JSON of a confusion matrix, counted from class numbers, one-hot rows or names, or given as it is."""
    labels = None if labels is None else list(labels)
    if matrix is None:
        if y_true is None or y_predicted is None:
            raise InvalidValueError("A confusion matrix needs y_true and y_predicted, or matrix")
        counts, names = _count(_classes(y_true), _classes(y_predicted), labels)
    else:
        counts = [[_count_value(cell) for cell in row] for row in matrix]
        if any(len(row) != len(counts) for row in counts):
            raise InvalidValueError("A confusion matrix has as many columns as rows")
        names = [str(label) for label in labels or range(len(counts))]
    if len(names) != len(counts):
        raise InvalidValueError(f"{len(counts)} classes need as many labels; got {len(names)}")
    return orjson.dumps(
        {
            "version": 1,
            "title": title,
            "labels": names,
            "matrix": counts,
            "rowLabel": row_label,
            "columnLabel": column_label,
            "maxSamplesPerCell": 25,
            "sampleMatrix": None,
            "type": None,
        }
    )


def _classes(values: Sequence[Any]) -> list[Any]:
    """Class per sample; the index of the largest entry where a sample is a vector."""
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    vectors = [item.tolist() if hasattr(item, "tolist") else item for item in plain]
    return [max(range(len(v)), key=v.__getitem__) if isinstance(v, list | tuple) else v for v in vectors]


def _count(truth: list[Any], predicted: list[Any], labels: list[Any] | None) -> tuple[list[list[float]], list[str]]:
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
    for true, guess in zip(truth, predicted, strict=True):
        counts[index[true]][index[guess]] += 1
    return counts, [str(label) for label in labels or order]


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


def files_below(folder: Path) -> list[tuple[Path, str]]:
    """Every file below a folder with its name relative to the folder's parent, in a stable order."""
    return [(path, path.relative_to(folder.parent).as_posix()) for path in sorted(folder.rglob("*")) if path.is_file()]


def file_contents(file_data: Any, file_name: str | None) -> tuple[Path | bytes, str]:
    """A path, or the bytes of an open file, and the name to show."""
    if isinstance(file_data, str | PathLike):
        path = Path(file_data)
        if not path.is_file():
            raise InvalidValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; a file is expected")
        return path, file_name or path.name
    read = getattr(file_data, "read", None)
    if not callable(read):
        raise InvalidValueError(f"a path or an open file is expected, got {type(file_data).__name__}")
    content = read()
    name = file_name or Path(str(getattr(file_data, "name", "") or "file")).name
    return content.encode() if isinstance(content, str) else bytes(content), name


def data_bytes(data: Any) -> bytes:
    """Bytes and texts as they are, anything else as JSON."""
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if isinstance(data, str):
        return data.encode("utf-8", "replace")
    try:
        return json.dumps(data, allow_nan=False).encode()
    except Exception:
        # What JSON has no form for becomes text; what a user's type raises on its way there is no reason to drop it.
        return json_text(data).encode()
