"""What a search finds, against the same worked out in Python over what was logged."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local.store.search.brute_force import FLAGS, MOMENTS, NOW, Logged, all_hold, holds, metadata
from tests.local.store.search.sowing import sow
from zenml_comet_tracker.local.routes.rules import RuleReader
from zenml_comet_tracker.local.store.search import results
from zenml_comet_tracker.local.store.store import Store

NAMES = ["loss", "null", "100%", "a_b", "Ä'\"", "x--metrics"]
TEXTS = [
    "",
    "adam",
    "Adam",
    "adamw",
    "100%",
    "1000",
    "a_b",
    "axb",
    "ä",
    "Ä",
    "%",
    "_",
    "\\",
    "日本",
    "😀",
    "a\x00b",
    "b",
]
TEXTS += ["b", "1", "1.0", "0.5", "-3e2", "true", "False", "nan", "null", "Infinity", "'; DROP TABLE experiment; --"]
DOUBLES = [0.0, -0.0, 1.0, 0.5, 0.1, -300.0, 1e300, math.inf, -math.inf, math.nan]
OF_TEXTS = ["contains", "begins_with", "ends_with", "not_contains", "not_begins_with", "not_ends_with"]
OF_ANY = ["is_null", "is_not_null", "is_empty", "is_not_empty"]
EQUAL = ["equal", "not_equal"]
ORDERED = ["less", "less_or_equal", "greater", "greater_or_equal"]
PATHS = [None, "train.py", "/srv/train.py", "/srv/srv/", "a/ä.py"]
START = datetime(2026, 9, 21, 13, 46, 40, tzinfo=timezone.utc)

texts, names = st.sampled_from(TEXTS), st.sampled_from(NAMES)
doubles = st.sampled_from(DOUBLES)
named_texts = st.dictionaries(names, texts, max_size=4)
moments = st.integers(-3, 3).map(lambda seconds: NOW + seconds * 1_000)


@st.composite
def _logged(draw: st.DrawFn) -> Logged:
    start = draw(moments) - draw(st.sampled_from([0, 1, 60_000]))
    return Logged(
        uuid.uuid4().hex,
        start=start,
        ended=draw(st.none() | st.sampled_from([start - 5, start, start + 1, start + 1_001, start + 60_000])),
        silent=draw(st.sampled_from([0, 30_000, 30_001, 500_000])),
        running=draw(st.booleans()),
        crashed=draw(st.booleans()),
        metrics=draw(st.dictionaries(names, st.lists(doubles, min_size=1, max_size=3), max_size=3)),
        params=draw(named_texts),
        others=draw(named_texts),
        tags=draw(st.lists(names, max_size=2, unique=True)),
        system=draw(st.dictionaries(st.sampled_from(["hostname", "os", "user"]), texts, max_size=2)),
        packages=draw(st.none() | st.lists(st.sampled_from(["torch==2.1", "numpy@1"]), max_size=2)),
        user=draw(st.sampled_from(["", "ann", "Ännchen"])),
        path=draw(st.sampled_from(PATHS)),
        commit=draw(st.none() | st.sampled_from(["abc123", "f00"])),
        html=draw(st.booleans()),
        image=draw(st.booleans()),
    )


def _comparison(values: st.SearchStrategy[Any], single: list[str], *, ranges: bool = True) -> st.SearchStrategy[Any]:
    """Operators with values that go with them."""
    choices = [
        st.tuples(st.sampled_from(single), values),
        st.tuples(st.sampled_from(OF_ANY), st.none()),
        st.tuples(st.sampled_from(["in", "not_in"]), st.lists(values, max_size=3)),
    ]
    if ranges:
        choices.append(st.tuples(st.sampled_from(["between", "not_between"]), st.lists(values, min_size=2, max_size=2)))
    return st.one_of(choices)


def _moment_text(micros: int) -> str:
    return (datetime(2026, 9, 21, 14, 13, 20) + timedelta(microseconds=micros)).isoformat(" ")


as_doubles = doubles.map(lambda number: str(number) if number != number or math.isinf(number) else number)
numbers = as_doubles | st.sampled_from(["0.5", "1", 1, 0, -300, "NaN"])
mixed = texts | st.sampled_from([1, 0, True, False, 0.5, -300, 2])
moment_texts = st.sampled_from([-60_000_000, -1_000_000, 0, 1, 2_000_000, 999_000]).map(_moment_text)


flags = _comparison(st.sampled_from([0, 1, True, False, "true", "0"]), EQUAL, ranges=False)
times = _comparison(moment_texts, EQUAL + ORDERED)
durations = _comparison(st.sampled_from([0, 1.001, 60, "60", 0.001, 59.999]), EQUAL + ORDERED)
words = st.sampled_from(["", "a", "ann", "train.py", "torch", "abc123", "Ä", "/work", 'h==2.1"]'])
own_texts = _comparison(words, EQUAL + ORDERED + OF_TEXTS)
METADATA = dict.fromkeys(metadata(Logged("k")), own_texts)
METADATA |= dict.fromkeys(FLAGS, flags) | dict.fromkeys(MOMENTS, times) | {"duration": durations}
METADATA.pop("last_message_time", None)
kinds = st.sampled_from(["string", "double", "boolean"])
logged_texts = _comparison(mixed, EQUAL + ORDERED + OF_TEXTS)
hosts = st.sampled_from(["hostname", "os", "user"])


def _made(name: str, kind: str, comparison: tuple[str, Any]) -> dict[str, Any]:
    return {"id": name, "field": name, "type": kind, "operator": comparison[0], "value": comparison[1]}


# By source. The type of a built-in field is the server's own, whatever is said of it.
RULES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "metrics": st.builds(_made, names, st.just("double"), _comparison(numbers, EQUAL + ORDERED)),
    "metadata": st.one_of([st.builds(_made, st.just(name), kinds, compared) for name, compared in METADATA.items()]),
    "env_details": st.builds(_made, hosts, kinds, logged_texts),
    **{source: st.builds(_made, names, kinds, logged_texts) for source in ("params", "log_other", "tag")},
}


def _group(rules: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    group = {"condition": st.sampled_from(["AND", "OR"]), "rules": st.lists(rules, max_size=3), "valid": st.just(True)}
    return st.fixed_dictionaries(group)


placed = st.one_of([rule.map(lambda made, source=source: {**made, "source": source}) for source, rule in RULES.items()])
trees = _group(st.recursive(placed, _group, max_leaves=6))
QUERIES = {source: _group(st.recursive(rule, _group, max_leaves=3)) for source, rule in RULES.items()} | {
    "nested": trees
}
predicates = st.one_of(
    [
        st.fixed_dictionaries({"source": st.just(source), "query": query}, optional={"negated": st.just(True)})
        for source, query in QUERIES.items()
    ]
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for all examples, each with a project of its own."""
    opened = Store(tmp_path_factory.mktemp("search"), lambda: NOW)
    yield opened
    opened.close()


