"""Metric values as they arrive, many at once: column by column where that gives what value by value would give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zenml_comet_tracker.local.routes.answers import RequestError
from zenml_comet_tracker.local.routes.fields import MAX_BATCH, Fields
from zenml_comet_tracker.local.routes.values import to_double
from zenml_comet_tracker.local.store.metrics import MetricValue, shown_name
from zenml_comet_tracker.local.store.points import NO_STEP, Integers, Numbers, Points

_MEMBERS = ("metricName", "context", "metricValue", "step", "epoch", "timestamp")
_NONE = type(None)


class _UnusualError(Exception):
    """The values have to be looked at one by one: some are written in a rarer way, or one is to be refused."""


@dataclass(frozen=True)
class MetricBatch:
    """Values in the order given: plain name, context and point of each."""

    names: Sequence[str]
    contexts: Sequence[str]
    points: Points

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def read(cls, fields: Fields, now_millis: int) -> MetricBatch:
        """The batch under `values`. Raises `RequestError` for the first value that is not one."""
        try:
            return _by_columns(fields.raw("values"), now_millis)
        except _UnusualError:
            return _of_values([metric_value(each, now_millis) for each in fields.objects("values")])

    def by_metric(self, first: int) -> tuple[dict[str, Points], dict[str, str]]:
        """The points from the one with index `first` on, and the context that is to be kept, by shown name."""
        names, contexts, points = self.names[first:], self.contexts[first:], self.points.take(slice(first, None))
        if len(set(names)) == len(set(contexts)) == 1:
            shown = shown_name(names[0], contexts[0])
            return {shown: points}, {shown: contexts[0]}
        kept: dict[str, str] = {}
        places: dict[str, list[int]] = {}
        for at, (name, context) in enumerate(zip(names, contexts, strict=True)):
            shown = f"{context}_{name}" if context else name
            if shown not in places:
                places[shown], kept[shown] = [], context
            places[shown].append(at)
        return {shown: points.take(np.array(those)) for shown, those in places.items()}, kept


def metric_value(fields: Fields, now_millis: int) -> MetricValue:
    """One value; without a time of its own it is of now. Raises `RequestError`."""
    value = to_double(fields.value("metricValue"))
    if value is None:
        raise fields.error("metricValue", 'a number, or a text that spells one ("NaN" and "Infinity" too)')
    millis = fields.moment("timestamp")
    return MetricValue(
        name=fields.text("metricName"),
        value=value,
        step=fields.integer("step"),
        epoch=fields.number("epoch"),
        context=fields.optional_text("context") or "",
        millis=now_millis if millis is None else millis,
    )


def _of_values(values: Sequence[MetricValue]) -> MetricBatch:
    points = Points.of(
        [value.value for value in values],
        [value.step for value in values],
        [value.epoch for value in values],
        [value.millis for value in values],
    )
    return MetricBatch([value.name for value in values], [value.context for value in values], points)


def _by_columns(values: Any, now_millis: int) -> MetricBatch:
    """The batch, by a few passes over all values instead of many calls for each. Raises `_UnusualError`."""
    if not isinstance(values, list) or not 0 < len(values) <= MAX_BATCH or set(map(type, values)) != {dict}:
        raise _UnusualError
    names, contexts, numbers, steps, epochs, moments = (_column(values, name) for name in _MEMBERS)
    _check(names, lambda name: Fields({"name": name}).text("name"))
    _check(contexts, lambda context: Fields({"context": context}).optional_text("context"))
    millis = _integers(moments, now_millis)
    # What each getter says of the ends it says of all between them.
    _check([int(millis.min()), int(millis.max())], lambda moment: Fields({"moment": moment}).moment("moment"))
    points = Points(
        values=_doubles(numbers),
        steps=_integers(steps, NO_STEP),
        epochs=_epochs(epochs),
        millis=millis,
    )
    told = [context or "" for context in contexts] if any(contexts) else [""] * len(contexts)
    return MetricBatch(names, told, points)


def _column(values: list[dict[str, Any]], name: str) -> list[Any]:
    try:
        # Half as long as asking for each with a default.
        return [value[name] for value in values]
    except KeyError:
        return [value.get(name) for value in values]


def _check(column: Iterable[Any], read: Callable[[Any], object]) -> None:
    try:
        for each in set(column):
            read(each)
    except (RequestError, TypeError) as error:
        raise _UnusualError from error


def _doubles(column: list[Any]) -> Numbers:
    kinds = set(map(type, column))
    if not kinds <= {float, int, bool}:
        read = [to_double(each) for each in column]
        if None in read:
            raise _UnusualError
        column = read
    return np.array(column, np.float64)


def _epochs(column: list[Any]) -> Numbers:
    if column.count(None) == len(column):
        return np.full(len(column), np.nan)
    if not set(map(type, column)) <= {float, int, _NONE}:
        raise _UnusualError
    # None becomes NaN.
    return np.array(column, np.float64)


def _integers(column: list[Any], absent: int) -> Integers:
    missing = column.count(None)
    if missing == len(column):
        return np.full(len(column), absent, np.int64)
    if not set(map(type, column)) <= {int, _NONE}:
        raise _UnusualError
    given = [absent if each is None else each for each in column] if missing else column
    try:
        whole = np.array(given, np.int64)
    except OverflowError as error:
        raise _UnusualError from error
    if np.count_nonzero(whole == NO_STEP) != (missing if absent == NO_STEP else 0):
        raise _UnusualError
    return whole
