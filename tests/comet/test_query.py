"""The query language as one writes it, rightly and wrongly."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy
import pytest

from zenml_comet_tracker.comet.errors import InvalidQueryError
from zenml_comet_tracker.comet.query import (
    Comparison,
    Environment,
    Metadata,
    Metric,
    Other,
    Parameter,
    QueryExpression,
    Tag,
    variable_of,
)

loss, lr, note = Metric("loss"), Parameter("lr"), Other("note")


class _Tensor:
    """A tensor of torch with one element: its dtype is none of numpy's."""

    ndim = 0
    dtype = "torch.float32"

    def item(self) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (lambda: loss < 0.1 and lr > 1, "(a) & (b) for `and`"),
        (lambda: loss < 0.1 or lr > 1, "(a) | (b) for `or`"),
        (lambda: not loss < 0.1, "~(a) for `not`"),
        (lambda: 0 < loss < 1, "(x > 0) & (x < 1) for a chain"),
        (lambda: loss in [0.1, 0.2], "x.contains(text) for `in`"),
        (lambda: "a" in note, "Other('note').contains('a')"),
        (lambda: "a" in (note == "a"), "(x == a) | (x == b)"),
        (lambda: not loss, "(Metric('loss') > 0.5)"),
        (lambda: ~loss, "alone is no condition"),
        (lambda: loss & lr, "alone is no condition"),
        (lambda: (loss < 1) & lr, "(Parameter('lr') > 0.5)"),
        (lambda: lr | (loss < 1), "(Parameter('lr') > 0.5)"),
        (lambda: loss > 1 & lr > 2, "parentheses of its own"),
        (lambda: (loss < 1) & True, "True is no condition"),
        (lambda: 3 | (loss < 1), "3 is no condition"),
        (lambda: (loss < 1) == True, "~(a) where a is to be false"),  # noqa: E712
        (lambda: Tag("a") == "a", "cannot be compared"),
        (lambda: loss < lr, "(x > 1) & (y == 2)"),
        (lambda: loss == lr, "(x > 1) & (y == 2)"),
        (lambda: loss == [1], "expected a text, a number"),
        (lambda: loss == Decimal(1), "a Decimal; expected a text, a number"),
        (lambda: loss < None, "Metric('loss') == None"),
        (lambda: loss < True, "Metric('loss') == True"),
        (lambda: loss < float("nan"), "has no answer"),
        (lambda: loss.between("a", "b"), "(Metric('loss') >= 'a')"),
        (lambda: loss.between(None, 1), "needs two numbers"),
        (lambda: loss.between(0, float("nan")), "needs two numbers"),
        (lambda: note == "\ud800", "half a character"),
        (lambda: note.contains("\ud800"), "half a character"),
        (lambda: Tag("\ud800"), "half a character"),
        (lambda: loss.between(lr, 1), "compares with another variable"),
        (lambda: note.contains(3), "Other('note') == 3"),
        (lambda: note.startswith(["a"]), "Other('note').startswith(['a']) needs a text"),
        (lambda: note.endswith(None), "Other('note') == None"),
        (lambda: Metric(3), "Metric(3) needs a name"),  # type: ignore[arg-type]
        (lambda: Tag(""), "Tag('') needs a name"),
    ],
)
def test_a_slip_is_answered_with_the_right_form(wrong: Callable[[], object], right: str) -> None:
    with pytest.raises(InvalidQueryError) as raised:
        wrong()
    assert right in str(raised.value)


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        (loss < 0.1, "(Metric('loss') < 0.1)"),
        (0.1 < loss, "(Metric('loss') > 0.1)"),  # noqa: SIM300
        (~(lr == "a") | Tag("b"), "(~(Parameter('lr') == 'a') | Tag('b'))"),
        (note == None, "(Other('note') == None)"),  # noqa: E711
        (note != "", "(Other('note') != '')"),
        (note.startswith("a") & Environment("os").contains("b"), "(Other('note').startswith('a') & "),
        (Metadata("duration").between(1, 2.5), "Metadata('duration').between(1, 2.5)"),
        (Metadata("end") >= datetime(2026, 1, 2), "(Metadata('end') >= '2026-01-02 00:00:00')"),
    ],
)
def test_an_expression_shows_itself(expression: QueryExpression, read: str) -> None:
    assert repr(expression).startswith(read)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        (datetime(2026, 1, 2, 3, 4, 5, 678), "2026-01-02 03:04:05.000678"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=-5))), "2026-01-02 08:00:00"),
        (date(2026, 1, 2), "2026-01-02 00:00:00"),
        (timedelta(minutes=2), 120),
        (timedelta(milliseconds=1_500), 1.5),
        (True, 1),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
        (numpy.float32(0.5), 0.5),
        (numpy.int64(3), 3),
        (numpy.datetime64("2026-01-02T03:04:05.000000001"), "2026-01-02 03:04:05"),
        (numpy.timedelta64(90, "s"), 90),
        (numpy.bool_(True), 1),
        (_Tensor(), 0.5),
        (2**63, 2**63),
        (10**20, 1e20),
        (-(10**400), "-Infinity"),
    ],
)
def test_a_value_is_sent_as_comet_reads_it(given: Any, sent: Any) -> None:
    expression = loss == given
    assert isinstance(expression, Comparison)
    assert expression.value == sent
    assert type(expression.value) is type(sent)


def test_a_column_gives_the_variable() -> None:
    kinds = {
        "metrics": Metric,
        "params": Parameter,
        "log_other": Other,
        "metadata": Metadata,
        "env_details": Environment,
    }
    for source, kind in kinds.items():
        variable = variable_of(source, "x")
        assert type(variable) is kind
    assert repr(variable_of("tag", "x")) == "Tag('x')"
    assert variable_of("somewhere else", uuid.uuid4().hex) is None