def _reader() -> RuleReader:
    def unknown(name: str) -> list[Any]:
        raise AssertionError(f"{name} has a source")

    return RuleReader(unknown)


GRID = [
    *[("params", operator, text, "string") for operator in EQUAL + ORDERED + OF_TEXTS for text in TEXTS],
    *[("params", operator, number, "double") for operator in EQUAL + ORDERED for number in (0, 1, 0.5, -300, "1.0")],
    *[("metrics", operator, str(number), "double") for operator in EQUAL + ORDERED for number in DOUBLES],
]


def test_every_operator_with_every_value(store: Store) -> None:
    logged = [Logged(uuid.uuid4().hex), *[Logged(uuid.uuid4().hex, params={"x": text}) for text in TEXTS]]
    logged += [Logged(uuid.uuid4().hex, metrics={"x": [2.0, number]}) for number in DOUBLES]
    project_id = sow(store, logged)
    with store.read() as connection:
        for source, operator, value, kind in GRID:
            rule = _made("x", kind, (operator, value)) | {"source": source}
            wanted = _reader().tree({"rules": [rule]})
            found = results.keys(connection, NOW, project_id, wanted, archived=False)
            assert set(found) == {one.key for one in logged if holds({"rules": [rule]}, one)}, rule


@settings(max_examples=15, deadline=None)
@given(logged=st.lists(_logged(), min_size=1, max_size=6), asked=st.lists(trees, min_size=8, max_size=8))
def test_a_tree_finds_what_holds(store: Store, logged: list[Logged], asked: list[dict[str, Any]]) -> None:
    project_id = sow(store, logged)
    with store.read() as connection:
        for tree in asked:
            found = results.find(connection, NOW, project_id, _reader().tree(tree))
            assert {row.key for row in found.rows} == {one.key for one in logged if holds(tree, one)}, tree
            assert found.total == len(found.rows)


@settings(max_examples=10, deadline=None)
@given(
    logged=st.lists(_logged(), min_size=1, max_size=6),
    asked=st.lists(st.lists(predicates, max_size=3), min_size=8, max_size=8),
)
def test_predicates_find_what_holds(store: Store, logged: list[Logged], asked: list[list[dict[str, Any]]]) -> None:
    project_id = sow(store, logged)
    by_start = sorted(logged, key=lambda one: one.start)
    newest_first = [one.key for one in reversed(by_start)]
    with store.read() as connection:
        for elements in asked:
            wanted = _reader().predicates(elements)
            expected = {one.key for one in logged if all_hold(elements, one)}
            found = results.keys(connection, NOW, project_id, wanted, archived=False)
            assert found == [key for key in newest_first if key in expected], elements
