"""What the arguments of an experiment may be."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from zenml_comet_tracker.comet.errors import ConfigurationError

_KEY_FORM = re.compile(r"[0-9A-Za-z]{32,50}")


def expect(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuses a word that is none of those allowed, with a `ConfigurationError` that names them."""
    if value not in allowed:
        raise ConfigurationError(f"{name}={value!r} is unknown; expected one of {', '.join(map(repr, allowed))}")


def checked_key(key: str | None) -> str:
    """The experiment key, a new one when none is given; `ConfigurationError` for one that Comet would not take."""
    if key is None:
        return uuid.uuid4().hex
    if not _KEY_FORM.fullmatch(key):
        raise ConfigurationError(
            f"The experiment key {key!r} cannot be used; expected 32 to 50 letters and digits. "
            "Leave it out to get a new one."
        )
    return key
