"""What a query finds on a server, held to plain Python's answer over the same experiments."""

from __future__ import annotations

import functools
import math
import operator
import os
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import comet_ml.query
import pytest

from tests.comet.queries import COLUMNS, Facts, build, experiments, generate, holds
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import query, rules
from zenml_comet_tracker.comet.api import API, listing
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import InvalidArgumentError, InvalidQueryError, NotFoundError
from zenml_comet_tracker.comet.query import Environment, Metadata, Metric, Other, Parameter, QueryExpression, Tag
from zenml_comet_tracker.comet.resources import projects, search

# `make query-check` asks for all of them.
ASKED = int(os.environ.get("TRACKER_QUERIES", "100"))
WHERE = ("queries", "answered")


@dataclass(frozen=True)
class Project:
    """A project full of experiments, and what each of them logged."""

    server: LocalServer
    api: API
    facts: dict[str, Facts]


@pytest.fixture(scope="module")
def project(local_server: LocalServer) -> Project:
    """Forty experiments, written past the client."""
    facts = {uuid.uuid4().hex: one for one in experiments()}
    for key, one in facts.items():
        _log(local_server, key, one)
    return Project(local_server, API(local_server.api_key, url=local_server.url), facts)


def _log(server: LocalServer, key: str, facts: Facts, where: tuple[str, str] = WHERE) -> None:
    workspace, project_name = where
    server.sdk("logger/add/run", experimentKey=key, projectName=project_name, teamName=workspace)
    own = {"experimentKey": key}
    parameters, metrics = [], []
    for (kind, name), value in facts.values.items():
        if kind == "Metric":
            number = value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity"}[str(value)]
            metrics.append({"metricName": name, "metricValue": number, "timestamp": 1})
        elif kind == "Parameter":
            parameters.append({"parameterName": name, "parameterValue": value, "timestamp": 1})
        elif kind == "Other":
            server.post("write/experiment/log-other", **own, key=name, value=value)
        elif kind == "Environment":
            server.post("write/experiment/system-details", **own, hostname=value)
    server.sdk("batch/logger/experiment/metric", **own, values=metrics)
    server.sdk("batch/logger/experiment/parameter", **own, values=parameters)
    if facts.tags:
        server.post("write/experiment/tags", **own, addedTags=list(facts.tags))
    if facts.values.get(("Metadata", "hasHtml")):
        server.post("write/experiment/html", **own, html="<p>hi</p>")
    server.post("write/experiment/update-status", **own, isAlive=False, hasCrashed=False)
    if start := facts.values.get(("Metadata", "start_server_timestamp")):
        begin = round(start.replace(tzinfo=timezone.utc).timestamp() * 1_000)
        end = begin + round(1_000 * facts.values["Metadata", "duration"])
        server.post("write/experiment/set-start-end-time", **own, startTimeMillis=begin, endTimeMillis=end)


def test_the_columns_are_those_that_the_json_is_tested_with(project: Project) -> None:
    columns = project.api.get_project_columns(*WHERE)
    assert {(column["source"], column["name"], column["type"]) for column in COLUMNS} <= {
        (column["source"], column["name"], column["type"]) for column in columns
    }


def test_a_server_finds_what_plain_python_finds(project: Project) -> None:
    """In both wire forms, where both can say it."""
    chance, transport = random.Random(3), project.api._connection.transport
    columns = project.api.get_project_columns(*WHERE)
    place = projects.named(*WHERE)
    project_id = projects.find(transport, place)["projectId"]
    found_some = 0
    for _ in range(ASKED):
        node = generate(chance, 3)
        expression = build(node, query)
        expected = {key for key, facts in project.facts.items() if holds(node, facts)}
        found_some += 0 < len(expected) < len(project.facts)
        tree, predicates = rules.rules_tree(expression, columns), rules.predicates(expression, columns)
        assert tree is not None
        rows = search.page(transport, project_id, tree, archived=False, number=1, size=100)
        assert {row["experimentKey"] for row in rows} == expected, expression
        if predicates is not None:
            assert set(search.matching(transport, place, predicates, archived=False)) == expected, expression
    assert found_some > ASKED / 2


def test_query_and_search_answer_alike(project: Project) -> None:
    chance = random.Random(4)
    for _ in range(15):
        node = generate(chance, 3)
        expression = build(node, query)
        expected = {key for key, facts in project.facts.items() if holds(node, facts)}
        for ask in (project.api.query, project.api.search):
            assert {found.key for found in ask(*WHERE, expression)} == expected, expression


BROKEN = Metric("loss") > 0.1
ADAM = Parameter("optimizer") == "adam"


