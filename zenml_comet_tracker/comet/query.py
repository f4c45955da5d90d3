"""The query language: variables such as `Metric("loss")`, compared, and combined with `&`, `|` and `~`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NoReturn

from zenml_comet_tracker.comet.errors import InvalidQueryError
from zenml_comet_tracker.comet.query_values import sendable, short, wire_value

__all__ = ["Environment", "Metadata", "Metric", "Other", "Parameter", "QueryExpression", "QueryVariable", "Tag"]

Source = Literal["metrics", "params", "log_other", "metadata", "env_details", "tag"]
Value = str | float | int | None | list[str]

# Every operator of the wire, and the one that says the opposite.
OPPOSITES: dict[str, str] = {
    "equal": "not_equal",
    "less": "greater_or_equal",
    "greater": "less_or_equal",
    "is_null": "is_not_null",
    "is_empty": "is_not_empty",
    "between": "not_between",
    "contains": "not_contains",
    "begins_with": "not_begins_with",
    "ends_with": "not_ends_with",
}
OPPOSITES |= {opposite: operator for operator, opposite in OPPOSITES.items()}

# More could not be written as JSON, in which each of them is two levels.
MAX_DEPTH = 100

_SIGNS = {
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_or_equal": "<=",
    "greater": ">",
    "greater_or_equal": ">=",
}
_METHODS = {"begins_with": "startswith", "ends_with": "endswith"}


class QueryExpression:
    """A condition on experiments: what comparing a variable gives, or several of those combined.

    `a & b` is for both, `a | b` for either, `~a` for the opposite. Comparisons that are combined need parentheses.

    >>> (Metric("loss") < 0.1) & ~Tag("broken")
    ((Metric('loss') < 0.1) & ~Tag('broken'))
    """

    depth = 0

    def __and__(self, other: QueryExpression) -> QueryExpression:
        return Combination(self, _expression(other), every=True)

    def __or__(self, other: QueryExpression) -> QueryExpression:
        return Combination(self, _expression(other), every=False)

    def __rand__(self, other: object) -> NoReturn:
        _refuse_operand(other)

    __ror__ = __rand__

    def __invert__(self) -> QueryExpression:
        return Opposite(self)

    def __bool__(self) -> bool:
        raise InvalidQueryError(
            f"{self!r} has no truth of its own: `and`, `or`, `not`, `in` and chains like 0 < x < 1 do not work in "
            "queries. Write (a) & (b) for `and`, (a) | (b) for `or`, ~(a) for `not`, x.contains(text) for `in`, "
            "and (x > 0) & (x < 1) for a chain."
        )

    def __contains__(self, item: object) -> bool:
        raise InvalidQueryError(
            f"`in` does not work in queries; write x.contains({short(item)}) for a part of a text, "
            "or (x == a) | (x == b) for one of several values."
        )

    def _compared(self, other: object) -> NoReturn:
        raise InvalidQueryError(
            f"{self!r} is a whole condition and cannot be compared with {short(other)}. "
            "Put each comparison in parentheses, as in (x > 1) & (y == 2); write ~(a) where a is to be false."
        )

    __lt__ = __le__ = __gt__ = __ge__ = _compared
    __eq__ = __ne__ = _compared


class QueryVariable:
    """A value that experiments have under `name`; comparing it gives a `QueryExpression`.

    `qtype` overrules the type that the project's columns give (string, double, boolean, datetime, timenumber).
    None stands for a value that is absent, "" for an empty one. A datetime without a time zone is in UTC; a duration
    is a number of seconds or a timedelta.
    """

    source: ClassVar[Source]

    def __init__(self, name: str, qtype: str | None = None) -> None:
        self.name = _name(type(self).__name__, name)
        self.qtype = qtype

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, value: object) -> QueryExpression:  # type: ignore[override]
        return self._equal("equal", value)

    def __ne__(self, value: object) -> QueryExpression:  # type: ignore[override]
        return self._equal("not_equal", value)

    def __lt__(self, value: Any) -> QueryExpression:
        return self._ordered("less", value)

    def __le__(self, value: Any) -> QueryExpression:
        return self._ordered("less_or_equal", value)

    def __gt__(self, value: Any) -> QueryExpression:
        return self._ordered("greater", value)

    def __ge__(self, value: Any) -> QueryExpression:
        return self._ordered("greater_or_equal", value)

    def between(self, low: Any, high: Any) -> QueryExpression:
        """For values from `low` to `high`, both included: numbers, durations or datetimes."""
        bounds = [self._wire(bound, "between") for bound in (low, high)]
        for bound, given in zip(bounds, (low, high), strict=True):
            if isinstance(given, str | bool) or bound in (None, "NaN"):
                raise InvalidQueryError(
                    f"{self!r}.between({short(low)}, {short(high)}) needs two numbers, durations or datetimes; "
                    f"compare texts with ({self!r} >= 'a') & ({self!r} <= 'b')."
                )
        return Comparison(self, "between", [str(bound) for bound in bounds])

    def contains(self, text: str) -> QueryExpression:
        """For texts in which `text` stands."""
        return self._with_text("contains", text)

    def startswith(self, text: str) -> QueryExpression:
        """For texts that begin with `text`."""
        return self._with_text("begins_with", text)

    def endswith(self, text: str) -> QueryExpression:
        """For texts that end with `text`."""
        return self._with_text("ends_with", text)

    def _equal(self, operator: str, value: object) -> QueryExpression:
        wire = self._wire(value, _SIGNS[operator])
        if wire is None or wire == "":
            absent = "is_null" if wire is None else "is_empty"
            return Comparison(self, absent if operator == "equal" else OPPOSITES[absent], None)
        return Comparison(self, operator, int(wire) if isinstance(wire, bool) else wire)

    def _ordered(self, operator: str, value: object) -> QueryExpression:
        wire = self._wire(value, _SIGNS[operator])
        if wire is None or isinstance(wire, bool) or wire == "NaN":
            raise InvalidQueryError(
                f"{self!r} {_SIGNS[operator]} {short(value)} has no answer: nothing is smaller or greater than "
                f"{short(value)}. Write {self!r} == {short(value)} or {self!r} != {short(value)}."
            )
        return Comparison(self, operator, wire)

    def _with_text(self, operator: str, text: object) -> QueryExpression:
        if not isinstance(text, str):
            method = _METHODS.get(operator, operator)
            raise InvalidQueryError(
                f"{self!r}.{method}({short(text)}) needs a text; compare other values, as in {self!r} == {short(text)}."
            )
        return Comparison(self, operator, sendable(text))

    def _wire(self, value: object, operator: str) -> str | float | int | None:
        if isinstance(value, QueryVariable | QueryExpression):
            raise InvalidQueryError(
                f"{self!r} {operator} {value!r} compares with another variable, which Comet cannot; "
                "compare each with a value, in parentheses, as in (x > 1) & (y == 2)."
            )
        try:
            return wire_value(value)
        except TypeError:
            raise InvalidQueryError(
                f"{self!r} cannot be compared with {short(value)}, a {type(value).__name__}; "
                "expected a text, a number, True or False, a datetime, a timedelta, None or ''."
            ) from None

    def _uncompared(self, *_: object) -> NoReturn:
        raise InvalidQueryError(
            f"{self!r} alone is no condition: compare it, as in ({self!r} > 0.5) or ({self!r} != None). "
            "Each comparison needs parentheses of its own, as in (x > 1) & (y == 2)."
        )

    __and__ = __or__ = __rand__ = __ror__ = __invert__ = _uncompared

    def __bool__(self) -> bool:
        self._uncompared()

    def __contains__(self, item: object) -> bool:
        raise InvalidQueryError(f"`in` does not work in queries; write {self!r}.contains({short(item)}).")


class Metric(QueryVariable):
    """The last value of a metric, as in `Metric("loss") < 0.1`."""

    source = "metrics"


class Parameter(QueryVariable):
    """A hyperparameter, as in `Parameter("optimizer") == "adam"`."""

    source = "params"


class Other(QueryVariable):
    """A value that `log_other` logged, as in `Other("dataset").startswith("imagenet")`."""

    source = "log_other"


class Metadata(QueryVariable):
    """What Comet knows of each experiment, as in `Metadata("duration") > 2 * 60`."""

    source = "metadata"


class Environment(QueryVariable):
    """A detail of the system it ran on, as in `Environment("hostname") == "alpha"`."""

    source = "env_details"


class _TagVariable(QueryVariable):
    source = "tag"


class Comparison(QueryExpression):
    """One variable compared with one value, which is in the form of the wire."""

    def __init__(self, variable: QueryVariable, operator: str, value: Value) -> None:
        self.variable = variable
        self.operator = operator
        self.value = value

    def __repr__(self) -> str:
        if self.operator in _SIGNS:
            return f"({self.variable!r} {_SIGNS[self.operator]} {self.value!r})"
        if self.operator.startswith("is_"):
            sign = "!=" if "not" in self.operator else "=="
            return f"({self.variable!r} {sign} {None if self.operator.endswith('null') else ''!r})"
        values = self.value if isinstance(self.value, list) else [repr(self.value)]
        return f"{self.variable!r}.{_METHODS.get(self.operator, self.operator)}({', '.join(values)})"


class Opposite(QueryExpression):
    """`~expression`."""

    def __init__(self, expression: QueryExpression) -> None:
        self.expression = expression
        self.depth = _deeper(expression.depth)

    def __repr__(self) -> str:
        return f"~{self.expression!r}"


class Combination(QueryExpression):
    """`left & right` when `every`, else `left | right`."""

    def __init__(self, left: QueryExpression, right: QueryExpression, *, every: bool) -> None:
        self.left = left
        self.right = right
        self.every = every
        self.depth = _deeper(max(left.depth, right.depth))

    def __repr__(self) -> str:
        return f"({self.left!r} {'&' if self.every else '|'} {self.right!r})"


class Tag(Comparison):
    """Experiments with this tag. A condition by itself: `Tag("best")`, `~Tag("broken")`."""

    def __init__(self, name: str) -> None:
        variable = _TagVariable(_name("Tag", name))
        super().__init__(variable, "equal", variable.name)

    def __repr__(self) -> str:
        return f"Tag({self.variable.name!r})"


def variable_of(source: str, name: str) -> QueryVariable | Tag | None:
    """The variable, or tag, for a column; None for a source that queries do not know."""
    if source == "tag":
        return Tag(name)
    kinds = (Metric, Parameter, Other, Metadata, Environment)
    return next((kind(name) for kind in kinds if kind.source == source), None)


def expression_of(query: object) -> QueryExpression:
    """The query itself; `InvalidQueryError` for what only looks like one."""
    return _expression(query)


def _expression(value: object) -> QueryExpression:
    if not isinstance(value, QueryExpression):
        _refuse_operand(value)
    return value


def _refuse_operand(value: object) -> NoReturn:
    if isinstance(value, QueryVariable):
        value._uncompared()
    raise InvalidQueryError(
        f"{short(value)} is no condition; expected one like (Metric('loss') < 0.1) or Tag('best'). "
        "Each comparison needs parentheses of its own; write &, | and ~ instead of `and`, `or`, `not`."
    )


def _name(kind: str, name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidQueryError(f"{kind}({short(name)}) needs a name, as in {kind}('loss').")
    return sendable(name)


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise InvalidQueryError(
            f"More than {MAX_DEPTH} conditions are combined one after another; combine them in halves, "
            "as in ((a | b) | (c | d)) | ((e | f) | (g | h)), or ask several times."
        )
    return depth + 1
