"""Where an experiment stands: the context that this thread or task is in, and the step and epoch last logged."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import Any

from zenml_comet_tracker.comet.texts import name_of, shortened

# One for all experiments: context variables that are made in numbers are never given back.
_contexts: ContextVar[Mapping[Stand, str]] = ContextVar("comet_contexts", default=MappingProxyType({}))


def context_of(given: Any) -> str | None:
    """A context as it is sent; None for none.

    >>> context_of(" train "), context_of("")
    ('train', None)
    """
    return None if given is None else shortened(name_of(given)) or None


class Stand:
    """Of one experiment. `step` and `epoch` are those of the experiment, whichever thread logged them last."""

    __slots__ = ("divided", "epoch", "step")

    def __init__(self) -> None:
        # Whether there was ever a context, which loops ask first.
        self.divided = False
        self.step: int | None = None
        self.epoch: int | float | None = None

    @property
    def context(self) -> str | None:
        """The context that the calling thread or task is in."""
        return _contexts.get().get(self)

    def enter(self, context: str | None) -> str | None:
        """The context until now, in whose place comes another, in this thread or task and what it starts."""
        before = self.context
        self.divided = True
        self._set(context)
        return before

    def leave(self, before: str | None) -> None:
        """Goes back to a context."""
        self._set(before)

    def _set(self, context: str | None) -> None:
        # No token: a generator may be closed in another context than it was begun in, where a token means nothing.
        others = {stand: name for stand, name in _contexts.get().items() if stand is not self}
        _contexts.set(MappingProxyType(others if context is None else {**others, self: context}))


class Within:
    """What `with` takes: inside of it all that is logged belongs to a context. Any number of times, one in another.

    >>> stand = Stand()
    >>> with Within(stand, "train"):
    ...     stand.context
    'train'
    """

    def __init__(self, stand: Stand, context: str | None) -> None:
        self._stand = stand
        self._context = context
        self._before: list[str | None] = []

    def __enter__(self) -> None:
        self._before.append(self._stand.enter(self._context))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stand.leave(self._before.pop())
