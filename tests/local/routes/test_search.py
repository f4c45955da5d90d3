"""Searching, listing and columns over the wire: shapes, order, pages, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, TurnedClock, begin, serving

# Of the experiments on `server`, by name.
KEYS: dict[str, str] = {}
ALL = {"condition": "AND", "rules": [], "valid": True}


def _rule(source: str, field: str, operator: str, value: Any = None, kind: str = "double") -> dict[str, Any]:
    return {"id": field, "field": field, "type": kind, "operator": operator, "value": value, "source": source}


def _tree(*rules: dict[str, Any], condition: str = "AND") -> dict[str, Any]:
    return {"condition": condition, "rules": list(rules), "valid": True}


def _predicates(*rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"source": rule["source"], "query": _tree(rule)} for rule in rules]


def _sow(server: LocalServer, clock: TurnedClock) -> dict[str, str]:
    """Five experiments in `ws`/`p`, a minute apart, the first the oldest, with keys by name; one is archived."""
    keys = {}
    for at, name in enumerate(["one", "two", "three", "four", "old"]):
        keys[name] = key = begin(server, projectName="p", localTimestamp=clock.now)
        server.post("write/experiment/metric", experimentKey=key, metricName="loss", metricValue=at / 2, step=1)
        server.post("write/experiment/parameter", experimentKey=key, parameterName="lr", parameterValue=9 + at)
        server.post("write/experiment/log-other", experimentKey=key, key="note", value=f"{name} of all")
        clock.turn(60)
    server.post("write/experiment/tags", experimentKey=keys["two"], addedTags=["best"])
    server.post("write/experiment/parameter", experimentKey=keys["two"], parameterName="opt", parameterValue="a")
    server.post("write/experiment/system-details", experimentKey=keys["one"], hostname="box", pid=7)
    server.get("write/experiment/archive", experimentKey=keys["old"])
    return keys


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with what `_sow` sows, for tests that only read."""
    clock = TurnedClock()
    with serving(tmp_path_factory.mktemp("search"), clock) as running:
        KEYS.update(_sow(running, clock))
        yield running


def _search(server: LocalServer, tree: Any = None, **more: Any) -> dict[str, Any]:
    project = server.get("project", workspaceName="ws", projectName="p")["projectId"]
    return server.post("experiments/search", projectId=project, rulesTree=tree, **more)


def _names(answer: dict[str, Any]) -> list[str]:
    names = {key: name for name, key in KEYS.items()}
    return [names[experiment["experimentKey"]] for experiment in answer["experiments"]]


def _query(server: LocalServer, predicates: Any, **more: Any) -> list[str]:
    body = {"workspaceName": "ws", "projectName": "p", "predicates": predicates, "archived": False, **more}
    return server.post("project/query", **body)["experimentKeys"]


def test_a_search_tells_of_each_experiment_what_its_metadata_do(server: LocalServer) -> None:
    answer = _search(server, _tree(_rule("metrics", "loss", "less", 1)))
    assert _names(answer) == ["two", "one"]
    assert (answer["total"], answer["page"], answer["limit"]) == (2, 1, 100)
    for experiment in answer["experiments"]:
        metadata = server.get("experiment/metadata", experimentKey=experiment["experimentKey"])
        assert experiment == {name: value for name, value in metadata.items() if name != "journalLanes"}


def test_what_the_official_sdk_sends_beside_the_rules_is_taken(server: LocalServer) -> None:
    beside = dict.fromkeys(("viewId", "pinnedOnly", "multipleSort", "chainsQueryRules"))
    answer = _search(server, ALL, **beside, limit=100, page=1, deleted=False, ignorePinnedExperimentsFirst=True)
    assert _names(answer) == ["four", "three", "two", "one"]


@pytest.mark.parametrize("tree", [None, {}, ALL, {"rules": []}])
def test_no_rules_leave_nothing_out(server: LocalServer, tree: Any) -> None:
    assert _search(server, tree)["total"] == 4


def test_pages_neither_overlap_nor_leave_out(server: LocalServer) -> None:
    pages = [_search(server, ALL, limit=3, page=page) for page in (1, 2, 3)]
    assert [_names(page) for page in pages] == [["four", "three", "two"], ["one"], []]
    assert {page["total"] for page in pages} == {4}


