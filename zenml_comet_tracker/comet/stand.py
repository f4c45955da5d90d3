"""Where an experiment stands: the context that this thread or task is in, and the step and epoch last logged."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import Any

from zenml_comet_tracker.comet.texts import name_of, shortened

# Of each experiment the contexts entered, the innermost last. One variable for all: those that are made in numbers are
# never given back.
_contexts: ContextVar[Mapping[Stand, tuple[str | None, ...]]] = ContextVar(
    "comet_contexts", default=MappingProxyType({})
)


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
        return (_contexts.get().get(self) or (None,))[-1]

    def enter(self, context: str | None) -> None:
        """Goes into a context, in this thread or task and the tasks that it starts."""
        self.divided = True
        self._set((*_contexts.get().get(self, ()), context))

    def leave(self, context: str | None) -> None:
        """Goes back to the one before it, where it is the innermost."""
        entered = _contexts.get().get(self, ())
        # A generator may be closed by a thread that never was in its context, where a variable's token would raise.
        if entered and entered[-1] == context:
            self._set(entered[:-1])

    def _set(self, entered: tuple[str | None, ...]) -> None:
        others = {stand: names for stand, names in _contexts.get().items() if stand is not self}
        _contexts.set(MappingProxyType({**others, self: entered} if entered else others))


class Within:
    """What `with` takes: inside of it all that is logged belongs to a context. Any number of times, by any threads.

    >>> stand = Stand()
    >>> with Within(stand, "train"):
    ...     stand.context
    'train'
    """

    def __init__(self, stand: Stand, context: str | None) -> None:
        self._stand = stand
        self._context = context

    def __enter__(self) -> None:
        self._stand.enter(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stand.leave(self._context)
