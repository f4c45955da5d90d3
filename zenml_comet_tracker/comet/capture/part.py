"""What is captured when it is not the whole program: one of several pieces of work that share a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zenml_comet_tracker.comet.capture.code import Code
from zenml_comet_tracker.comet.capture.git import GitState
from zenml_comet_tracker.comet.capture.streams import Stream


@dataclass(frozen=True)
class Part:
    """A piece of work, by what tells it from the rest of its process.

    `speaks` says whether what the calling thread prints is its own. `code` is its source, None for that of the program.
    `git` finds the state of its repository, in the background, and `parameters` those that take a while to find.
    `consoles` are streams that lead to the console beside stdout and stderr.
    """

    speaks: Callable[[], bool]
    code: Callable[[], Code | None]
    git: Callable[[], GitState | None]
    consoles: Callable[[], Sequence[Stream]] = tuple
    parameters: Callable[[], Mapping[str, Any]] | None = None
