"""Anything -> text that travels: names, values and errors. Nothing here raises, whatever a user's type does."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator
from typing import Any

from zenml_comet_tracker.comet.guard import interrupts

# In characters. Comet's own client cuts names and values here, so longer ones were never sent to any Comet.
NAME_LIMIT = 100
VALUE_LIMIT = 1_000
_DIGITS = 10


def text_of(value: Any) -> str:
    """Any value as text that UTF-8 can carry; one whose own conversion fails is named instead."""
    try:
        text = str(value)
    except Exception as error:
        if interrupts(error):
            raise
        if type(value) is int:
            # Python refuses to write more than some thousand decimal digits, because that takes long.
            return hex(value)
        return f"<{type(value).__name__} whose text raised {type(error).__name__}>"
    return clean(text)


def clean(text: str) -> str:
    """The text itself when UTF-8 can carry it, else with `?` for each lone surrogate."""
    # By the class, because a user's subclass may have methods of its own under these names.
    if str.isascii(text):
        return str.__str__(text)
    return str.encode(text, "utf-8", "replace").decode("utf-8")


def name_of(name: Any) -> str:
    """A name as text without blanks around it: an enum by its value, all else by `str`; as long as it is."""
    if type(name) is str:
        return name.strip() if name.isascii() else clean(name).strip()
    return text_of(name.value if issubclass(type(name), enum.Enum) else name).strip()


def shortened(name: str, limit: int = NAME_LIMIT) -> str:
    """The name when it has at most `limit` characters, else its beginning with a hash that keeps it apart from others.

    >>> shortened("loss"), shortened("loss" * 100)[-14:]
    ('loss', 'ssl~a66cd8466c')
    """
    if len(name) <= limit:
        return name
    return f"{name[: limit - _DIGITS - 1]}~{name_hash(name)}"


def name_hash(name: str) -> str:
    """The hash that a shortened name ends with: ten hex digits."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:_DIGITS]


def divided(text: str, limit: int) -> Iterator[str]:
    """The text in pieces of at most `limit` characters, divided behind a newline where there is one.

    >>> list(divided("one\\ntwo", 5))
    ['one\\n', 'two']
    """
    start = 0
    while start < len(text):
        end = start + limit
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield text[start:end]
        start = end


def quoted(value: Any, limit: int = 60) -> str:
    """A value as a message shows it: quoted, and no longer than `limit`."""
    text = text_of(value)
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")
