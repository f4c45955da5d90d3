"""The last value of each metric that a process logged, kept beside the journal: it asks no server for them."""

from __future__ import annotations

from collections.abc import Iterable

from zenml_comet_tracker.comet.scalars import WireNumber

# Of one context. Who has more names than that has them from a counter.
MAX_NAMES = 1_000


class LastValues(dict[str | None, dict[str, WireNumber]]):
    """Values by name, in a dictionary of their own for each context. Any thread may write; made for loops."""

    def __missing__(self, context: str | None) -> dict[str, WireNumber]:
        if len(self) >= MAX_NAMES:
            return {}
        return self.setdefault(context, {})

    def note(self, context: str | None, values: Iterable[tuple[str, WireNumber]]) -> None:
        """Takes several values of one moment."""
        last = self[context]
        last.update(values)
        self.bound(last)

    @staticmethod
    def bound(last: dict[str, WireNumber]) -> None:
        """Forgets the newest names when there are too many."""
        while len(last) > MAX_NAMES:
            last.popitem()

    def shown(self) -> dict[str, WireNumber]:
        """Values by the name that Comet shows, `train_loss` for `loss` in the context `train`; first logged first.

        >>> last = LastValues()
        >>> last.note("train", [("loss", 0.5)])
        >>> last.shown()
        {'train_loss': 0.5}
        """
        # Copies, because another thread may be logging.
        return {
            name if context is None else f"{context}_{name}": value
            for context, last in self.copy().items()
            for name, value in last.copy().items()
        }
