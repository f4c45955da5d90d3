"""Points of a curve -> Comet's JSON of it."""

from __future__ import annotations

from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.scalars import number_of, wire_number
from zenml_comet_tracker.comet.texts import quoted


def curve_bytes(name: str, x: Any, y: Any) -> bytes:
    """`x` and `y`, as many numbers each, and the curve's name. NaN and infinities become Comet's texts for them.

    >>> curve_bytes("roc", [0, 1], (0.5, 1))
    b'{"x":[0,1],"y":[0.5,1],"name":"roc"}'
    """
    across, up = _numbers("x", x), _numbers("y", y)
    if len(across) != len(up):
        raise InvalidValueError(f"A curve has as many x as y; got {len(across)} and {len(up)}")
    return orjson.dumps({"x": across, "y": up, "name": name})


def _numbers(axis: str, values: Any) -> list[float | str]:
    tolist = getattr(values, "tolist", None)
    try:
        found = list(tolist() if callable(tolist) else values)
    except TypeError:
        raise InvalidValueError(f"{axis} of a curve is a list of numbers; got {quoted(values)}") from None
    return [_number(axis, value) for value in found]


def _number(axis: str, value: Any) -> float | str:
    if type(value) is int and -(2**63) <= value < 2**64:
        return value
    number = number_of(value)
    if number is None:
        raise InvalidValueError(f"{axis} of a curve holds numbers; got {quoted(value)}")
    return wire_number(number)
