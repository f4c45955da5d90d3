"""Both wire forms of a query, held to what the official SDK writes for the same one."""

from __future__ import annotations

import random
from typing import Any

import comet_ml.query

from tests.comet.queries import COLUMNS, Node, Not, Pair, build, generate
from zenml_comet_tracker.comet import query, rules

WANTED = 5_000


def test_five_thousand_queries_read_as_the_sdk_writes_them() -> None:
    chance, said = random.Random(1), 0
    while said < WANTED:
        node = generate(chance)
        ours, theirs = build(node, query), build(node, comet_ml.query)
        assert rules.rules_tree(ours, COLUMNS) == theirs.get_predicates_for_search({"columns": COLUMNS}), ours
        predicates = rules.predicates(ours, COLUMNS)
        if predicates is not None:
            assert predicates == theirs.get_predicates({"columns": COLUMNS}), ours
            said += 1


def test_predicates_are_written_exactly_where_they_say_what_the_query_says() -> None:
    """The SDK writes predicates for every query; for some they mean something else."""
    chance = random.Random(2)
    left_out = otherwise = 0
    for _ in range(500):
        node = generate(chance, 3)
        theirs = build(node, comet_ml.query).get_predicates({"columns": COLUMNS})
        said = rules.predicates(build(node, query), COLUMNS) is not None
        agree = all(_agrees(node, theirs, random.Random(seed)) for seed in range(10 if said else 300))
        if said:
            assert agree, node
        else:
            left_out += 1
            otherwise += not agree or _ambiguous(theirs)
    # Of a few both mean the same by chance, as of ~(a & a).
    assert left_out > 100
    assert otherwise / left_out > 0.95


def _agrees(node: Node, predicates: list[Any], chance: random.Random) -> bool:
    """Whether the query and its predicates agree, the truth of each comparison being a matter of chance."""
    truths: dict[str, bool] = {}

    def truth(rule: Any) -> bool:
        positive = rule["operator"] in _POSITIVE
        operator = rule["operator"] if positive else query.OPPOSITES[rule["operator"]]
        fact = truths.setdefault(f"{rule['field']}/{rule['type']}/{operator}/{rule['value']}", chance.random() < 0.5)
        return fact == positive

    def of_group(group: Any) -> bool:
        members = [of_group(one) if "rules" in one else truth(one) for one in group["rules"]]
        return all(members) if group["condition"] == "AND" else any(members)

    def of_node(one: Node) -> bool:
        if isinstance(one, Not):
            return not of_node(one.of)
        if isinstance(one, Pair):
            return (
                (of_node(one.left) and of_node(one.right)) if one.every else (of_node(one.left) or of_node(one.right))
            )
        return truth(rules.predicates(build(one, query), COLUMNS)[0]["query"]["rules"][0])  # type: ignore[index]

    return of_node(node) == all(of_group(one["query"]) for one in predicates)


_POSITIVE = ("equal", "less", "greater", "is_null", "is_empty", "between", "contains", "begins_with", "ends_with")


def _ambiguous(predicates: list[Any]) -> bool:
    return any(
        one["source"] == "nested" and not all("source" in rule for rule in rules._rules(one["query"]))
        for one in predicates
    )
