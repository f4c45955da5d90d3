"""Numbers -> Comet's histogram, whose bins widen with the distance from zero."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.scalars import number_of
from zenml_comet_tracker.comet.texts import quoted


class Bins:
    """Bins between `start` and `stop`, each `step` times as wide as the one before, and their mirror image below zero.

    What is nearer to `offset` than `start` falls into the bin in the middle, what is beyond `stop` into none.
    """

    def __init__(self, start: float = 1e-12, stop: float = 1e20, step: float = 1.1, offset: float = 0) -> None:
        if not 0 < start < stop or step <= 1:
            raise InvalidValueError(
                f"A histogram needs 0 < start < stop and step > 1; got start={start}, stop={stop}, step={step}"
            )
        self.start, self.stop, self.step, self.offset = start, stop, step, offset
        self.scale = math.log(step)
        # The middle one has as many below it as edges fit between start and stop, and one that is open.
        self.middle = math.ceil(math.log(stop / start) / self.scale) + 1

    def index_of(self, value: float) -> int | None:
        """The bin of a value, counted from the lowest; None for what lies in none.

        >>> Bins().index_of(1.0), Bins().index_of(-1.0), Bins().index_of(0.0), Bins().index_of(math.nan)
        (1065, 484, 775, None)
        """
        distance = abs(value - self.offset)
        if not distance < self.stop:
            return None
        if distance < self.start:
            return self.middle
        place = math.ceil(math.log(distance / self.start) / self.scale)
        return self.middle + place if value > self.offset else self.middle - 1 - place


def histogram_bytes(values: Any, bins: Bins) -> bytes:
    """How many of the numbers, nested as they may be, fall into each bin that has any.

    >>> histogram_bytes([1, [2, 2]], Bins())[:46]
    b'{"version":2,"index_values":[[1065,1],[1073,2]'
    """
    counts = _of_array(values, bins) if hasattr(values, "dtype") else _of_values(values, bins)
    found: dict[str, Any] = {"version": 2, "index_values": sorted(counts.items()), "values": None}
    place = {"offset": bins.offset, "start": bins.start, "stop": bins.stop, "step": bins.step}
    return orjson.dumps(found | place)


def _of_values(values: Any, bins: Bins) -> Counter[int]:
    counts = Counter[int]()
    # Data repeats itself, above all what was rounded.
    for value, count in Counter(_flat(values)).items():
        index = bins.index_of(value)
        if index is not None:
            counts[index] += count
    return counts


def _of_array(values: Any, bins: Bins) -> Counter[int]:
    """As `_of_values`, at once for all: weights come in millions."""
    import numpy

    source = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    array = numpy.asarray(source)
    if array.dtype.kind not in "biuf":
        return _of_values(array.tolist(), bins)
    numbers = array.astype("float64").ravel() - bins.offset
    numbers = numbers[numpy.abs(numbers) < bins.stop]
    distances = numpy.maximum(numpy.abs(numbers), bins.start)
    places = numpy.ceil(numpy.log(distances / bins.start) / bins.scale).astype("int64")
    indices = numpy.where(numbers > 0, bins.middle + places, bins.middle - 1 - places)
    indices[numpy.abs(numbers) < bins.start] = bins.middle
    return Counter(dict(zip(*(part.tolist() for part in numpy.unique(indices, return_counts=True)), strict=True)))


def _flat(values: Any) -> Iterator[float]:
    tolist = getattr(values, "tolist", None)
    source = tolist() if callable(tolist) else values
    if isinstance(source, str | bytes):
        raise InvalidValueError(f"A histogram is made of numbers; got {quoted(values)}")
    members = source.values() if isinstance(source, Mapping) else source
    for member in members if isinstance(members, Iterable) else [members]:
        number = None if isinstance(member, str) else number_of(member)
        if number is not None:
            yield number
        elif isinstance(member, Iterable):
            yield from _flat(member)
        elif member is not None:
            raise InvalidValueError(f"A histogram is made of numbers; got {quoted(member)}")
