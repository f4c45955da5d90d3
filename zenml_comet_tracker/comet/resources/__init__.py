"""One module per REST resource: endpoint, fields and shapes, nothing else.

Every write takes `headers`: with them the local server recognises what it has already stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.errors import BrokenAnswerError

Headers = Mapping[str, str] | None


def entries(answer: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    """The list of objects that an answer holds under `member`; empty when it is null or absent."""
    found = answer.get(member) or []
    if not isinstance(found, list):
        raise BrokenAnswerError(f"The server answered {member} with a {type(found).__name__}; expected a list")
    return found


def optional_text(answer: Mapping[str, Any], member: str) -> str | None:
    """The text that an answer holds under `member`; None when it is null or absent."""
    found = answer.get(member)
    return None if found is None else str(found)


def optional_integer(answer: Mapping[str, Any], member: str) -> int | None:
    """The whole number that an answer holds under `member`; None when it is null or absent."""
    found = answer.get(member)
    if found is not None and not isinstance(found, int):
        raise BrokenAnswerError(f"The server answered {member} with {found!r}; expected a whole number")
    return found
