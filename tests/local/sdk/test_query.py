"""What `API.query` and `API.search` find: every expression that the official SDK can write, against what was logged."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from tests.local.sdk.conftest import Session, assert_clean

# A program of the official SDK takes seconds to start.
pytestmark = pytest.mark.long

# By name: metrics, parameters and the rest of what the expressions ask for.
LOGGED: dict[str, dict[str, Any]] = {
    "a": {"loss": 0.5, "acc": 2, "opt": "adam", "lr": 0.1, "flag": True, "note": "hi", "tag": "t1", "host": "alpha"},
    "b": {"loss": 0.05, "acc": 0.05, "opt": "sgd", "lr": 1, "flag": False, "note": "hide", "host": "box", "html": True},
    "c": {"loss": 7, "opt": "", "lr": 10, "tag": "t1", "seconds": 90},
    "d": {"acc": "NaN", "opt": "Adam_m", "note": "", "start": 1_577_934_245_678},
    "old": {"loss": 1, "opt": "adam"},
}
EXPECTED = {
    "greater": "ac",
    "greater_or_equal": "ac",
    "less": "ab",
    "less_or_equal": "ab",
    "equal": "a",
    "not_equal": "bcd",
    "not_equal_inverted": "bcd",
    "less_inverted": "b",
    "null": "d",
    "not_null": "abc",
    "between": "a",
    "not_between": "bcd",
    "between_parameters": "ab",
    "nan": "d",
    "text": "a",
    "text_not_equal": "bcd",
    "starts": "a",
    "not_starts": "bcd",
    "ends": "ad",
    "not_ends": "bc",
    "contains": "ad",
    "not_contains": "bc",
    "true": "a",
    "not_false": "acd",
    "empty": "c",
    "not_empty": "abd",
    "empty_inverted": "abd",
    "other": "a",
    "datetime": "abcd",
    "datetime_with_microseconds": "d",
    "duration": "c",
    "boolean": "b",
    "not_boolean": "acd",
    "tag": "ac",
    "no_tag": "bd",
    "environment": "a",
    "and": "a",
    "and_of_sources": "a",
    "or": "ac",
    "or_of_sources": "ac",
    "and_of_or": "a",
    "or_of_and_of_sources": "ab",
    "tag_and_metric": "c",
    "not_or": "b",
    "unknown": "",
}


@pytest.fixture(scope="module")
def session(local_server: LocalServer, play: Callable[[str], Session]) -> Session:
    """The session, after what it asks for was logged."""
    for name, logged in LOGGED.items():
        _log(local_server, name, logged)
    return play("query")


def _log(server: LocalServer, name: str, logged: dict[str, Any]) -> None:
    key = uuid.uuid4().hex
    start = logged.get("start", 1_790_000_000_000)
    server.sdk("logger/add/run", experimentKey=key, projectName="queried", teamName="sdk", localTimestamp=start)
    own = {"experimentKey": key}
    for metric in ("loss", "acc"):
        if metric in logged:
            server.post("write/experiment/metric", **own, metricName=metric, metricValue=logged[metric])
    for parameter in ("opt", "lr", "flag"):
        if parameter in logged:
            value = logged[parameter]
            server.post("write/experiment/parameter", **own, parameterName=parameter, parameterValue=value)
    for other, value in {"Name": name, "note": logged.get("note")}.items():
        if value is not None:
            server.post("write/experiment/log-other", **own, key=other, value=value)
    if "tag" in logged:
        server.post("write/experiment/tags", **own, addedTags=[logged["tag"]])
    if "host" in logged:
        server.post("write/experiment/system-details", **own, hostname=logged["host"])
    if "html" in logged:
        server.post("write/experiment/html", **own, html="<p>hi</p>")
    server.post("write/experiment/update-status", **own, isAlive=False, hasCrashed=False)
    end = start + 1_000 * logged.get("seconds", 10)
    server.post("write/experiment/set-start-end-time", **own, startTimeMillis=start, endTimeMillis=end)
    if name == "old":
        server.get("write/experiment/archive", **own)


def test_the_sdk_has_nothing_to_complain_of(session: Session) -> None:
    assert_clean(session)


@pytest.mark.parametrize("asked", ["query", "search"])
@pytest.mark.parametrize("row", EXPECTED)
def test_an_expression_finds_what_it_says(session: Session, asked: str, row: str) -> None:
    assert session.value(f"{asked} {row}") == list(EXPECTED[row])


def test_the_inverse_of_both_is_told_apart_by_search_only(session: Session) -> None:
    """The SDK sends the same predicates for ~(A & B) and ~(A | B)."""
    assert session.value("query not_and") == session.value("query not_or") == ["b"]
    assert session.value("search not_and") == ["b", "c", "d"]


def test_archived_experiments_are_found_when_asked_for(session: Session) -> None:
    assert session.value("query archived") == session.value("search archived") == ["old"]


def test_a_search_comes_in_pages(session: Session) -> None:
    pages = session.value("search pages")
    assert [len(page) for page in pages] == [3, 1, 0]
    assert sorted(pages[0] + pages[1]) == ["a", "b", "c", "d"]


def test_every_field_is_a_variable(session: Session) -> None:
    variables = session.value("variables")
    logged = {"Metric('loss')", "Parameter('lr')", "Other('note')", "Tag('t1')", "Environment('hostname')"}
    assert logged | {"Metadata('duration')", "Metadata('last_message_time')"} <= set(variables)