def test_archived_experiments_are_searched_by_themselves(server: LocalServer) -> None:
    assert _names(_search(server, ALL, deleted=True)) == ["old"]
    assert _query(server, [], archived=True) == [KEYS["old"]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([{"field": "loss", "source": "metrics"}], ["one", "two", "three", "four"]),
        ([{"id": "loss--metrics", "order": "desc"}], ["four", "three", "two", "one"]),
        ([{"id": "lr--params", "order": "ASC"}], ["one", "two", "three", "four"]),
        ([{"field": "note", "source": "log_other"}], ["four", "one", "three", "two"]),
        ([{"id": "opt--params"}], ["two", "four", "three", "one"]),
        ([{"id": "opt--params"}, {"id": "loss--metrics"}], ["two", "one", "three", "four"]),
        ([{"id": "best--tag", "order": "desc"}, {"id": "pid--env_details"}], ["two", "one", "four", "three"]),
        ([{"id": "start_server_timestamp--metadata"}], ["one", "two", "three", "four"]),
        ([{"field": "start_server_timestamp", "order": "desc"}], ["four", "three", "two", "one"]),
    ],
)
def test_experiments_come_in_the_order_asked_for(server: LocalServer, order: Any, expected: list[str]) -> None:
    assert _names(_search(server, ALL, multipleSort=order)) == expected


def test_experiments_can_be_sorted_by_every_field(server: LocalServer) -> None:
    columns = server.get("project/column-names", workspaceName="ws", projectName="p")["columns"]
    assert len(columns) > 20
    for column in columns:
        assert _search(server, ALL, multipleSort=[{"id": column["id"]}])["total"] == 4, column


def test_a_query_holds_every_predicate_whatever_is_said_of_negation(server: LocalServer) -> None:
    rules = _rule("metrics", "loss", "greater", 0.1), _rule("params", "lr", "not_equal", 11)
    predicates = [{**predicate, "negated": True} for predicate in _predicates(*rules)]
    assert _query(server, predicates) == [KEYS["four"], KEYS["two"]]
    assert _query(server, []) == [KEYS[name] for name in ("four", "three", "two", "one")]


def test_the_alias_of_the_official_sdk_answers_too(server: LocalServer) -> None:
    body = {"workspaceName": "ws", "projectName": "p", "predicates": _predicates(_rule("tag", "best", "equal", "best"))}
    assert server.sdk("rest/v2/project/query", **body) == {"experimentKeys": [KEYS["two"]]}


@pytest.fixture
def sown(clocked_server: LocalServer, clock: TurnedClock) -> dict[str, str]:
    """The keys of the same on `clocked_server`, for tests that change something."""
    return _sow(clocked_server, clock)


def test_a_rule_without_a_source_means_the_only_field_of_its_name(
    clocked_server: LocalServer, sown: dict[str, str]
) -> None:
    """The official SDK drops the sources of (A & B) | C when A and B are of one source and C of another."""
    bare = [
        {name: value for name, value in rule.items() if name != "source"}
        for rule in (_rule("", "loss", "greater", 0.1), _rule("", "note", "begins_with", "t", "string"))
    ]
    nested = {"source": "nested", "query": _tree(_tree(*bare), _rule("params", "lr", "less", 10), condition="OR")}
    assert _query(clocked_server, [nested]) == [sown["three"], sown["two"], sown["one"]]
    clocked_server.post("write/experiment/parameter", experimentKey=sown["one"], parameterName="loss", parameterValue=1)
    refused = _refused(clocked_server, "project/query", {"predicates": [nested]})
    assert "metrics and params" in refused


def test_a_symlinked_experiment_is_found_in_both_projects(clocked_server: LocalServer, sown: dict[str, str]) -> None:
    begin(clocked_server, projectName="q")
    clocked_server.get("write/project/symlink", experimentKey=sown["two"], projectName="q")
    predicates = _predicates(_rule("metrics", "loss", "less", 1))
    assert _query(clocked_server, predicates, projectName="q") == [sown["two"]]
    assert _query(clocked_server, predicates) == [sown["two"], sown["one"]]
    columns = clocked_server.get("project/column-names", workspaceName="ws", projectName="q")["columns"]
    assert {"loss--metrics", "best--tag", "opt--params"} <= {column["id"] for column in columns}
    page = clocked_server.call("GET", "ws/q?sort=-metric:loss").text
    assert sown["two"] in page
    assert sown["one"] not in page


