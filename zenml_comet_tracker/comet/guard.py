"""What stands between a logging call and the step that makes it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

_interruptions: tuple[type[Exception], ...] = ()


def let_through(*kinds: type[Exception]) -> None:
    """Says by which exceptions signals end what the program is at: nothing that logs may keep one for itself."""
    global _interruptions
    _interruptions = (*_interruptions, *kinds)


def interrupts(error: Exception) -> bool:
    """Whether the exception is no trouble of the call that it came up in, but an order to end."""
    return isinstance(error, _interruptions)


class Excusing(Protocol):
    """Counts and says what a logging call failed of, and raises it where that is asked for."""

    def _excuse(self, call: str, error: Exception) -> None: ...


E = TypeVar("E", bound=Excusing)
P = ParamSpec("P")
R = TypeVar("R")


def logging_call(method: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R | None]:
    """The method as a step may call it: no exception leaves it, except one that `_excuse` raises."""

    @functools.wraps(method)
    def guarded(self: E, *args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self._excuse(method.__name__, error)
            return None

    return cast("Callable[Concatenate[E, P], R | None]", guarded)