@pytest.mark.parametrize(
    ("expression", "by_hand"),
    [
        (~(BROKEN & ADAM), lambda loss, adam: not loss or not adam),
        (~(BROKEN | ADAM), lambda loss, adam: not loss and not adam),
        (~~(BROKEN | ADAM), lambda loss, adam: loss or adam),
        ((BROKEN & ADAM) | (BROKEN & ADAM), lambda loss, adam: loss and adam),
    ],
    ids=["not both", "neither", "either", "both, twice"],
)
def test_a_negation_is_answered_by_what_it_says(
    project: Project, expression: QueryExpression, by_hand: Callable[[bool, bool], bool]
) -> None:
    """Comet's own SDK sends the same predicates for the first two."""
    with_loss = {key: facts for key, facts in project.facts.items() if ("Metric", "loss") in facts.values}
    found = {one.key for one in project.api.query(*WHERE, expression & (Metric("loss") != None))}  # noqa: E711
    assert found == {
        key
        for key, facts in with_loss.items()
        if by_hand(facts.values["Metric", "loss"] > 0.1, facts.values.get(("Parameter", "optimizer")) == "adam")
    }


def test_results_are_the_sdks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order included; where the SDK's predicates say what its query says."""
    monkeypatch.setenv("COMET_URL_OVERRIDE", f"{project.server.url}/clientlib/")
    sdk = comet_ml.API(project.server.api_key)
    for ours, theirs in [
        (Metric("loss") < 0.5, comet_ml.query.Metric("loss") < 0.5),
        (Tag("best") & ~(Other("note") == ""), comet_ml.query.Tag("best") & ~(comet_ml.query.Other("note") == "")),
        (Metric("never") > 1, comet_ml.query.Metric("never") > 1),
        (Tag("never"), comet_ml.query.Tag("never")),
    ]:
        for asked in ("query", "search"):
            found = getattr(project.api, asked)(*WHERE, ours)
            assert [one.key for one in found] == [one.id for one in getattr(sdk, asked)(*WHERE, theirs)]
    ours_too = project.api.get_query_variables(*WHERE)
    assert list(map(repr, ours_too)) == list(map(repr, sdk.get_query_variables(*WHERE)))


def test_a_field_that_no_experiment_has(project: Project) -> None:
    never = Metric("never") > 1
    lossy = Metric("loss") > 0.1
    assert project.api.query(*WHERE, never | lossy) == []
    assert project.api.search(*WHERE, never) == project.api.search(*WHERE, never & lossy) == []
    assert project.api.search(*WHERE, never | lossy) == project.api.query(*WHERE, lossy)
    assert len(project.api.query(*WHERE, ~Tag("never"))) == len(project.api.search(*WHERE, ~Tag("never"))) == 40


