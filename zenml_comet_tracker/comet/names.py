"""The names of one experiment, as they are sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from zenml_comet_tracker.comet.texts import name_of, shortened

FILE_NAME_LIMIT = 250
# Where a name that was too long stands whole: the other of this name and the hash that it was sent with.
FULL_NAME = "full_name_"
# The folder of the assets that hold values whole.
LONG_VALUES = "long-values"
# More are a mistake (a name made for each step, say), and must not fill the memory.
MAX_KNOWN = 10_000


class Names(dict[str, str]):
    """Name as the user gives it -> name as it is sent, each worked out once; an empty one stays empty.

    `on_shortened(sent, whole)` is called for each that was too long, up to the first 1,000 of them.

    >>> Names(print)[" loss "]
    'loss'
    """

    def __init__(self, on_shortened: Callable[[str, str], None]) -> None:
        super().__init__()
        self._on_shortened = on_shortened
        self._to_tell = 1_000

    def __missing__(self, name: str) -> str:
        whole = name_of(name)
        sent = shortened(whole)
        if sent != whole:
            self._tell(sent, whole)
        if len(self) >= MAX_KNOWN:
            self.clear()
        self[name] = sent
        return sent

    def of_file(self, name: str) -> str:
        """A file's name as it is sent: one that is too long keeps its ending."""
        suffix = PurePosixPath(name).suffix
        if len(suffix) > 20:
            suffix = ""
        whole = name.removesuffix(suffix) if suffix else name
        sent = shortened(whole, FILE_NAME_LIMIT - len(suffix))
        if sent != whole:
            self._tell(sent, name)
        return sent + suffix

    def _tell(self, sent: str, whole: str) -> None:
        if self._to_tell > 0:
            self._to_tell -= 1
            self._on_shortened(sent, whole)
