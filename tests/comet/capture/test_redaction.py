"""No secret goes out with the arguments, the addresses or the texts of a program."""

from __future__ import annotations

import pytest

from zenml_comet_tracker.comet.capture import redaction


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("train.py --epochs 3", "train.py --epochs 3"),
        ("x --api-key=abc", "x --api-key=***"),
        ("x --api_key abc --lr 1", "x --api_key *** --lr 1"),
        ("x --token abc", "x --token ***"),
        ("x --hf-token=abc", "x --hf-token=***"),
        ("x --tokenizer=bert --max_tokens 5", "x --tokenizer=bert --max_tokens 5"),
        ("x --password= --db-passwd=x", "x --password=*** --db-passwd=***"),
        ("x --secret --verbose", "x --secret --verbose"),
        ("x COMET_API_KEY=abc +model.auth=y", "x COMET_API_KEY=*** +model.auth=***"),
        ("x --author=me", "x --author=me"),
        ("x --db=postgres://me:pw@host/db", "x --db=postgres://***@host/db"),
        ("x mine-the-api-key", "x mine-***"),
        ("x --password:abc", "x --password:***"),
        ('x --config={"api_key":"abc","tokenizer":"bert"}', 'x --config={"api_key":"***","tokenizer":"bert"}'),
        ("x https://host/x?token=abc&page=1", "x https://host/x?token=***&page=1"),
    ],
)
def test_arguments(given: str, shown: str) -> None:
    assert redaction.arguments(given.split(), ["the-api-key"]) == shown.split()


def test_a_header() -> None:
    assert redaction.arguments(["-H", "Authorization: Bearer abc"]) == ["-H", "Authorization: Bearer ***"]


def test_a_long_argument_is_no_long_search() -> None:
    # Searched anew from each of its letters, it would take minutes.
    assert redaction.arguments(["x" * 1_000_000]) == ["x" * 1_000_000]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.com/code.git", "https://example.com/code.git"),
        ("https://token@example.com/code.git", "https://example.com/code.git"),
        ("https://me:p%40w@example.com:8443/code.git?private_token=x", "https://example.com:8443/code.git"),
        ("git@example.com:me/code.git", "git@example.com:me/code.git"),
        ("ssh://git@example.com/code.git", "ssh://git@example.com/code.git"),
        ("ssh://me:pw@example.com/code.git", "ssh://me@example.com/code.git"),
        ("../code with spaces", "../code with spaces"),
    ],
)
def test_addresses(address: str, shown: str) -> None:
    assert redaction.url(address) == shown


def test_short_secrets_stand_in_ordinary_words() -> None:
    assert redaction.without("a key", ["a", ""]) == "a key"
