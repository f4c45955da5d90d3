"""Changes to what is registered in ZenML: in words, as the commands they stand for, done and taken back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from zenml_comet_tracker.cli.failures import Failure

THERE = "is there already"
KEY = "api_key"
# In a printed command, where the API key itself never stands.
KEY_VARIABLE = '"$COMET_API_KEY"'


@dataclass(frozen=True)
class Change:
    """One thing that becomes so in ZenML; nothing is to be done when it is so already.

    `commands` are what a user would type for it; `overwrites` says, in words, what would be replaced that may be
    somebody else's.
    """

    what: str
    how: str = THERE
    commands: tuple[str, ...] = ()
    apply: Callable[[], object] | None = None
    undo: Callable[[], object] | None = None
    overwrites: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.how}"


def carry_out(changes: Iterable[Change]) -> None:
    """Makes every change, in order; when one fails, those before it are taken back and the error goes on."""
    done: list[Change] = []
    for change in changes:
        if change.apply is None:
            continue
        try:
            change.apply()
        except BaseException as error:
            stays = [earlier.what for earlier in reversed(done) if not _is_undone(earlier)]
            if stays:
                raise Failure(
                    f"{change.what}: {error}. These changes could not be taken back: {', '.join(stays)}"
                ) from (error)
            raise
        done.append(change)


def _is_undone(change: Change) -> bool:
    try:
        if change.undo is not None:
            change.undo()
    except Exception:
        return False
    return True


def zenml(*words: str) -> str:
    """The command as it is typed in a shell, which the place of the API key alone is left to fill in."""
    return shlex.join(["zenml", *words]).replace(shlex.quote(f"--{KEY}={KEY_VARIABLE}"), f"--{KEY}={KEY_VARIABLE}")
