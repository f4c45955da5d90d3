"""Rules as Comet's clients write them, read into those of `store.search`: sizes bounded, values in their types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, get_args

from zenml_comet_tracker.local.routes.answers import RequestError
from zenml_comet_tracker.local.routes.values import to_double, to_text
from zenml_comet_tracker.local.store.search.fields import METADATA, Kind
from zenml_comet_tracker.local.store.search.rules import SOURCES, Group, Operand, Operator, Order, Rule, Source

# SQLite takes conditions 1,000 deep and some 32,000 values; what people ask for is far below.
MAX_MEMBERS = 400
MAX_DEPTH = 45
MAX_VALUES = 10_000
MAX_LETTERS = 10_000
MAX_ORDERS = 5

_NESTED = "nested"
_KINDS: tuple[str, ...] = get_args(Kind)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_WITHOUT_VALUE = {Operator.IS_NULL, Operator.IS_NOT_NULL, Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}
_WITH_TWO = {Operator.BETWEEN, Operator.NOT_BETWEEN}
_WITH_MANY = {Operator.IN, Operator.NOT_IN}
_OF_TEXTS = {
    *(Operator.CONTAINS, Operator.BEGINS_WITH, Operator.ENDS_WITH),
    *(Operator.NOT_CONTAINS, Operator.NOT_BEGINS_WITH, Operator.NOT_ENDS_WITH),
}
_OF_FLAGS = {*_WITH_MANY, Operator.EQUAL, Operator.NOT_EQUAL}
_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


class RuleReader:
    """Reads what one request asks for. `sources_of` gives the sources that know a field: the official SDK does not say
    the source of a rule that stands in a group of several sources."""

    def __init__(self, sources_of: Callable[[str], Sequence[Source]]) -> None:
        self._sources_of = sources_of
        self._members = 0
        self._values = 0

    def predicates(self, value: Any) -> Group:
        """The list that `project/query` takes, of which every element must hold. `negated` is passed over: where it
        stands the operators are inverted already."""
        elements = _list(value, "predicates", MAX_MEMBERS)
        return Group([self._predicate(element, f"predicates[{at}]") for at, element in enumerate(elements)])

    def tree(self, value: Any) -> Group:
        """The tree that `experiments/search` takes; none leaves nothing out."""
        return self._group(value, None, "rulesTree", 1) if value else Group()

    def _predicate(self, value: Any, where: str) -> Group:
        members = _object(value, where)
        return self._group(members.get("query"), _source(members, where, None), f"{where}.query", 1)

    def _group(self, value: Any, source: Source | None, where: str, depth: int) -> Group:
        if depth > MAX_DEPTH:
            raise RequestError(f"{where} is nested too deep; expected at most {MAX_DEPTH} groups in each other.")
        members = _object(value, where)
        condition = members.get("condition", "AND")
        if not isinstance(condition, str) or condition.upper() not in ("AND", "OR"):
            raise _wrong(f"{where}.condition", condition, "AND or OR")
        source = _source(members, where, source)
        inner = _list(members.get("rules"), f"{where}.rules", MAX_MEMBERS)
        read = [self._member(rule, source, f"{where}.rules[{at}]", depth + 1) for at, rule in enumerate(inner)]
        return Group(read, every=condition.upper() == "AND")

    def _member(self, value: Any, source: Source | None, where: str, depth: int) -> Rule | Group:
        members = _object(value, where)
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise RequestError(f"{where} is one too many; expected at most {MAX_MEMBERS} rules and groups.")
        if "condition" in members or "rules" in members:
            return self._group(members, source, where, depth)
        return self._rule(members, _source(members, where, source), where)

    def _rule(self, members: dict[str, Any], source: Source | None, where: str) -> Rule:
        field = _text(members.get("field") or members.get("id"), f"{where}.field")
        try:
            operator = Operator(members.get("operator"))
        except ValueError:
            known = ", ".join(operator.value for operator in Operator)
            raise _wrong(f"{where}.operator", members.get("operator"), f"one of {known}") from None
        kind = members.get("type") or "string"
        if kind not in _KINDS:
            raise _wrong(f"{where}.type", kind, f"one of {', '.join(_KINDS)}")
        source = source or self._place(field, where)
        values = _values(operator, members.get("value"), f"{where}.value")
        self._values += len(values)
        if self._values > MAX_VALUES:
            raise RequestError(f"{where}.value holds one too many; expected at most {MAX_VALUES} values in all rules.")
        return Rule(source, field, operator, _operands(source, field, kind, operator, values, f"{where}.value"))

    def _place(self, field: str, where: str) -> Source:
        found = self._sources_of(field)
        if len(found) > 1:
            raise RequestError(f"{where}.source is missing, and {field[:80]!r} is a name in {' and '.join(found)}.")
        return found[0] if found else "params"


def orders(value: Any) -> list[Order]:
    """How `multipleSort` wants the experiments sorted, by the first of its objects first: `field` and `source`, or a
    column's `id`, and `order` asc or desc."""
    if value is None:
        return []
    elements = _list(value, "multipleSort", MAX_ORDERS)
    return [_order(element, f"multipleSort[{at}]") for at, element in enumerate(elements)]


