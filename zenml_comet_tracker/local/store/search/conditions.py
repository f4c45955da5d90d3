"""Rules as SQL conditions on `experiment`. Names, values and patterns are always bound, never part of a statement."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, and_, cast, false, func, literal, not_, or_, select, true

from zenml_comet_tracker.local.store.schema import experiment
from zenml_comet_tracker.local.store.search.fields import METADATA, NAMED, Known, Named
from zenml_comet_tracker.local.store.search.rules import Group, Operand, Operator, Rule

_INVERTED = {
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.NOT_BETWEEN: Operator.BETWEEN,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.NOT_BEGINS_WITH: Operator.BEGINS_WITH,
    Operator.NOT_ENDS_WITH: Operator.ENDS_WITH,
    Operator.IS_NULL: Operator.IS_NOT_NULL,
}
_ORDERED: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
# How a truth value reads as the text of a parameter.
_WORDS = {1.0: "true", 0.0: "false"}


def condition(wanted: Rule | Group, now_millis: int) -> ColumnElement[bool]:
    """Whether an experiment is `wanted` at that moment."""
    if isinstance(wanted, Rule):
        return _rule(wanted, now_millis)
    members = [condition(member, now_millis) for member in wanted.members]
    if not members:
        return true()
    return and_(*members) if wanted.every else or_(*members)


def _rule(rule: Rule, now_millis: int) -> ColumnElement[bool]:
    asked = _INVERTED.get(rule.operator, rule.operator)
    if rule.source == "metadata":
        held = _known(METADATA[rule.field], asked, rule.operands, now_millis)
    else:
        held = _named(NAMED[rule.source], rule.field, asked, rule.operands)
    return held if asked is rule.operator else not_(held)


def _named(fields: Named, name: str, asked: Operator, operands: Sequence[Operand]) -> ColumnElement[bool]:
    """Whether the experiment is among those whose value of this name compares so: one look at an index."""
    owners = select(fields.experiment_id).where(fields.name == name)
    owners = owners.where(_is_there(fields) if asked is Operator.IS_NOT_NULL else _value(fields, asked, operands))
    return experiment.c.id.in_(owners)


def _is_there(fields: Named) -> ColumnElement[bool]:
    # What was logged as null is kept as the text of it. A tag of that name is a tag.
    return true() if fields.text is None or fields.number is None else fields.text != "null"


def _value(fields: Named, asked: Operator, operands: Sequence[Operand]) -> ColumnElement[bool]:
    if asked in (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY):
        empty = false() if fields.text is None else fields.text == ""
        return empty if asked is Operator.IS_EMPTY else not_(empty)
    if asked in (Operator.EQUAL, Operator.IN):
        return _is_one_of(fields, operands)
    column = fields.text if isinstance(operands[0], str) else fields.number
    return false() if column is None else _compared(column, asked, operands)


def _is_one_of(fields: Named, operands: Sequence[Operand]) -> ColumnElement[bool]:
    """Lists, not chains of OR: those may be only so long."""
    texts = [operand for operand in operands if isinstance(operand, str)]
    numbers = [operand for operand in operands if not isinstance(operand, str)]
    found: list[ColumnElement[bool]] = []
    if fields.text is not None:
        words = [word for number, word in _WORDS.items() if number in numbers and fields.number is not None]
        found += [fields.text.in_(texts)] if texts else []
        found += [func.lower(fields.text).in_(words)] if words else []
    if fields.number is not None:
        found += [fields.number.in_(numbers)] if numbers else []
        # NaN, which is equal to nothing else, is a number that is NULL.
        found += [fields.number.is_(None)] if any(number != number for number in numbers) else []
    return or_(false(), *found)


def _known(known: Known, asked: Operator, operands: Sequence[Operand], now_millis: int) -> ColumnElement[bool]:
    value = known.value(now_millis)
    if known.kind == "boolean":
        return _flag(value, asked, operands)
    if asked is Operator.IS_NOT_NULL:
        return value.is_not(None)
    if known.kind != "string" and asked in (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY):
        return false() if asked is Operator.IS_EMPTY else true()
    if known.kind == "datetime":
        value = value * 1_000
    elif known.kind == "timenumber":
        value = value / 1_000.0
    # A NULL compares as nothing, and its opposite must hold.
    return func.coalesce(_compared(value, asked, operands), false())


def _flag(value: ColumnElement[bool], asked: Operator, operands: Sequence[Operand]) -> ColumnElement[bool]:
    if asked in (Operator.IS_NOT_NULL, Operator.IS_NOT_EMPTY):
        return true()
    if asked is Operator.IS_EMPTY:
        return false()
    return or_(false(), *(value if operand else not_(value) for operand in set(operands)))


def _compared(value: ColumnElement[Any], asked: Operator, operands: Sequence[Operand]) -> ColumnElement[bool]:
    if asked in _ORDERED:
        compared: ColumnElement[bool] = _ORDERED[asked](value, operands[0])
        return compared
    if asked is Operator.BETWEEN:
        return and_(value >= operands[0], value <= operands[1])
    if asked in (Operator.EQUAL, Operator.IN):
        return value.in_(operands)
    if asked in (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY):
        return value == "" if asked is Operator.IS_EMPTY else value != ""
    # No LIKE: its wildcards would need escapes, and SQLite's knows no case.
    if asked is Operator.ENDS_WITH:
        return _ends_with(value, str(operands[0]))
    found = func.instr(value, operands[0])
    return found > 0 if asked is Operator.CONTAINS else found == 1


def _ends_with(value: ColumnElement[str], end: str) -> ColumnElement[bool]:
    if not end:
        # SQLite's end of an empty text is NULL.
        return value.is_not(None)
    # Bytes, because the length of a text ends at its first NUL.
    content, wanted = cast(value, LargeBinary), end.encode()
    size = func.length(content)
    return and_(size >= len(wanted), func.substr(content, size - len(wanted) + 1) == literal(wanted, LargeBinary))
