"""Whole structures -> JSON text."""

from __future__ import annotations

import json
from typing import Any

from zenml_comet_tracker.comet import nesting
from zenml_comet_tracker.comet.scalars import SCALARS, elements, plain
from zenml_comet_tracker.comet.texts import name_of, text_of

MAX_DEPTH = 50
# A structure may have no end.
MAX_VALUES = 1_000_000


def json_text(value: Any) -> str:
    """Any value as compact strict JSON; what JSON cannot hold becomes text.

    >>> json_text({"a": [1, float("nan")], 2: {3}})
    '{"a":[1,"NaN"],"2":[3]}'
    """
    return Conversion().text(value)


class Conversion:
    """Makes JSON texts, until all together hold `MAX_VALUES` values; from then on each is its value's own text."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def text(self, value: Any) -> str:
        """The value as compact strict JSON; what lies deeper than `MAX_DEPTH`, or holds itself, is text there."""
        try:
            return json.dumps(self._of(value, ()), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except _TooMuchError:
            return json.dumps(text_of(value), ensure_ascii=False)

    def _of(self, value: Any, above: tuple[Any, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _TooMuchError
        found = None if value is None else plain(value)
        if found is None or type(found) in SCALARS:
            return found
        if len(above) == MAX_DEPTH or any(holder is value for holder in above):
            return text_of(found)
        inside = (*above, value)
        members = nesting.members_of(found)
        if members is not None:
            return {name_of(name): self._of(member, inside) for name, member in members}
        items = elements(found)
        return text_of(found) if items is None else [self._of(item, inside) for item in items]


class _TooMuchError(Exception):
    """The values are used up."""
