"""Queries written as text, in the language of `query`: read by its grammar, never run."""

from __future__ import annotations

import ast
import difflib
import operator
import warnings
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeGuard

from zenml_comet_tracker.comet.errors import InvalidQueryError
from zenml_comet_tracker.comet.query import (
    Environment,
    Metadata,
    Metric,
    Other,
    Parameter,
    QueryExpression,
    QueryVariable,
    Tag,
)

MAX_LENGTH = 10_000

_VARIABLES: dict[str, Callable[..., QueryVariable | QueryExpression]] = {
    kind.__name__: kind for kind in (Metric, Parameter, Other, Metadata, Environment, Tag)
}
_VALUES: dict[str, Callable[..., Any]] = {"datetime": datetime, "date": date, "timedelta": timedelta}
_METHODS = ("between", "contains", "startswith", "endswith")
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_BOTH = "(Metric('loss') < 0.1) & (Parameter('optimizer') == 'adam')"


def parse(text: str) -> QueryExpression:
    """The expression that a text describes, made of `Metric`, `Parameter`, `Other`, `Metadata`, `Environment` and `Tag`
    with a name each, comparisons with values, `&`, `|`, `~`, and the methods `between`, `contains`, `startswith`,
    `endswith`. Values are texts, numbers, True, False, None, `datetime(...)`, `date(...)` and `timedelta(...)`.

    >>> parse("(Metric('loss') < 0.1) & ~Tag('broken')")
    ((Metric('loss') < 0.1) & ~Tag('broken'))

    Raises `InvalidQueryError`, which says what was wrong, where, and what is right.
    """
    return _Reader(text).read()