def _order(value: Any, where: str) -> Order:
    members = _object(value, where)
    name, _, suffix = _text(members.get("field") or members.get("id"), f"{where}.field").rpartition("--")
    if not name or suffix not in SOURCES:
        name, suffix = f"{name}--{suffix}" if name else suffix, ""
    source = _source({"source": members.get("source") or suffix or "metadata"}, where, None)
    if source is None:
        raise _wrong(f"{where}.source", _NESTED, f"one of {', '.join(SOURCES)}")
    direction = members.get("order", "asc")
    if not isinstance(direction, str) or direction.lower() not in ("asc", "desc"):
        raise _wrong(f"{where}.order", direction, "asc or desc")
    if source == "metadata":
        _metadata(name, where)
    return Order(source, name, direction.lower() == "desc")


def _source(members: dict[str, Any], where: str, inherited: Source | None) -> Source | None:
    """The source that is named here, else the one around it; None where the sources are mixed."""
    named = members.get("source")
    if named is None or named == _NESTED:
        return inherited
    if named not in SOURCES:
        raise _wrong(f"{where}.source", named, f"one of {', '.join(SOURCES)}, {_NESTED}")
    return named  # type: ignore[no-any-return]


def _values(operator: Operator, value: Any, where: str) -> list[Any]:
    if operator in _WITHOUT_VALUE:
        return []
    if operator in _WITH_TWO:
        if not isinstance(value, list) or len(value) != 2:
            raise _wrong(where, value, "a list of two values")
        return value
    if operator in _WITH_MANY:
        return _list(value, where, MAX_VALUES)
    return [value]


def _operands(
    source: Source, field: str, kind: str, operator: Operator, values: list[Any], where: str
) -> tuple[Operand, ...]:
    """The values in the type in which the field is compared: its own, or for logged texts that of the values."""
    for value in values:
        if value is None or isinstance(value, list | dict):
            raise _wrong(where, value, "a text, a number or true or false")
        if isinstance(value, str):
            _text(value, where, empty=True)
    if source == "metadata":
        kind = _metadata(field, where)
        if kind != "string":
            return _typed(kind, operator, values, where)
        return tuple(to_text(value) for value in values)
    if source == "metrics":
        return _typed("double", operator, values, where)
    if operator in _OF_TEXTS or source == "tag":
        return tuple(to_text(value) for value in values)
    read = [_logged(value, kind) for value in values]
    mixed = operator in _WITH_TWO and len({type(operand) for operand in read}) > 1
    return tuple(to_text(value) for value in values) if mixed else tuple(read)


def _logged(value: Any, kind: str) -> float | str:
    """What a logged text is compared with: a number where the value is one, or spells one for a field of numbers."""
    number = None if kind == "string" and isinstance(value, str) else to_double(value)
    return to_text(value) if number is None or number != number else number


def _metadata(field: str, where: str) -> str:
    """The type of a built-in field."""
    if field not in METADATA:
        raise RequestError(f"{where}: metadata has no field {field[:80]!r}; expected one of {', '.join(METADATA)}.")
    return METADATA[field].kind


def _typed(kind: str, operator: Operator, values: list[Any], where: str) -> tuple[Operand, ...]:
    if operator in _OF_TEXTS or (kind == "boolean" and operator not in _OF_FLAGS | _WITHOUT_VALUE):
        raise RequestError(f"{where}: {operator.value} does not go with a field of type {kind}.")
    read = {"double": _number, "timenumber": _number, "boolean": _truth, "datetime": _moment}[kind]
    return tuple(read(value, where) for value in values)


def _number(value: Any, where: str) -> float:
    number = to_double(value)
    if number is None:
        raise _wrong(where, value, "a number")
    return number


def _truth(value: Any, where: str) -> bool:
    truth = _TRUTHS.get(str(value).lower())
    if truth is None:
        raise _wrong(where, value, "true or false")
    return truth


def _moment(value: Any, where: str) -> int:
    """Microseconds since the epoch of a date and time, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _wrong(where, value, "a time like 2026-01-31 23:59:59, in UTC") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _list(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(where, value, "a list")
    if len(value) > most:
        raise RequestError(f"{where} has {len(value)} members; expected at most {most}.")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, value, "an object")
    return value


def _text(value: Any, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise _wrong(where, value, "a text that is not empty")
    if len(value) > MAX_LETTERS:
        raise RequestError(f"{where} has {len(value)} letters; expected at most {MAX_LETTERS}.")
    return value


def _wrong(where: str, value: Any, expected: str) -> RequestError:
    if value is None:
        was = "missing"
    elif isinstance(value, list | dict):
        # Not shown: it may be too deep to be written.
        was = "a list" if isinstance(value, list) else "an object"
    else:
        was = repr(str(value)[:80])
    return RequestError(f"{where} is {was}; expected {expected}.")