def test_status_and_duration_are_those_that_are_shown(
    clocked_server: LocalServer, clock: TurnedClock, sown: dict[str, str]
) -> None:
    clocked_server.post("write/experiment/update-status", experimentKey=sown["one"], isAlive=False, hasCrashed=False)
    clocked_server.get("write/experiment/set-status", experimentKey=sown["two"])
    clock.turn(29)
    clocked_server.get("write/experiment/set-status", experimentKey=sown["three"])
    for _ in range(2):
        shown = {one["experimentKey"]: one for one in _search(clocked_server, ALL)["experiments"]}
        found = _query(clocked_server, _predicates(_rule("metadata", "runActive", "equal", 1, "boolean")))
        assert set(found) == {key for key, one in shown.items() if one["running"]}
        for seconds in (0, 29, 60, 100.5, 300):
            found = _query(clocked_server, _predicates(_rule("metadata", "duration", "greater", seconds, "timenumber")))
            assert set(found) == {key for key, one in shown.items() if one["durationMillis"] / 1_000 > seconds}
        clock.turn(5)
    assert {shown[sown[name]]["running"] for name in ("one", "two", "four")} == {False}


def test_the_time_of_the_last_message_is_that_of_the_last_value_or_beat(
    clocked_server: LocalServer, clock: TurnedClock, sown: dict[str, str]
) -> None:
    clock.now = 1_800_000_000_000
    clocked_server.get("write/experiment/set-status", experimentKey=sown["two"])
    clock.turn(1)
    clocked_server.post("write/experiment/log-other", experimentKey=sown["three"], key="k", value="v")
    for moment, expected in (("08:00:00", ["three", "two"]), ("08:00:00.000001", ["three"]), ("08:00:01.5", [])):
        since = _rule("metadata", "last_message_time", "greater_or_equal", f"2027-01-15 {moment}", "datetime")
        assert _query(clocked_server, _predicates(since)) == [sown[name] for name in expected]


def _refused(server: LocalServer, path: str, body: dict[str, Any]) -> str:
    """The message of the 400 that answers the request."""
    answered = server.call("POST", f"api/rest/v2/{path}", json={"workspaceName": "ws", "projectName": "p", **body})
    assert answered.status_code == 400, answered.text
    return str(answered.json()["msg"])


_DEEP: dict[str, Any] = ALL
for _ in range(50):
    _DEEP = {"condition": "OR", "rules": [_DEEP]}
