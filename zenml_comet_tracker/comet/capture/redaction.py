"""What is taken out before anything is sent: the API key, secrets among arguments, credentials in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HIDDEN = "***"

# Names whose value is nobody's business; `tokens` and `tokenizer` are the model's.
_NAMES = (
    r"(api|access|private|secret|signing|encryption|account)[-_.]?key|token(?!s|i[sz])|secret|passw|passphrase|pwd"
    r"|credential"
)
_SECRET_NAME = re.compile(rf"{_NAMES}|(^|[-_.])auth$", re.IGNORECASE)
# In the middle of an argument: a member of JSON, a parameter of a URL, a header.
_INSIDE = re.compile(
    rf"(?P<name>(({_NAMES})[\w.\-]{{0,40}}[\"']?\s*[:=]\s*[\"']?|\bauthorization[\"']?\s*[:=]\s*[\"']?(\w+\s+)?))"
    r"[^\s\"'&,;}]+",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?P<name>[-+~]*[A-Za-z_][\w.\-/]*)=(?P<value>.*)", re.DOTALL)
# Schemes are short: without a limit, a long argument would be searched anew from each of its letters.
_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]{0,30}://)[^/@\s'\"]*@")
_SSH_USER = re.compile(r"((?:git\+)?ssh://[^/@:\s]+)(?::[^/@\s]*)?@", re.IGNORECASE)
# A shorter one is no secret, and stands in ordinary words.
_SHORTEST = 6


def without(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets."""
    for secret in secrets:
        if len(secret) >= _SHORTEST and secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def url(address: str) -> str:
    """An address without user, password and query; the user of ssh stays, who is `git` for everybody.

    >>> url("https://me:secret@example.com/code.git")
    'https://example.com/code.git'
    """
    if _SSH_USER.match(address):
        return _SSH_USER.sub(r"\1@", address)
    return _CREDENTIALS.sub(r"\g<scheme>", address.partition("?")[0] if "://" in address else address)


def holder(given: Any, secrets: Iterable[str] = ()) -> Any:
    """Nested values as they are, with `***` for those that are called like secrets and for credentials in texts.

    >>> holder({"db": {"password": "abc", "url": "postgres://me:abc@host/db"}, "tokenizer": "bert"})
    {'db': {'password': '***', 'url': 'postgres://***@host/db'}, 'tokenizer': 'bert'}
    """
    secrets = tuple(secrets)
    if isinstance(given, Mapping):
        return {name: HIDDEN if _is_secret(name, value) else holder(value, secrets) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return [holder(value, secrets) for value in given]
    if isinstance(given, str):
        return _INSIDE.sub(rf"\g<name>{HIDDEN}", _CREDENTIALS.sub(rf"\g<scheme>{HIDDEN}@", without(given, secrets)))
    return given


def _is_secret(name: Any, value: Any) -> bool:
    # What is empty or a switch hides nothing: `use_auth=True`.
    return isinstance(name, str) and bool(_SECRET_NAME.search(name)) and value not in (None, "", True, False)


def arguments(given: Sequence[str], secrets: Iterable[str] = ()) -> list[str]:
    """A command's arguments, with `***` for the values of those that are called like secrets.

    >>> arguments(["train.py", "--api-key", "abc", "--token=abc", "--tokenizer=bert"])
    ['train.py', '--api-key', '***', '--token=***', '--tokenizer=bert']
    """
    shown: list[str] = []
    follows = False
    for argument in given:
        named = _NAMED.fullmatch(argument)
        if follows and not argument.startswith("--"):
            shown.append(HIDDEN)
        elif named and _SECRET_NAME.search(named["name"]):
            shown.append(f"{named['name']}={HIDDEN}")
        else:
            plain = _CREDENTIALS.sub(rf"\g<scheme>{HIDDEN}@", without(argument, secrets))
            shown.append(_INSIDE.sub(rf"\g<name>{HIDDEN}", plain))
        follows = named is None and argument.startswith("-") and bool(_SECRET_NAME.search(argument))
    return shown
