"""User values -> wire values. Nothing here raises on a value: what cannot be logged comes back as a `Refusal`.

Metrics become float64 (larger integers are rounded from 2**53 on); NaN and the infinities travel as the strings that
Comet uses for them. Parameters and others keep JSON scalars and become text otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import itertools
import json
import math
import numbers
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

METRIC_SEPARATOR = "/"
PARAMETER_SEPARATOR = "|"
# Deeper nesting is an object graph, not a configuration; the rest is kept as text.
MAX_DEPTH = 100
# More names than this in one call are a mistake that would fill the disk.
MAX_LEAVES = 50_000
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1

WireNumber = float | int | str
WireScalar = float | int | str | bool | list[Any] | None


class Refusal(NamedTuple):
    """A value that cannot be logged: its full name, a reason to count it by, and a sentence for the user."""

    name: str
    reason: str
    message: str


def metric(name: Any, value: Any) -> tuple[str, WireNumber] | Refusal:
    """The wire name and number of one metric value, or why it has none.

    >>> metric("loss", 0.5)
    ('loss', 0.5)
    >>> metric("loss", float("nan"))
    ('loss', 'NaN')
    """
    label = name_of(name)
    if not label:
        return Refusal(label, "empty name", "a metric needs a name that is not empty")
    number = _number(value)
    if number is None:
        return Refusal(
            label, "not a number", f"metric {label!r} expects a number, got {type(value).__name__} {_short(value)}"
        )
    return label, wire_number(number)


def wire_number(number: float) -> WireNumber:
    """A float as JSON can carry it: non-finite values as Comet's strings."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def metrics(values: Any, prefix: str | None = None) -> Iterator[tuple[str, WireNumber] | Refusal]:
    """Each metric of a possibly nested mapping, names joined by `/`, the prefix by `_`."""
    for name, value in _leaves(values, METRIC_SEPARATOR, prefix):
        yield metric(name, value)


def parameters(values: Any, prefix: str | None = None) -> Iterator[tuple[str, WireScalar] | Refusal]:
    """Each parameter of a mapping, dataclass, pydantic model or argparse namespace, names joined by `|`."""
    for name, value in _leaves(values, PARAMETER_SEPARATOR, prefix):
        if name:
            yield name, scalar(value)
        else:
            yield Refusal(name, "empty name", "a parameter needs a name that is not empty")


def scalar(value: Any) -> WireScalar:
    """A parameter or other as JSON can carry it: text, numbers, booleans and flat lists as they are, the rest as text.

    >>> scalar(float("inf")), scalar(None), scalar((1, "a"))
    ('Infinity', 'None', [1, 'a'])
    """
    plain = _plain(value)
    if isinstance(plain, list | tuple):
        items = [_plain(item) for item in plain]
        if all(isinstance(item, str | bool | int | float) for item in items):
            return items
        return text_of(value)
    return plain if isinstance(plain, str | bool | int | float) else text_of(value)


def name_of(name: Any) -> str:
    """A name as text: an enum by its value, all else by `str`, what UTF-8 cannot carry replaced."""
    text = name if type(name) is str else text_of(name.value if isinstance(name, enum.Enum) else name)
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def step_of(step: Any) -> int | None:
    """A step as a 64-bit integer, None where there is none or it cannot be one."""
    if type(step) is int:
        return _int64(step)
    number = None if step is None else _number(step)
    return _int64(int(number)) if number is not None and math.isfinite(number) else None


def epoch_of(epoch: Any) -> int | float | None:
    """An epoch, which unlike a step may be a fraction."""
    if type(epoch) is int:
        return _int64(epoch)
    number = None if epoch is None else _number(epoch)
    if number is None or not math.isfinite(number):
        return None
    whole = _int64(int(number)) if number.is_integer() else None
    return number if whole is None else whole


def _int64(number: int) -> int | None:
    return number if _INT64_MIN <= number <= _INT64_MAX else None


def _leaves(values: Any, separator: str, prefix: str | None) -> Iterator[tuple[str, Any]]:
    """Full names and values in the user's order; a name is empty where the last key is."""
    mapping = _as_mapping(values)
    if mapping is None:
        yield name_of(prefix) if prefix else "", values
    else:
        walk = _walk(mapping, f"{name_of(prefix)}_" if prefix else "", separator, (id(values),))
        yield from itertools.islice(walk, MAX_LEAVES)
        if (rest := next(walk, None)) is not None:
            yield "", f"{rest[0]!r} and what follows it: more than {MAX_LEAVES} names in one call"


def _walk(mapping: Mapping[Any, Any], path: str, separator: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        own = name_of(key)
        # What holds itself would never end; seen again on its own path, it is one leaf.
        inner = _as_mapping(value) if len(above) < MAX_DEPTH and id(value) not in above else None
        if inner:
            yield from _walk(inner, path + own + separator, separator, (*above, id(value)))
        else:
            yield path + own if own else "", value


def _as_mapping(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, argparse.Namespace):
        return vars(value)
    fields = getattr(type(value), "model_fields", None)
    if isinstance(fields, Mapping) and not isinstance(value, type):
        return {name: getattr(value, name, None) for name in fields}
    return None


def _number(value: Any) -> float | None:
    """A float for anything that is one number: Python, numpy, torch and Decimal scalars, booleans, number texts."""
    if type(value) is float:
        return value
    if isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real):
        return None
    try:
        if isinstance(value, numbers.Number | str):
            return float(value)  # type: ignore[arg-type]
        item = getattr(value, "item", None)
        if callable(item):
            return float(item())
        return float(value)
    except Exception:
        # A user's type may raise anything from its conversion, and an integer beyond float64 raises OverflowError:
        # calling that infinite would be untrue.
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None:
        return "None"
    if isinstance(value, bool | str):
        return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
    if isinstance(value, int):
        # JSON readers, Comet's own among them, hold integers beyond 64 bits wrongly or not at all.
        return int(value) if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return wire_number(float(value))
    if isinstance(value, os.PathLike):
        return text_of(os.fspath(value))
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(value, list | tuple):
        try:
            return _plain(item())
        except Exception:
            return text_of(value)
    return value


def json_text(value: Any) -> str:
    """Any value as compact strict JSON; what JSON cannot hold becomes text."""
    try:
        text = json.dumps(value, default=str, separators=(",", ":"), allow_nan=False)
    except Exception:
        # Not only json's own errors: a user's __str__ may raise anything.
        text = json.dumps(text_of(value))
    return text_of(text)


def text_of(value: Any) -> str:
    """Any value as text that UTF-8 can carry; one whose own conversion fails is named instead."""
    try:
        text = str(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose text raised {type(error).__name__}>"
    return text.encode("utf-8", "replace").decode("utf-8")


def _short(value: Any) -> str:
    text = text_of(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")
