"""Keywords under two names: the documented one, and the one that Comet's newer API gives the same argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")


def also_named(**newer: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Makes a method take the keywords on the left for its own ones on the right; its signature stays as it is.

    >>> @also_named(independent="independent_metrics")
    ... def chart(independent_metrics=True):
    ...     return independent_metrics
    >>> chart(independent=False)
    False
    """

    def decorate(method: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(method)
        def renamed(*args: Any, **given: Any) -> R:
            for name in newer.keys() & given.keys():
                if newer[name] in given:
                    raise TypeError(f"{method.__name__}() got {newer[name]!r} twice: {name!r} is the same")
                given[newer[name]] = given.pop(name)
            return method(*args, **given)

        return renamed

    return decorate
