"""Columns of a project, and both ways to search it."""

from __future__ import annotations

from zenml_comet_tracker.comet import rules
from zenml_comet_tracker.comet.query import Metric, Parameter, QueryExpression, Tag
from zenml_comet_tracker.comet.resources import columns, search
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.scratch import Scratch

group = Group("search")


@group.check("the project has the columns that were logged", "GET project/column-names")
def _columns(scratch: Scratch) -> None:
    expected = {("train_loss", "metrics"), ("optimizer", "params"), ("note", "log_other")}
    scratch.eventually(
        lambda: {(column["name"], column["source"]) for column in scratch.ask(columns.of_project, scratch.place)},
        lambda found: expected <= found,
        expected,
    )


@group.check("predicates find what they describe", "POST project/query")
def _query(scratch: Scratch) -> None:
    for expression, expected in _expressions(scratch):
        found = scratch.ask(columns.of_project, scratch.place)
        wanted = rules.predicates(expression, found) or []

        def read(wanted: list[rules.Json] = wanted) -> set[str]:
            return set(scratch.ask(search.matching, scratch.place, wanted, archived=False))

        scratch.eventually(read, expected.__eq__, f"{expected} for {expression!r}")


@group.check("a tree of rules finds what it describes", "POST experiments/search")
def _search(scratch: Scratch) -> None:
    for expression, expected in _expressions(scratch):
        found = scratch.ask(columns.of_project, scratch.place)
        tree = rules.rules_tree(expression, found) or {}

        def read(tree: rules.Json = tree) -> set[str]:
            rows = scratch.ask(search.page, scratch.project_id, tree, archived=False, number=1, size=100)
            return {str(row["experimentKey"]) for row in rows}

        scratch.eventually(read, expected.__eq__, f"{expected} for {expression!r}")


def _expressions(scratch: Scratch) -> list[tuple[QueryExpression, set[str]]]:
    """Queries, and the experiments of the earlier checks that they describe."""
    return [
        (Parameter("optimizer") == "adam", {scratch.rest}),
        ((Parameter("optimizer") == "sgd") & (Metric("train_loss") < 1), {scratch.batch}),
        (Tag("verify"), {scratch.rest, scratch.batch}),
        (Tag("verify") & ~Tag("as the SDK does"), {scratch.rest}),
        ((Parameter("optimizer") == "adam") | (Parameter("optimizer") == "sgd"), {scratch.rest, scratch.batch}),
    ]
