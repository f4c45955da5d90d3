"""The short way of plain metrics writes what the long way writes, or leaves the call to it."""

from __future__ import annotations

import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenml_comet_tracker.comet import plain_metrics, values
from zenml_comet_tracker.comet.journal.record import encode, rows_of
from zenml_comet_tracker.comet.names import Names
from zenml_comet_tracker.comet.plain_metrics import PlainMetrics
from zenml_comet_tracker.comet.resources import metrics

END = metrics.line_end(7, 3, 0.5)


def plain() -> PlainMetrics:
    return PlainMetrics(Names(lambda *_: None))


def the_long_way(logged: dict[Any, Any]) -> list[dict[str, Any]]:
    pairs = [pair for pair in values.metrics(logged) if not isinstance(pair, values.Refusal)]
    return rows_of(encode([metrics.row(name, value, 7, 3, 0.5) for name, value in pairs]))


keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    ['"', "\\", "a\nb", " "]
)
numbers = st.floats() | st.integers() | st.booleans() | st.none() | st.just(2**53 + 1) | st.just(10**400)


@given(st.dictionaries(keys | st.integers(), numbers, max_size=12))
def test_many_are_as_the_long_way_has_them_or_left_to_it(logged: dict[Any, Any]) -> None:
    lines = plain().many(logged, END)
    if lines is None:
        floats = [v for v in logged.values() if type(v) is float]
        only_floats = len(floats) == len(logged) and math.isfinite(sum(floats))
        small = all(type(v) in (int, float) and abs(v) <= 2**53 for v in logged.values())
        named = all(type(k) is str and values.name_of(k) for k in logged)
        assert not logged or not named or not (only_floats or small), "this is plain"
    else:
        assert lines.count(b"\n") == len(logged)
        assert rows_of(lines) == the_long_way(logged)


@given(st.dictionaries(keys, st.floats() | st.sampled_from([0, 7, math.nan, math.inf]), min_size=1, max_size=4))
def test_floats_that_json_cannot_hold_are_left_to_the_long_way(logged: dict[str, Any]) -> None:
    lines = plain().many(logged, END)
    if all(math.isfinite(v) for v in logged.values()):
        assert lines is None or rows_of(lines) == the_long_way(logged)
    else:
        assert lines is None


@given(keys, numbers)
def test_one_is_as_the_long_way_has_it_or_left_to_it(name: str, value: Any) -> None:
    start = plain().one(name, value)
    if start is not None:
        assert [json.loads(start + END)] == the_long_way({name: value})
    else:
        assert type(value) is not float or not math.isfinite(value) or not values.name_of(name)


@pytest.mark.parametrize(("step", "epoch"), [(None, None), (5, None), (None, 2), (5, 0.25), (-(2**63), None)])
def test_the_end_of_a_line_holds_what_a_row_holds(step: int | None, epoch: float | None) -> None:
    line = metrics.line_start("m") + b"1.5" + metrics.line_end(9, step, epoch)
    assert line.endswith(b"\n")
    assert json.loads(line) == metrics.row("m", 1.5, 9, step, epoch)


def test_a_name_that_only_looks_like_a_known_one_is_not_taken_for_it() -> None:
    class Loss(str, enum.Enum):
        TRAIN = "loss"

    short = plain()
    assert short.many({"loss": 1.0}, END) is not None
    found = short.many({Loss.TRAIN: 1.0}, END)
    assert found is None or rows_of(found) == the_long_way({Loss.TRAIN: 1.0})


def test_ever_new_names_do_not_fill_the_memory() -> None:
    short = plain()
    for i in range(3 * plain_metrics._MAX_SETS):
        short.many({f"m{i}": 1.0}, END)
    assert len(short._sets) <= plain_metrics._MAX_SETS