class _Reader:
    """Reads one text, and points into it where something is wrong."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> QueryExpression:
        """The whole text as an expression."""
        if not self._text.strip():
            raise InvalidQueryError(f"The query is empty; expected something like {_BOTH}")
        if len(self._text) > MAX_LENGTH:
            raise InvalidQueryError(f"The query has {len(self._text):,} characters; expected at most {MAX_LENGTH:,}.")
        try:
            with warnings.catch_warnings():
                # Of a backslash that means nothing, say; what the text means is said below.
                warnings.simplefilter("ignore")
                tree = ast.parse(self._text.strip(), mode="eval")
            return self._condition(tree.body)
        except SyntaxError as error:
            raise InvalidQueryError(self._unreadable(error)) from None
        except (RecursionError, MemoryError):
            raise InvalidQueryError("The query is nested too deep to be read; write it with fewer brackets.") from None
        except ValueError as error:
            if isinstance(error, InvalidQueryError):
                raise
            raise InvalidQueryError(f"The query cannot be read: {error}.") from None

    def _unreadable(self, error: SyntaxError) -> str:
        told = f"The query cannot be read: {error.msg}"
        if "=" in self._text and "==" not in self._text and "'='" not in self._text:
            told += "; equality is written =="
        line = (error.text or self._text).rstrip("\n")
        return f"{told}.\n  {line}\n  {' ' * max(0, (error.offset or 1) - 1)}^"

    def _condition(self, node: ast.expr) -> QueryExpression:
        """What is true or false of an experiment."""
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if _joins(node):
            left, right = self._condition(node.left), self._condition(node.right)
            return left & right if isinstance(node.op, ast.BitAnd) else left | right
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
            return ~self._condition(node.operand)
        if isinstance(node, ast.BoolOp):
            word, sign = ("and", "&") if isinstance(node.op, ast.And) else ("or", "|")
            raise self._refusal(
                node, f"{word!r} is no part of a query; write {sign} between conditions in brackets: {_BOTH}"
            )
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            raise self._refusal(node, "'not' is no part of a query; write ~(...)")
        if isinstance(node, ast.Call):
            found = self._called(node)
            if isinstance(found, QueryExpression):
                return found
            if isinstance(found, QueryVariable):
                raise self._refusal(
                    node, f"{self._said(node)} is compared with nothing; write {self._said(node)} > 0.5, say"
                )
        raise self._refusal(node, f"{self._said(node)} is no condition; expected something like {_BOTH}")

    def _comparison(self, node: ast.Compare) -> QueryExpression:
        if any(_joins(side) for side in (node.left, *node.comparators)):
            raise self._refusal(node, f"& and | bind closer than comparisons, which need brackets: {_BOTH}")
        if len(node.ops) > 1:
            raise self._refusal(node, "comparisons cannot be chained; write Metric('loss').between(0.1, 0.2)")
        sign, right = node.ops[0], node.comparators[0]
        if isinstance(sign, ast.In | ast.NotIn):
            raise self._refusal(node, "'in' is no part of a query; write Parameter('optimizer').contains('adam')")
        if isinstance(sign, ast.Is | ast.IsNot):
            raise self._refusal(node, "'is' is no part of a query; write == None or != None")
        left_value, right_value = self._operand(node.left), self._operand(right)
        if isinstance(left_value, Tag) or isinstance(right_value, Tag):
            raise self._refusal(
                node, "a tag is there or not, and compared with nothing; write Tag('name') or ~Tag('name')"
            )
        if not isinstance(left_value, QueryVariable) and not isinstance(right_value, QueryVariable):
            raise self._refusal(node, f"nothing of an experiment is compared here; expected something like {_BOTH}")
        found: QueryExpression = _COMPARISONS[type(sign)](left_value, right_value)
        return found

    def _operand(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._called(node)
        return self._value(node)

    def _called(self, node: ast.Call) -> Any:
        """What `Metric("loss")`, `Metric("loss").between(1, 2)` or `datetime(2026, 1, 31)` stands for."""
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        if not isinstance(node.func, ast.Name):
            raise self._refusal(node, f"{self._said(node)} calls nothing that a query knows")
        name = node.func.id
        make = _VARIABLES.get(name) or _VALUES.get(name)
        if make is None:
            close = difflib.get_close_matches(name, [*_VARIABLES, *_VALUES], n=1, cutoff=0.5)
            hint = f"; it looks like {close[0]}" if close else f"; expected one of {', '.join(_VARIABLES)}"
            raise self._refusal(node, f"{name!r} is unknown to queries{hint}")
        return self._made(node, make)

    def _method(self, node: ast.Call, called: ast.Attribute) -> QueryExpression:
        variable = self._operand(called.value)
        if not isinstance(variable, QueryVariable):
            raise self._refusal(node, f"{self._said(called.value)} has no methods in a query")
        if called.attr not in _METHODS:
            raise self._refusal(node, f"{called.attr!r} is no method of a query; expected one of {', '.join(_METHODS)}")
        found: QueryExpression = self._made(node, getattr(variable, called.attr))
        return found

    def _made(self, node: ast.Call, make: Callable[..., Any]) -> Any:
        positional = [self._value(argument) for argument in node.args]
        named = {word.arg: self._value(word.value) for word in node.keywords if word.arg is not None}
        if len(named) != len(node.keywords):
            raise self._refusal(node, "** is no part of a query")
        try:
            return make(*positional, **named)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InvalidQueryError):
                raise
            raise self._refusal(node, f"{self._said(node)} cannot be made: {error}") from None

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            number = self._value(node.operand)
            if isinstance(number, int | float | timedelta) and not isinstance(number, bool):
                return -number if isinstance(node.op, ast.USub) else number
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _VALUES:
            return self._called(node)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "timezone.utc":
            return timezone.utc
        if isinstance(node, ast.Name):
            raise self._refusal(node, f"{node.id!r} stands for nothing; a text needs quotes: {node.id!r}")
        raise self._refusal(
            node, f"{self._said(node)} is no value; expected a text in quotes, a number, True, False or None"
        )

    def _said(self, node: ast.expr) -> str:
        text = ast.unparse(node)
        return text if len(text) <= 60 else f"{text[:57]}..."

    def _refusal(self, node: ast.expr, why: str) -> InvalidQueryError:
        at = len(self._text.strip().splitlines()[0].encode()[: node.col_offset].decode("utf-8", "ignore"))
        where = f"\n  {self._text.strip()}\n  {' ' * at}^" if "\n" not in self._text.strip() else ""
        return InvalidQueryError(f"In the query, {why}.{where}")


def _joins(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)
