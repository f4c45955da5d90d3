"""Metrics as most loops log them, floats and integers under plain names -> lines of the journal, without detours."""

from __future__ import annotations

import math
from operator import add
from typing import Any

import orjson

from zenml_comet_tracker.comet.names import MAX_KNOWN, Names
from zenml_comet_tracker.comet.resources.metrics import line_start

_PLAIN = {float, int}
_FLOATS = {float}
# Of how many sets of names the beginnings of lines are kept at hand.
_MAX_SETS = 100
# Beyond these float64 does not tell integers apart, which has to be said.
_EXACT = 2**53


class PlainMetrics:
    """The lines of what is plain, None for all else. Lines lack their end, which is the same for all of a call."""

    def __init__(self, names: Names) -> None:
        self._starts = _Starts(names)
        # A loop logs the same names again and again.
        self._sets: dict[tuple[Any, ...], list[bytes]] = {}

    def one(self, name: Any, value: Any) -> bytes | None:
        """The beginning of the line of one value.

        >>> PlainMetrics(Names(print)).one("loss", 0.5)
        b'{"metricName":"loss","metricValue":0.5'
        """
        if type(name) is not str or type(value) is not float or not math.isfinite(value):
            return None
        start = self._starts[name]
        return start + orjson.dumps(value) if start else None

    def many(self, values: Any, end: bytes) -> bytes | None:
        """The whole lines of a flat dictionary, each with `end` behind it."""
        if type(values) is not dict:
            return None
        names = tuple(values)
        starts = self._sets.get(names) or self._learn(names)
        numbers = _finite_floats(values) if starts else None
        if numbers is None:
            return None
        return end.join(map(add, starts, orjson.dumps(numbers)[1:-1].split(b","))) + end

    def _learn(self, names: tuple[Any, ...]) -> list[bytes]:
        """How the lines of these names begin; empty when one of them cannot be sent as it is."""
        if not all(type(name) is str for name in names):
            return []
        starts = list(map(self._starts.__getitem__, names))
        if b"" in starts:
            return []
        if len(self._sets) >= _MAX_SETS:
            self._sets.clear()
        self._sets[names] = starts
        return starts


def _finite_floats(values: dict[Any, Any]) -> list[float] | None:
    """The values as floats, None when one of them is no float or plain integer, or not finite."""
    numbers = list(values.values())
    kinds = set(map(type, numbers))
    if kinds != _FLOATS:
        if not kinds <= _PLAIN or not -_EXACT <= min(numbers) <= max(numbers) <= _EXACT:
            return None
        numbers = list(map(float, numbers))
    # One check for all: a sum is finite only if each of its terms is.
    return numbers if math.isfinite(sum(numbers)) else None


class _Starts(dict[str, bytes]):
    """Name as the user gives it -> the beginning of its lines; empty for a name that cannot be sent."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, name: str) -> bytes:
        sent = self._names[name]
        if len(self) >= MAX_KNOWN:
            self.clear()
        self[name] = line_start(sent) if sent else b""
        return self[name]