def test_pages(project: Project) -> None:
    every = Metadata("duration") > 0
    pages = [project.api.search(*WHERE, every, page=number, page_size=15) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [15, 15, 10, 0]
    assert {one.key for page in pages for one in page} == set(project.facts)
    assert len(project.api.search(*WHERE, every, page=1)) == 40
    with pytest.raises(InvalidArgumentError, match="page=0"):
        project.api.search(*WHERE, every, page=0)


def test_more_than_a_page_is_found_whole(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE_SIZE", 9)
    monkeypatch.setattr(listing, "_SURELY_ALL", 9)
    before = project.api._connection.requests
    assert {one.key for one in project.api.search(*WHERE, ~Tag("never"))} == set(project.facts)
    # Columns, project, and five pages.
    assert project.api._connection.requests - before == 7


def test_archived_ones_are_found_with_their_own_fields(local_server: LocalServer) -> None:
    where, key = ("queries", "archived"), uuid.uuid4().hex
    _log(local_server, key, Facts({("Metric", "only here"): 3.0}, ("best",)), where)
    local_server.get("write/experiment/archive", experimentKey=key)
    api = API(local_server.api_key, url=local_server.url)
    asked = Metric("only here") > 1
    assert api.query(*where, asked) == api.search(*where, asked) == []
    assert [one.key for one in api.query(*where, asked, archived=True)] == [key]
    assert [one.key for one in api.search(*where, asked, archived=True)] == [key]


def test_a_project_may_be_named_in_one_text_or_be_the_one_that_is_set(project: Project) -> None:
    asked = Tag("best")
    expected = project.api.query(*WHERE, asked)
    assert expected
    assert project.api.query("/".join(WHERE), query=asked) == expected
    own = API(project.server.api_key, url=project.server.url, workspace=WHERE[0], project_name=WHERE[1])
    assert own.query(query=asked) == own.search(query=asked) == expected
    assert Tag("best").variable.name in [v.variable.name for v in own.get_query_variables() if isinstance(v, Tag)]


def test_many_are_combined_one_after_another(project: Project) -> None:
    """Each `|` is a group in the next one's."""
    shorter = [Metadata("duration") == number for number in range(40)]
    either = functools.reduce(operator.or_, [*shorter, Tag("best")])
    expected = {key for key, facts in project.facts.items() if "best" in facts.tags or 30 in facts.values.values()}
    for ask in (project.api.query, project.api.search):
        assert {one.key for one in ask(*WHERE, either)} == expected
    with pytest.raises(InvalidQueryError, match="combine them in halves"):
        functools.reduce(operator.or_, shorter * 3)


def test_predicates_by_hand(project: Project) -> None:
    rule = {"id": "loss", "field": "loss", "type": "double", "operator": "less", "value": 0.5}
    predicates = [{"source": "metrics", "query": {"condition": "AND", "rules": [rule], "valid": True}}]
    found = project.api.query_project(*WHERE, predicates)
    assert found == project.api.query(*WHERE, Metric("loss") < 0.5)
    assert all(project.facts[one.key].values["Metric", "loss"] < 0.5 for one in found)
    assert found


def test_a_panel_may_ask(project: Project) -> None:
    reading = API.over(Connection(project.api._connection.settings, read_only=True))
    both = ~(BROKEN & ADAM)
    assert reading.query(*WHERE, both) == project.api.query(*WHERE, both) == reading.search(*WHERE, both)
    assert reading.query(*WHERE, BROKEN) == project.api.query(*WHERE, BROKEN)


def test_what_is_found_can_be_read(project: Project) -> None:
    by_predicates = project.api.query(*WHERE, Tag("best"))[0]
    by_tree = project.api.search(*WHERE, Tag("best"))[0]
    assert by_predicates.workspace == by_tree.workspace == WHERE[0]
    assert by_predicates.get_metadata() == by_tree.get_metadata()


def test_values_of_other_types(project: Project) -> None:
    """A time elsewhere on earth, and durations as such."""
    noon = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    found = project.api.query(*WHERE, Metadata("start_server_timestamp") == noon)
    assert [project.facts[one.key].values["Metadata", "start_server_timestamp"] for one in found] == [
        datetime(2026, 3, 1, 12)
    ]
    longer = project.api.query(*WHERE, Metadata("duration").between(timedelta(minutes=1), timedelta(minutes=2)))
    assert {project.facts[one.key].values["Metadata", "duration"] for one in longer} == {60.0, 90.5}
    start = Metadata("start_server_timestamp")
    early = project.api.query(*WHERE, start.between(datetime(2026, 3, 1), datetime(2026, 3, 1, 12, 30, 0, 1_000)))
    assert len(early) == 2
    assert project.api.query(*WHERE, Metric("acc") == math.nan) == project.api.query(*WHERE, Metric("acc") == "NaN")
    assert len(project.api.query(*WHERE, Metric("steps") == math.inf)) == sum(
        facts.values.get(("Metric", "steps")) == math.inf for facts in project.facts.values()
    )


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (Metric("loss") == "adam", "holds numbers"),
        (Metric("loss") < datetime(2026, 1, 1), "holds numbers"),
        (Metric("loss").contains("1"), "Metric('loss') > 0.5"),
        (Parameter("optimizer").between(1, 2), "holds texts"),
        (Metadata("start_server_timestamp") < 5, "datetime(2026"),
        (Metadata("duration") > "long", "in seconds"),
        (Metadata("hasHtml") > 1, "== True"),
        (Metadata("hasHtml") == "maybe", "== True"),
        (~(Environment("hostname").between(1, 2)), "holds texts"),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_is_refused_before_it_is_sent(
    project: Project, expression: QueryExpression, said: str
) -> None:
    for ask in (project.api.query, project.api.search):
        with pytest.raises(InvalidQueryError) as raised:
            ask(*WHERE, expression)
        assert said in str(raised.value)


@pytest.mark.parametrize("wrong", [None, "loss < 1", 3, True, [Tag("best")], Metric("loss"), Parameter("lr")], ids=repr)
def test_what_is_no_query_is_refused(project: Project, wrong: Any) -> None:
    for ask in (project.api.query, project.api.search):
        with pytest.raises(InvalidQueryError, match=r"alone is no condition|is no condition"):
            ask(*WHERE, wrong)


def test_a_query_in_the_place_of_a_project_is_told(project: Project) -> None:
    for ask in (project.api.query, project.api.search):
        with pytest.raises(InvalidArgumentError, match=re.escape("(Metric('loss') < 1) stands where a workspace or a")):
            ask("queries", Metric("loss") < 1)  # type: ignore[arg-type]


def test_a_project_that_does_not_exist(project: Project) -> None:
    with pytest.raises(NotFoundError):
        project.api.query("queries", "nowhere", Tag("best"))


def test_the_examples_of_the_page_run(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = uuid.uuid4().hex
    facts = Facts({("Metric", "loss"): 0.05, ("Parameter", "optimizer"): "adam"}, ())
    _log(local_server, key, facts, ("my-workspace", "my-project"))
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    namespace: dict[str, Any] = {}
    page = (Path(__file__).parents[3] / "docs" / "query.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.+?)```", page, re.DOTALL):
        exec(block, namespace)
    printed = capsys.readouterr().out
    assert f"{local_server.url}/my-workspace/my-project/{key}" in printed
    assert "(Metric('loss') < 0.1) has no truth of its own" in printed
    assert "Write (a) & (b) for `and`" in printed
    assert [one.key for one in namespace["first"]] == [key]
