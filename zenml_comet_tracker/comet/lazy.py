"""Attributes that are found out when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import Self

Value = TypeVar("Value")


class lazy(Generic[Value]):  # noqa: N801
    """A property that is asked for once, as `functools.cached_property`, which holds a lock before Python 3.12: all
    instances share that, and a child that is forked while another thread asks finds it held for ever.
    """

    def __init__(self, find: Callable[[Any], Value]) -> None:
        self._find = find
        self._name = find.__name__
        self.__doc__ = find.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        # From now on the instance's own attribute is found before this one.
        found = vars(instance)[self._name] = self._find(instance)
        return found
