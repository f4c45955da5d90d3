"""Points and boxes in space -> Comet's lines of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.scalars import number_of
from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.texts import quoted


class Scene(NamedTuple):
    """JSON lines of the points and of the boxes, and over what points and the segments of boxes extend:
    `xRange`, `yRange`, `zRange`."""

    points: bytes
    boxes: bytes
    ranges: dict[str, list[float]]


def scene_of(points: Any, boxes: Iterable[Mapping[str, Any]] | None) -> Scene:
    """A scene of points (`x, y, z` and what follows, such as colours) and boxes (mappings with `position`, `size`,
    `label` and others)."""
    tolist = getattr(points, "tolist", None)
    found = [_point(point) for point in (tolist() if callable(tolist) else points or ())]
    found_boxes = [_box(box) for box in boxes or ()]
    lines = [json_text(box) for box in found_boxes]
    if not found and not lines:
        raise InvalidValueError("A 3-D scene needs points, boxes or both")
    corners = [_point(point) for box in found_boxes for line in box.get("segments") or () for point in line]
    axes = zip(*(point[:3] for point in (*found, *corners)), strict=True)
    ranges = {f"{axis}Range": [min(values), max(values)] for axis, values in zip("xyz", axes, strict=False)}
    return Scene(
        b"".join(orjson.dumps(point, option=orjson.OPT_APPEND_NEWLINE) for point in found),
        "".join(f"{line}\n" for line in lines).encode(),
        ranges,
    )


def _point(point: Any) -> list[float]:
    numbers = [value if type(value) is int else number_of(value) for value in point]
    good = [number for number in numbers if number is not None]
    if len(good) < 3 or len(good) != len(numbers):
        raise InvalidValueError(f"A point is at least three numbers; got {quoted(point)}")
    return good


def _box(box: Any) -> Mapping[str, Any]:
    if not isinstance(box, Mapping) or not {"position", "size"} <= set(box):
        raise InvalidValueError(f"A box is a mapping with position and size; got {quoted(box)}")
    return box
