"""User values -> wire values. Nothing here raises on a value: what cannot be logged comes back as a `Refusal`.

Metrics become float64 (larger integers are rounded from 2**53 on); NaN and the infinities travel as the strings that
Comet uses for them. Parameters and others keep JSON scalars and become text otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import orjson

from zenml_comet_tracker.comet import nesting
from zenml_comet_tracker.comet.scalars import SCALARS, WireNumber, elements, is_rounded, number_of, plain, wire_number
from zenml_comet_tracker.comet.structures import Conversion, json_text
from zenml_comet_tracker.comet.texts import VALUE_LIMIT, name_of, quoted, text_of

__all__ = [
    "Refusal",
    "WireNumber",
    "WireScalar",
    "epoch_of",
    "json_text",
    "long_text",
    "metric",
    "metrics",
    "name_of",
    "other",
    "others",
    "parameter",
    "parameters",
    "preview",
    "scalar",
    "step_of",
    "text_of",
]

METRIC_SEPARATOR = "/"
PARAMETER_SEPARATOR = "|"
# Both as in Comet's own client; what lies deeper in parameters is kept as text.
METRIC_DEPTH = 1_000
PARAMETER_DEPTH = 10
# A prefix of parameters that ends so needs no separator of ours.
_SEPARATORS = ("_", ":", "-", "+", ".", "/", "|")
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1

WireScalar = float | int | str | bool | list[Any]


class Refusal(NamedTuple):
    """Values that cannot be logged: a name, a reason to count them by, a sentence for the user, and how many."""

    name: str
    reason: str
    message: str
    values: int = 1


def metric(name: Any, value: Any) -> tuple[str, WireNumber] | Refusal:
    """The full name and wire number of one metric value, or why it has none.

    >>> metric("loss", 0.5)
    ('loss', 0.5)
    >>> metric("loss", float("nan"))
    ('loss', 'NaN')
    """
    label = "" if name is None else name_of(name)
    if not label:
        return Refusal(label, "empty name", "a metric needs a name that is not empty")
    number = value if type(value) is float else number_of(value)
    if number is None:
        message = f"metric {quoted(label)} expects a number, got {type(value).__name__} {quoted(value)}"
        return Refusal(label, "not a number", message)
    return label, wire_number(number)


def metrics(
    values: Any, prefix: str | None = None, on_rounded: Callable[[str], None] | None = None
) -> Iterator[tuple[str, WireNumber] | Refusal]:
    """Each metric of what holds named values, nested names joined by `/`, the prefix by `_`.

    `on_rounded` is called with the name of each whose integer float64 does not hold.
    """
    members = nesting.members_of(values)
    if members is None:
        yield _no_names("metrics", values)
        return
    before = "" if prefix is None else f"{name_of(prefix)}_"
    leaves = nesting.Leaves(members, METRIC_SEPARATOR, METRIC_DEPTH, before, values)
    for name, value in leaves:
        if on_rounded is not None and type(value) is not float and is_rounded(value):
            on_rounded(name)
        yield metric(name, value)
    if leaves.cut:
        yield _too_many(leaves)


def parameter(name: Any, value: Any) -> Iterator[tuple[str, WireScalar] | Refusal]:
    """The parameter, or each of those that the value holds by name."""
    return _parameters([("" if name is None else name, value)], "", None)


def parameters(
    values: Any, prefix: str | None = None, *, nested: bool = True
) -> Iterator[tuple[str, WireScalar] | Refusal]:
    """Each parameter of what holds named values, nested names joined by `|`; of other objects the public attributes.

    Unless `nested`, a value that holds others stays whole.
    """
    members = nesting.members_of(values)
    if members is None:
        members = nesting.attributes_of(values)
    if members is None:
        yield _no_names("parameters", values)
        return
    before = "" if prefix is None else name_of(prefix)
    if before and not before.endswith(_SEPARATORS):
        before += "_"
    yield from _parameters(members, before, values, PARAMETER_DEPTH if nested else 1)


def _parameters(
    members: nesting.Members, before: str, holder: Any, depth: int = PARAMETER_DEPTH
) -> Iterator[tuple[str, WireScalar] | Refusal]:
    leaves = nesting.Leaves(members, PARAMETER_SEPARATOR, depth, before, holder)
    conversion = Conversion()
    for name, value in leaves:
        if name:
            yield name, scalar(value, conversion)
        else:
            yield Refusal(name, "empty name", "a parameter needs a name that is not empty")
    if leaves.cut:
        yield _too_many(leaves)


def other(name: Any, value: Any) -> tuple[str, WireScalar] | Refusal:
    """The full name and wire value of one other, or why it has none."""
    label = "" if name is None else name_of(name)
    return (label, scalar(value)) if label else Refusal("", "empty name", "an other needs a name that is not empty")


def others(values: Any) -> Iterator[tuple[str, WireScalar] | Refusal]:
    """Each other of what holds named values; what is nested stays whole, as JSON text."""
    members = nesting.members_of(values)
    if members is None:
        yield _no_names("others", values)
        return
    for name, value in members:
        yield other(name, value)


def _no_names(what: str, values: Any) -> Refusal:
    kind = type(values).__name__
    return Refusal("", "no names", f"{what} are expected by name, as in a dict; got {kind} {quoted(values)}")


def _too_many(leaves: nesting.Leaves) -> Refusal:
    message = f"more than {nesting.MAX_LEAVES} names in one call; {leaves.cut} are left out"
    return Refusal("", "too many names", message, leaves.cut)


def scalar(value: Any, conversion: Conversion | None = None) -> WireScalar:
    """A parameter or other as JSON can carry it: text, numbers, booleans and flat lists as they are, the rest as text.

    >>> scalar(float("inf")), scalar(None), scalar((1, "a")), scalar([[1], [2]])
    ('Infinity', 'None', [1, 'a'], '[[1],[2]]')
    """
    found = plain(value)
    if type(found) in SCALARS:
        return cast(WireScalar, found)
    conversion = conversion or Conversion()
    if nesting.members_of(found) is not None:
        return conversion.text(found)
    listed = elements(found)
    if listed is None:
        return text_of(found)
    items = [plain(item) for item in listed]
    return items if all(type(item) in SCALARS for item in items) else conversion.text(listed)


def long_text(wire: WireScalar) -> str | None:
    """The text of a wire value that has more than `VALUE_LIMIT` characters, which no Comet was ever sent; else None."""
    if isinstance(wire, str):
        return wire if len(wire) > VALUE_LIMIT else None
    if not isinstance(wire, list):
        return None
    text = orjson.dumps(wire).decode()
    return text if len(text) > VALUE_LIMIT else None


def preview(text: str, file_name: str) -> str:
    """What stands for a long text, in `VALUE_LIMIT` characters: its beginning, and where the whole of it is."""
    note = f"... [{len(text)} characters, in full in the asset {file_name}]"
    return text[: VALUE_LIMIT - len(note)] + note


def step_of(step: Any) -> int | None:
    """A step as a 64-bit integer, None where there is none or it cannot be one."""
    if type(step) is int:
        return _int64(step)
    number = None if step is None else number_of(step)
    return _int64(int(number)) if number is not None and math.isfinite(number) else None


def epoch_of(epoch: Any) -> int | float | None:
    """An epoch, which unlike a step may be a fraction."""
    if type(epoch) is int:
        return _int64(epoch)
    number = None if epoch is None else number_of(epoch)
    if number is None or not math.isfinite(number):
        return None
    whole = _int64(int(number)) if number.is_integer() else None
    return number if whole is None else whole


def _int64(number: int) -> int | None:
    return number if _INT64_MIN <= number <= _INT64_MAX else None
