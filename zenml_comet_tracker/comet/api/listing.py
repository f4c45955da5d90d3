"""Experiments of a project, listed page by page, and those among them that a name or a pattern means."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidArgumentError

Row = dict[str, Any]

PAGE_SIZE = 1_000
# A server may give less than it is asked for at once, but hardly less than this: so many are all there are.
_SURELY_ALL = 100
_SORT_BY = ("startTime", "endTime")
_SORT_ORDER = ("asc", "desc")


def every(fetch: Callable[[int], list[Row]], requests: Callable[[], int]) -> Iterator[Row]:
    """Every experiment once, a page fetched when it is needed; `requests` counts what was sent so far.

    Servers that know no pages answer the first one with everything. What is archived or deleted on the way takes others
    to an earlier page, over the boundary: where anything was asked of the server meanwhile, a page is fetched again
    until it brings nothing new.
    """
    seen: set[str] = set()
    for page in count(1):
        again = False
        while True:
            rows = fetch(page)
            sent = requests()
            new = [row for row in rows if row["experimentKey"] not in seen]
            seen.update(row["experimentKey"] for row in new)
            yield from new
            if len(rows) < _SURELY_ALL or len(rows) > PAGE_SIZE or not (new or again):
                return
            if not new or requests() == sent:
                break
            again = True


def together(
    lists: Iterable[Iterable[Row]], *, sort_by: str | None = None, sort_order: str | None = None, **_: Any
) -> Iterator[Row]:
    """The experiments of several projects: one project behind the other, or in the order in which each was asked for.

    Of what is fetched page by page, no more than is needed.
    """
    if sort_by is None and sort_order is None:
        return chain.from_iterable(lists)
    member = f"{sort_by or 'startTime'}Millis"
    return heapq.merge(*lists, key=lambda row: row.get(member) or 0, reverse=sort_order != "asc")


def check_page(page: int | None, page_size: int | None, sort_by: str | None, sort_order: str | None) -> None:
    """Refuses, before anything is sent, what no page can be."""
    if page is not None and page_size is None:
        raise InvalidArgumentError(f"page={page} says not how many experiments a page has; pass page_size=... as well")
    for name, number in (("page", page), ("page_size", page_size)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise InvalidArgumentError(f"{name}={number!r} cannot be; expected a number from 1 on")
    _check_word("sort_by", sort_by, _SORT_BY)
    _check_word("sort_order", sort_order, _SORT_ORDER)


def _check_word(name: str, word: str | None, known: tuple[str, ...]) -> None:
    if word is not None and word not in known:
        raise InvalidArgumentError(f"{name}={word!r} is unknown; expected {' or '.join(map(repr, known))}")


def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """The regular expression; `InvalidArgumentError` says where it breaks off."""
    if pattern is None:
        return None
    if not isinstance(pattern, str | re.Pattern):
        raise InvalidArgumentError(f"pattern={pattern!r} is not a regular expression; expected a text")
    try:
        return re.compile(pattern)
    except re.error as error:
        where = "" if error.pos is None else f" at position {error.pos}"
        raise InvalidArgumentError(
            f"pattern={pattern!r} is not a regular expression: {error.msg}{where}. "
            "Put a backslash before characters that mean themselves, or pass re.escape(text)."
        ) from None


def matching(rows: Iterable[Row], pattern: re.Pattern[str] | None) -> Iterator[Row]:
    """The experiments whose name or key begins with what the pattern matches; all without a pattern."""
    for row in rows:
        if pattern is None or pattern.match(row.get("experimentName") or "") or pattern.match(row["experimentKey"]):
            yield row


def only(rows: Iterable[Row], name: str) -> Row | None:
    """The experiment with this key, else with this name; None when there is none, an error when there are several."""
    # By key: each project to which an experiment is linked lists it.
    found: dict[str, Row] = {}
    for row in rows:
        if row["experimentKey"] == name:
            return row
        if row.get("experimentName") == name:
            found.setdefault(row["experimentKey"], row)
    named = [*found.values()]
    if len(named) > 1:
        shown = ", ".join(
            f"{row.get('workspaceName')}/{row.get('projectName')}/{row['experimentKey']}" for row in named[:5]
        )
        raise InvalidArgumentError(
            f"{len(named)} experiments are called {name!r}: {shown}{', ...' if len(named) > 5 else ''}. Ask for one by "
            f"its key, or for all of them by get_experiments(workspace, project_name, {'^' + re.escape(name) + '$'!r})."
        )
    return named[0] if named else None
