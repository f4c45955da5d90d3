"""One module per REST resource: endpoint, fields and shapes, nothing else.

Every write takes `headers`: with them the local server recognises what it has already stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from zenml_comet_tracker.comet.errors import BrokenAnswerError
from zenml_comet_tracker.comet.texts import quoted

Headers = Mapping[str, str] | None
Answer = TypeVar("Answer", bound=Mapping[str, Any])


def entries(answer: Mapping[str, Any], member: str, *needed: str) -> list[dict[str, Any]]:
    """The list of objects that an answer holds under `member`, each with what is `needed`; empty when it is null or
    absent."""
    found = _listed(answer, member)
    for entry in found:
        if not isinstance(entry, dict) or any(entry.get(name) is None for name in needed):
            expected = f"objects with {', '.join(needed)}" if needed else "objects"
            raise BrokenAnswerError(f"The server answered {member} with {quoted(entry)} in it; expected {expected}")
    return found


def texts(answer: Mapping[str, Any], member: str) -> list[str]:
    """The list of texts that an answer holds under `member`; empty when it is null or absent."""
    return [str(entry) for entry in _listed(answer, member)]


def _listed(answer: Mapping[str, Any], member: str) -> list[Any]:
    found = answer.get(member) or []
    if not isinstance(found, list):
        raise BrokenAnswerError(f"The server answered {member} with a {type(found).__name__}; expected a list")
    return found


def complete(answer: Answer, *needed: str) -> Answer:
    """The answer itself, when it holds what is `needed`."""
    missing = [name for name in needed if answer.get(name) is None]
    if missing:
        raise BrokenAnswerError(f"The server answered without {', '.join(missing)}")
    return answer


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
