"""Queries in Comet's two wire forms: the predicates of `project/query`, the tree of rules of `experiments/search`.

Both are, to the letter, what Comet's own SDK writes for the same expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from zenml_comet_tracker.comet.errors import InvalidQueryError
from zenml_comet_tracker.comet.query import OPPOSITES, Combination, Comparison, Opposite, QueryExpression

Json = dict[str, Any]
# As `project/column-names` gives them: `name`, `source` and `type` of each.
Columns = Sequence[Mapping[str, Any]]

_TEXT_OPERATORS = {"contains", "begins_with", "ends_with"}
_MIXED = "nested"
_TRUTHS = ("true", "false", "1", "0", "1.0", "0.0")


def unknown(expression: QueryExpression, columns: Columns) -> list[Comparison]:
    """The comparisons with fields that no experiment of the project has. Every tag counts as known."""
    types = _Types(columns)
    return [leaf for leaf in comparisons(expression) if types.of(leaf) is None]


def comparisons(expression: QueryExpression) -> Iterator[Comparison]:
    """Every comparison in the expression, from left to right."""
    if isinstance(expression, Combination):
        yield from comparisons(expression.left)
        yield from comparisons(expression.right)
    elif isinstance(expression, Opposite):
        yield from comparisons(expression.expression)
    elif isinstance(expression, Comparison):
        yield expression


def predicates(expression: QueryExpression, columns: Columns) -> list[Json] | None:
    """The list that POST `project/query` takes as `predicates`, of which every element must hold.

    None where they cannot say it: `~(a & b)` would read like `~(a | b)`, and `(a & b) | c` over several sources like
    `a | b | c`. `InvalidQueryError` for a value that does not go with the field's type. Every field must be known.
    """
    try:
        elements = _elements(expression, _Types(columns), opposite=False, negated=False)
    except _UnsayableError:
        return None
    # In a group of several sources a rule that names none could mean any field of its name.
    mixed = [element["query"] for element in elements if element["source"] == _MIXED]
    return elements if all("source" in rule for query in mixed for rule in _rules(query)) else None


def rules_tree(expression: QueryExpression, columns: Columns) -> Json | None:
    """The object that POST `experiments/search` takes as `rulesTree`; None where nothing can be found.

    A comparison with an unknown field holds for no experiment. `InvalidQueryError` as in `predicates`.
    """
    node = _node(expression, _Types(columns), opposite=False)
    return None if node is None else _tree(node, nested=False)


class _UnsayableError(Exception):
    """Predicates have no form for this expression."""


class _Types:
    """What type each field has, and so which rules can be made of it."""

    def __init__(self, columns: Columns) -> None:
        self._types = {(column["source"], column["name"]): column["type"] for column in columns}

    def of(self, leaf: Comparison) -> str | None:
        """The type of the field, None when no experiment has it."""
        variable = leaf.variable
        if variable.source == "tag":
            return "string"
        found = self._types.get((variable.source, variable.name))
        return found if variable.qtype is None else variable.qtype

    def rule(self, leaf: Comparison, *, opposite: bool) -> Json:
        """The rule that says the comparison or its opposite."""
        kind = self.of(leaf)
        if kind is None:
            raise InvalidQueryError(f"No experiment of the project has {leaf.variable!r}")
        _check(leaf, kind)
        name = leaf.variable.name
        operator = OPPOSITES[leaf.operator] if opposite else leaf.operator
        return {"id": name, "field": name, "type": kind, "operator": operator, "value": leaf.value}


def _elements(expression: QueryExpression, types: _Types, *, opposite: bool, negated: bool) -> list[Json]:
    """`opposite` below an odd number of `~`, `negated` below any."""
    if isinstance(expression, Opposite):
        return _elements(expression.expression, types, opposite=not opposite, negated=True)
    if isinstance(expression, Combination):
        left = _elements(expression.left, types, opposite=opposite, negated=negated)
        right = _elements(expression.right, types, opposite=opposite, negated=negated)
        if expression.every != opposite:
            return _merged(left, right)
        if negated or len(left) > 1 or len(right) > 1:
            raise _UnsayableError
        return [_either(left[0], right[0])]
    leaf = cast("Comparison", expression)
    element: Json = {"source": leaf.variable.source, "query": _group([types.rule(leaf, opposite=opposite)])}
    return [{**element, "negated": True}] if negated else [element]


def _merged(left: list[Json], right: list[Json]) -> list[Json]:
    """What both lists ask for, with one element for each source as far as the SDK does that."""
    merged = list(left)
    for element in right:
        places = (at for at, other in enumerate(merged) if other["source"] == element["source"])
        at = next(places, None)
        if at is None:
            merged.append(element)
        else:
            merged[at] = _both(merged[at], element)
    return merged


def _both(left: Json, right: Json) -> Json:
    one, other = left["query"], right["query"]
    if one["condition"] == other["condition"] == "AND":
        return {**left, "query": _group([*one["rules"], *other["rules"]])}
    single = one["condition"] == "AND" and len(one["rules"]) == 1
    return {"source": left["source"], "query": _group([*(one["rules"] if single else [one]), other])}


def _either(left: Json, right: Json) -> Json:
    rules = []
    for element in (left, right):
        query = element["query"]
        single = query["condition"] == "AND" and len(query["rules"]) == 1
        rules.append({**query["rules"][0], "source": element["source"]} if single else query)
    source = left["source"] if left["source"] == right["source"] else _MIXED
    return {"source": source, "query": _group(rules, "OR")}


def _group(rules: list[Json], condition: str = "AND") -> Json:
    return {"condition": condition, "rules": rules, "valid": True}


def _rules(group: Json) -> Iterator[Json]:
    for member in group["rules"]:
        if "rules" in member:
            yield from _rules(member)
        else:
            yield member


class _Branch:
    """A group of two with every `~` carried down to its rules."""

    def __init__(self, left: _Branch | Json, right: _Branch | Json, *, every: bool) -> None:
        self.members = (left, right)
        self.every = every
        sources = {_source(left), _source(right)}
        self.alike = len(sources) == 1
        self.source = sources.pop() if self.alike else _MIXED


def _source(node: _Branch | Json) -> str:
    return node.source if isinstance(node, _Branch) else str(node["source"])


def _node(expression: QueryExpression, types: _Types, *, opposite: bool) -> _Branch | Json | None:
    if isinstance(expression, Opposite):
        return _node(expression.expression, types, opposite=not opposite)
    if isinstance(expression, Combination):
        left = _node(expression.left, types, opposite=opposite)
        right = _node(expression.right, types, opposite=opposite)
        every = expression.every != opposite
        if left is None or right is None:
            return None if every else left or right
        return _Branch(left, right, every=every)
    leaf = cast("Comparison", expression)
    if types.of(leaf) is None:
        return None
    return {**types.rule(leaf, opposite=opposite), "source": leaf.variable.source}


def _tree(node: _Branch | Json, *, nested: bool) -> Json:
    """`nested` below a group in which the SDK gives each single rule a group of its own."""
    if not isinstance(node, _Branch):
        return _group([node])
    single = not any(isinstance(member, _Branch) for member in node.members)
    nested = nested or node.alike or not node.every
    members = [
        _tree(member, nested=nested) if isinstance(member, _Branch) or (nested and not single) else member
        for member in node.members
    ]
    return _group(members, "AND" if node.every else "OR")


def _check(leaf: Comparison, kind: str) -> None:
    """Refuses a comparison that does not go with the type of the field."""
    variable, operator, value = leaf.variable, leaf.operator, leaf.value
    if operator in _TEXT_OPERATORS and kind != "string":
        raise InvalidQueryError(f"{leaf!r} looks into a text, and {_holds(leaf, kind)}. {_right_form(leaf, kind)}")
    if operator == "between" and kind == "string":
        raise InvalidQueryError(
            f"{leaf!r} needs numbers, durations or datetimes, and {_holds(leaf, kind)}. "
            f"Write ({variable!r} >= 'a') & ({variable!r} <= 'b')."
        )
    if operator.startswith("is_"):
        return
    fits = {"double": _is_number, "timenumber": _is_number, "datetime": _is_moment, "boolean": _is_truth}.get(kind)
    ordered = operator not in ("equal", "not_equal") and kind == "boolean"
    values = value if isinstance(value, list) else [value]
    if fits is not None and (ordered or not all(fits(one) for one in values)):
        raise InvalidQueryError(f"{leaf!r} cannot be answered: {_holds(leaf, kind)}. {_right_form(leaf, kind)}")


_CONTENT = {
    "string": ("texts", "== 'text'"),
    "double": ("numbers", "> 0.5"),
    "timenumber": ("durations", "> 120, in seconds"),
    "datetime": ("datetimes in UTC", "< datetime(2026, 1, 31, 12)"),
    "boolean": ("truth values", "== True"),
}


def _holds(leaf: Comparison, kind: str) -> str:
    return f"{leaf.variable!r} holds {_CONTENT.get(kind, (kind, ''))[0]}"


def _right_form(leaf: Comparison, kind: str) -> str:
    return f"Write, for instance, {leaf.variable!r} {_CONTENT.get(kind, ('', '!= None'))[1]}."


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_moment(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_truth(value: Any) -> bool:
    return str(value).lower() in _TRUTHS
