"""Mappings, dataclasses, models and other holders of named values -> their leaves, each with its full name.

Nothing here raises on a value: what cannot be read is a leaf that says so.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import numbers
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from zenml_comet_tracker.comet.guard import interrupts
from zenml_comet_tracker.comet.texts import name_of

# More names than this in one call are a mistake that would fill the disk, or a structure without an end.
MAX_LEAVES = 100_000
# How far what follows is counted, so that the count is exact for all but endless structures.
MAX_COUNTED = 1_000_000

Members = Iterable[tuple[Any, Any]]

# Asked for by exact type, before anything is looked up on the value.
_SINGLE = frozenset({float, int, str, bool, type(None), bytes, list, tuple, set, frozenset})


class Unreadable:
    """Takes the place of a value that could not be read; its text says why."""

    def __init__(self, what: Any, error: Exception) -> None:
        self._text = f"<{type(what).__name__} that raised {type(error).__name__} when it was read>"

    def __str__(self) -> str:
        return self._text


class Leaves:
    """Iterates over the leaves of a holder, as full names and values in the user's order.

    Names are joined by `separator` down to `depth` levels, what lies deeper or holds itself is a leaf. `cut` says,
    afterwards, how many leaves were too many.

    >>> list(Leaves({"a": {"b": 1}, 2: 3}.items(), "/", depth=10))
    [('a/b', 1), ('2', 3)]
    """

    def __init__(self, members: Members, separator: str, depth: int, prefix: str = "", holder: Any = None) -> None:
        self._separator = separator
        self._depth = depth
        self._levels: list[tuple[Iterator[tuple[Any, Any]], str, Any]] = [(iter(members), prefix, holder)]
        self.cut = 0

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for count, leaf in enumerate(self._walk()):
            if count == MAX_LEAVES:
                self.cut = 1 + sum(1 for _ in zip(range(MAX_COUNTED), self._walk(), strict=False))
                return
            yield leaf

    def _walk(self) -> Iterator[tuple[str, Any]]:
        levels = self._levels
        while levels:
            members, path, _ = levels[-1]
            for key, value in members:
                name = name_of(key)
                name = path + name if path else name
                if type(value) not in _SINGLE and (inner := self._inner(value)) is not None:
                    levels.append((inner, name + self._separator, value))
                    break
                yield name, value
            else:
                levels.pop()

    def _inner(self, value: Any) -> Iterator[tuple[Any, Any]] | None:
        """The members of a value that is to be gone into: not of an empty one, which else would leave no trace."""
        if len(self._levels) >= self._depth or any(holder is value for _, _, holder in self._levels):
            return None
        members = members_of(value)
        if members is None:
            return None
        inner = iter(members)
        first = next(inner, None)
        return None if first is None else _chained(first, inner)


def members_of(value: Any) -> Members | None:
    """Names and values of what holds named values; None for what does not.

    Mappings, named tuples, dataclasses, attrs classes, pydantic models and namespaces do; classes themselves do not.
    Where the iteration breaks off, one value without a name stands for what would have followed.
    """
    if type(value) is dict:
        # Another thread may change it while it is read.
        return value.copy().items()
    if type(value) in _SINGLE:
        return None
    try:
        found = None if isinstance(value, type | numbers.Number) else _members(value)
    except Exception as error:
        if interrupts(error):
            raise
        # A user's type may raise from anything that is looked up on it; then it is taken as one value.
        return None
    return None if found is None else _guarded(found, value)


def attributes_of(value: Any) -> Members | None:
    """The public attributes of a plain object or class that are neither methods nor computed; None when it has none."""
    if type(value) in _SINGLE:
        return None
    try:
        found = [(name, _stored(value, name)) for name in dir(value) if not name.startswith("_")]
    except Exception as error:
        if interrupts(error):
            raise
        # As in `members_of`.
        return None
    return [(name, member) for name, member in found if not callable(member)] or None


def _members(value: Any) -> Members | None:
    if isinstance(value, Mapping):
        return _each(value, iter(value), value.__getitem__)
    kind = type(value)
    if isinstance(value, argparse.Namespace | types.SimpleNamespace):
        return vars(value).copy().items()
    names = _field_names(value, kind)
    return None if names is None else _each(value, iter(names), lambda name: getattr(value, name))


def _field_names(value: Any, kind: type) -> Iterable[str] | None:
    if isinstance(value, tuple):
        return getattr(kind, "_fields", None)
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    if attributes := getattr(kind, "__attrs_attrs__", None):
        return [attribute.name for attribute in attributes]
    fields = getattr(kind, "model_fields", None)
    if isinstance(fields, Mapping):
        shown = [name for name, field in fields.items() if getattr(field, "exclude", None) is not True]
        return [*shown, *(getattr(value, "model_extra", None) or ())]
    # Asked last: pydantic's second version has it too, and warns.
    fields = getattr(kind, "__fields__", None)
    return list(fields) if isinstance(fields, Mapping) else None


def _each(holder: Any, names: Iterator[Any], read: Callable[[Any], Any]) -> Members:
    for name in names:
        try:
            value = read(name)
        except Exception as error:
            if interrupts(error):
                raise
            # One member that cannot be read (OmegaConf has such) must not cost the others.
            value = Unreadable(holder, error)
        yield name, value


def _guarded(members: Members, holder: Any) -> Members:
    try:
        yield from members
    except Exception as error:
        if interrupts(error):
            raise
        yield "", Unreadable(holder, error)


def _chained(first: tuple[Any, Any], rest: Iterator[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    yield first
    yield from rest


def _stored(value: Any, name: str) -> Any:
    found = inspect.getattr_static(value, name)
    if isinstance(found, types.MemberDescriptorType):
        return getattr(value, name)
    # A property may do anything, and a method is no value: both stand in as something that is called.
    return _stored if hasattr(type(found), "__get__") else found
