"""What the arguments of an experiment may be."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from zenml_comet_tracker.comet.errors import ConfigurationError

_NUMBER = re.compile(r"-\d*\.?\d+(e[+-]?\d+)?", re.IGNORECASE)
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


def named_arguments(arguments: Sequence[str]) -> dict[str, str | bool]:
    """What a program was called with, by name: `--name value`, `--name=value`, and `True` for a `--name` alone.

    When one of them has no name, all of them as `run_arg_<n>`, as they are.

    >>> named_arguments(["--lr=0.1", "--fast", "--seed", "-1"]), named_arguments(["train", "--fast"])
    ({'lr': '0.1', 'fast': True, 'seed': '-1'}, {'run_arg_0': 'train', 'run_arg_1': '--fast'})
    """
    found: dict[str, str | bool] = {}
    waiting = ""
    for text in arguments:
        if text.startswith("-") and text.strip("-") and not _NUMBER.fullmatch(text):
            name, stated, value = text.lstrip("-").partition("=")
            found[name] = value if stated else True
            waiting = "" if stated else name
        elif waiting:
            found[waiting], waiting = text, ""
        else:
            return {f"run_arg_{place}": argument for place, argument in enumerate(arguments)}
    return found
