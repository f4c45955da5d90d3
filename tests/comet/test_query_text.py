"""Queries as text: what they mean, and how those that mean nothing are refused."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta

import pytest

from zenml_comet_tracker.comet import rules
from zenml_comet_tracker.comet.errors import InvalidQueryError
from zenml_comet_tracker.comet.query import Environment, Metadata, Metric, Other, Parameter, QueryExpression, Tag
from zenml_comet_tracker.comet.query_text import parse

COLUMNS = [
    {"name": "loss", "source": "metrics", "type": "double"},
    {"name": "opt", "source": "params", "type": "string"},
    {"name": "note", "source": "log_other", "type": "string"},
    {"name": "start_server_timestamp", "source": "metadata", "type": "datetime"},
    {"name": "duration", "source": "metadata", "type": "timenumber"},
    {"name": "hostname", "source": "env_details", "type": "string"},
]
MEANT = {
    "Metric('loss') < 0.1": Metric("loss") < 0.1,
    "0.1 > Metric('loss')": Metric("loss") < 0.1,
    ' (Metric("loss") >= -1e-3) ': Metric("loss") >= -1e-3,
    "(Metric('loss') < 1) & (Parameter('opt') == 'adam')": (Metric("loss") < 1) & (Parameter("opt") == "adam"),
    "Tag('a') | ~Tag('b') & Tag('c')": Tag("a") | (~Tag("b") & Tag("c")),
    "~((Other('note') != None) | Tag('a'))": ~((Other("note") != None) | Tag("a")),  # noqa: E711
    "Parameter('opt').startswith('a')": Parameter("opt").startswith("a"),
    "Metric('loss').between(0, high=1)": Metric("loss").between(0, 1),
    "Environment('hostname').contains('gpu')": Environment("hostname").contains("gpu"),
    "Metadata('duration') > timedelta(minutes=2)": Metadata("duration") > timedelta(minutes=2),
    "Metadata('start_server_timestamp') > datetime(2026, 1, 31)": Metadata("start_server_timestamp")
    > datetime(2026, 1, 31),
}
REFUSED = {
    "": "The query is empty",
    "Metric('loss')": r"compared with nothing; write Metric\('loss'\) > 0\.5",
    "Metric('loss') < 1 and Tag('a')": "'and' is no part of a query; write &",
    "Metric('loss') < 1 or Tag('a')": r"'or' is no part of a query; write \|",
    "not Tag('a')": "write ~",
    "'a' in Parameter('opt')": r"write Parameter\('optimizer'\)\.contains",
    "Parameter('opt') is None": "write == None",
    "0 < Metric('loss') < 1": "write .*between",
    "Metric('loss') < 1 & Metric('loss') > 0": "need brackets",
    "Metric('loss') = 1": "equality is written ==",
    "Metric('loss') <": "cannot be read",
    "Metric(loss) < 1": "a text needs quotes: 'loss'",
    "Metrics('loss') < 1": "it looks like Metric",
    "metric('loss') < 1": "it looks like Metric",
    "Tag('a') == 1": r"write Tag\('name'\)",
    "1 < 2": "nothing of an experiment",
    "Metric('loss') < '1' + '2'": "is no value",
    "Metric('loss').upper() < 1": "is no value",
    "Metric('loss').upper()": "expected one of between, contains",
    "Metadata('x') > datetime(2026, 13, 1)": "month must be in 1..12",
    "Metric('loss') < None": "has no answer",
    "Metric('') < 1": "name",
    "__import__('os').system('true')": "cannot|no |unknown",
    "().__class__.__bases__[0]": "is no condition",
    "Metric('loss').__init__('other')": "is no method of a query",
    "(lambda: Metric('loss') < 1)()": "calls nothing",
    "[Metric('loss') < 1][0]": "is no condition",
    "Metric(*['loss']) < 1": "is no value",
    "Metric(**{'name': 'loss'}) < 1": r"\*\* is no part|is no value",
    "(" * 400 + ")" * 400: "cannot be read|too deep",
    "~" * 5_000 + "Tag('a')": "too deep",
    "Metric('lo\x00ss') < 1": "cannot be read",
    "Tag('a')\nTag('b')": "cannot be read",
    "Tag('a')" + " " * 10_000 + "|Tag('b')": "at most 10,000",
}


@pytest.mark.parametrize("text", MEANT)
def test_a_text_means_what_the_same_python_does(text: str) -> None:
    read = parse(text)
    assert rules.rules_tree(read, COLUMNS) == rules.rules_tree(MEANT[text], COLUMNS)
    assert isinstance(read, QueryExpression)


@pytest.mark.parametrize("text", REFUSED)
def test_what_means_nothing_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidQueryError, match=REFUSED[text]):
        parse(text)


def test_a_refusal_points_at_the_place() -> None:
    with pytest.raises(InvalidQueryError) as told:
        parse("Parameter('é') == lr")
    *_, line, mark = str(told.value).splitlines()
    assert line[mark.index("^") :] == "lr"


def test_a_backslash_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repr(parse(r"Parameter('opt') == '\d'")) == repr(Parameter("opt") == "\\d")
