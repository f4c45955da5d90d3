"""Every call of the five documents is here under its name, with its arguments, and a test reads its effect back."""

from __future__ import annotations

import inspect

import pytest

from tests.coverage import page, sources
from tests.coverage.table import NOTHING, Call, read

CALLS = read()
BY_NAME = {f"{call.document}: {call.written.partition('(')[0]}": call for call in CALLS}
EVERY = pytest.mark.parametrize("call", BY_NAME.values(), ids=list(BY_NAME))


def test_the_table_has_all_five_documents() -> None:
    assert len({call.document for call in CALLS}) == 5
    assert len(BY_NAME) == len(CALLS) > 170


@EVERY
def test_it_is_here_with_the_arguments_of_the_document(call: Call) -> None:
    assert call.found is not None, f"{call.home} is missing"
    if call.takes:
        inspect.signature(call.found).bind_partial(**dict.fromkeys(call.takes))
    if call.documented is None:
        return
    documented, here = call.documented, call.arguments
    shown = f"{call.home}{inspect.signature(call.found)}"
    positional = [p for p in here if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in positional[: len(documented)]] == [name for name, _ in documented], shown
    for (name, default), parameter in zip(documented, positional, strict=False):
        optional = default is NOTHING and name in call.optional
        assert optional or same(parameter.default, default), f"{name} of {shown}"
    # What is more must not be asked of whoever calls it as the document says.
    more = [p for p in here if p.name not in dict(documented)]
    assert [p.name for p in more if p.default is NOTHING and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)] == []


def same(ours: object, documented: object) -> bool:
    """Whether two defaults are one; an empty list may be any empty collection that nobody can change, or None."""
    if documented == []:
        return ours is None or ours in ((), [], {})
    return type(ours) is type(documented) and ours == documented


@EVERY
def test_its_effect_is_read_back_by_a_test(call: Call) -> None:
    assert call.test, f"no test is named for {call.home}"
    source = sources.of(call.test)
    assert source is not None, f"{call.test} is not there"
    name = call.home.split(".")[-2] if call.name == "__init__" else call.name
    assert name in source.names, f"{call.test} names no {name}"
    assert source.asserts, f"{call.test} asserts nothing"
    assert source.readers or "none" in call.endpoint, f"{call.test} reads nothing back but by this client"


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    assert page.PAGE.read_text("utf-8") == page.written(CALLS), "make coverage writes docs/coverage.md"