_GOOD = _rule("metrics", "loss", "equal", 1)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({**_GOOD, "source": "points"}, "rulesTree.rules[0].source is 'points'; expected one of metrics, params"),
        ({**_GOOD, "source": "nested", "operator": "like"}, "operator is 'like'; expected one of equal, not_equal"),
        ({**_GOOD, "operator": ["equal"]}, "operator is a list"),
        ({**_GOOD, "type": "regex"}, "type is 'regex'; expected one of string, double"),
        ({**_GOOD, "field": "", "id": None}, "field is missing; expected a text that is not empty"),
        ({**_GOOD, "field": 3}, "field is '3'"),
        ({**_GOOD, "field": "x" * 10_001}, "field has 10001 letters; expected at most 10000"),
        ({**_GOOD, "value": None}, "value is missing"),
        ({**_GOOD, "value": {"a": 1}}, "value is an object"),
        ({**_GOOD, "value": "much"}, "value is 'much'; expected a number"),
        ({**_GOOD, "value": "a" * 10_001}, "value has 10001 letters"),
        ({**_GOOD, "operator": "contains", "value": "1"}, "contains does not go with a field of type double"),
        ({**_GOOD, "operator": "between", "value": [1]}, "value is a list; expected a list of two values"),
        ({**_GOOD, "operator": "in", "value": 1}, "value is '1'; expected a list"),
        ({**_GOOD, "operator": "in", "value": [1] * 10_001}, "value has 10001 members; expected at most 10000"),
        (_tree(*[{**_GOOD, "operator": "in", "value": [1] * 5_001}] * 2), "expected at most 10000 values in all rules"),
        (_rule("metadata", "weight", "equal", 1), "metadata has no field 'weight'; expected one of runId"),
        (_rule("metadata", "start_server_timestamp", "less", "soon"), "expected a time like 2026-01-31 23:59:59"),
        (_rule("metadata", "start_server_timestamp", "less", 3), "expected a time like 2026-01-31 23:59:59"),
        (_rule("metadata", "hasHtml", "less", 1), "less does not go with a field of type boolean"),
        (_rule("metadata", "hasHtml", "equal", "perhaps"), "value is 'perhaps'; expected true or false"),
        (_rule("metadata", "duration", "equal", "long"), "value is 'long'; expected a number"),
        ("loss > 1", "rulesTree.rules[0] is 'loss > 1'; expected an object"),
        ({"condition": "XOR", "rules": []}, "rules[0].condition is 'XOR'; expected AND or OR"),
        ({"condition": "AND"}, "rulesTree.rules[0].rules is missing; expected a list"),
        (_DEEP, "is nested too deep; expected at most 45 groups in each other"),
        (_tree(*[_tree(*[_GOOD] * 201)] * 2), "is one too many; expected at most 400 rules and groups"),
        (_tree(*[_tree(*[ALL] * 201)] * 2), "is one too many; expected at most 400 rules and groups"),
        (_tree(*[_GOOD] * 401), "rules has 401 members; expected at most 400"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_reason(server: LocalServer, rule: Any, said: str) -> None:
    assert said in _refused(server, "experiments/search", {"rulesTree": _tree(rule)})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"predicates": None}, "predicates is missing; expected a list"),
        ({"predicates": "loss"}, "predicates is 'loss'; expected a list"),
        ({"predicates": [1]}, "predicates[0] is '1'; expected an object"),
        ({"predicates": [{"source": "metrics"}]}, "predicates[0].query is missing; expected an object"),
        ({"predicates": [[[]]]}, "predicates[0] is a list; expected an object"),
        ({"predicates": [], "archived": "perhaps"}, "archived is 'perhaps'"),
    ],
)
def test_predicates_that_make_no_sense_are_refused(server: LocalServer, body: dict[str, Any], said: str) -> None:
    assert said in _refused(server, "project/query", body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rulesTree": [1]}, "rulesTree is a list; expected an object"),
        ({"limit": -1}, "limit is '-1'"),
        ({"page": 0}, "page is '0'"),
        ({"pinnedOnly": True}, "pinnedOnly is not supported"),
        ({"chainsQueryRules": [1]}, "chainsQueryRules is not supported"),
        ({"multipleSort": {"field": "loss"}}, "multipleSort is an object; expected a list"),
        ({"multipleSort": [{"field": "loss", "source": "points"}]}, "source is 'points'"),
        ({"multipleSort": [{"field": "loss", "source": "nested"}]}, "source is 'nested'"),
        ({"multipleSort": [{"id": "loss--metrics", "order": "up"}]}, "order is 'up'; expected asc or desc"),
        ({"multipleSort": [{"id": "weight"}]}, "metadata has no field 'weight'"),
        ({"multipleSort": [{"id": "loss--metrics"}] * 6}, "multipleSort has 6 members; expected at most 5"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(server: LocalServer, body: dict[str, Any], said: str) -> None:
    assert said in _refused(server, "experiments/search", body)


def test_an_unknown_project_is_a_404(server: LocalServer) -> None:
    for path, body in (("project/query", {"predicates": []}), ("experiments/search", {})):
        answered = server.call("POST", f"api/rest/v2/{path}", json={"projectId": "0" * 32, **body})
        assert answered.status_code == 404


def test_the_largest_questions_are_answered(server: LocalServer) -> None:
    listed = _rule("metrics", "loss", "in", [at / 2 for at in range(9_801)])
    others = [_rule("log_other", f"{at}", "not_ends_with", "x" * 100, "string") for at in range(180)]
    deep = _tree(listed, *others)
    for _ in range(19):
        deep = {"condition": "OR", "rules": [deep]}
    assert _search(server, deep)["total"] == 4
    assert _search(server, _tree({**listed, "operator": "not_in", "value": ["NaN"] * 10_000}))["total"] == 4


@pytest.mark.parametrize(
    "name", ["x' OR '1'='1", 'x"; DROP TABLE experiment; --', "%", "_", "*", "loss) OR (1=1", ":p", "?"]
)
def test_names_and_values_are_never_part_of_a_statement(server: LocalServer, name: str) -> None:
    for source in ("metrics", "params", "log_other", "tag", "env_details"):
        assert _search(server, _tree(_rule(source, name, "is_not_null")))["total"] == 0
        assert _search(server, ALL, multipleSort=[{"field": name, "source": source}])["total"] == 4
    for operator in ("equal", "contains", "begins_with", "ends_with"):
        assert _search(server, _tree(_rule("log_other", "note", operator, name, "string")))["total"] == 0
    assert _search(server, ALL)["total"] == 4
