"""How a process touches a folder, seen from within it; and its death at a touch."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree", "os.listdir")
# The interpreter announces no event for these.
_WRITES = ("write", "pwrite", "ftruncate")

_told: Callable[[str, str], bool] | None = None


def install() -> None:
    """Lets writes be watched; before anything remembers the functions themselves."""
    for name in _WRITES:
        setattr(os, name, _watched(name, getattr(os, name)))


def _watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def watched(descriptor: int, *arguments: Any) -> Any:
        if _told is not None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if _told(f"os.{name}", path):
                # A line can be torn where a page ends; what is written in place lies within one page.
                if name == "write":
                    function(descriptor, arguments[0][: len(arguments[0]) // 2])
                _die()
        return function(descriptor, *arguments)

    return watched


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch(folder: Path, fatal: tuple[str, int] | None = None) -> list[str]:
    """Every touch from now on, as texts like "os.rename a.tmp".

    Dies at the n-th that the pattern of `fatal` matches: right before it; in the middle of it if it appends.
    """
    global _told
    seen: list[str] = []
    below = str(folder)
    pattern, nth = fatal or ("", 0)
    matched = 0

    def tell(event: str, path: str) -> bool:
        nonlocal matched
        if below not in path:
            return False
        touch = f"{event} {os.path.basename(path)}"
        seen.append(touch)
        if fatal is None or not re.match(pattern, touch):
            return False
        matched += 1
        return matched == nth

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and arguments and tell(event, str(arguments[0])):
            _die()

    sys.addaudithook(heard)
    _told = tell
    return seen
