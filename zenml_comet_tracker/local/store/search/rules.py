"""What a search asks for: rules on fields, in groups that hold all or any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias, get_args

Source = Literal["metrics", "params", "log_other", "metadata", "tag", "env_details"]
SOURCES: tuple[Source, ...] = get_args(Source)

# A moment is in microseconds since the epoch, a duration in seconds.
Operand: TypeAlias = str | float | int | bool


class Operator(str, Enum):
    """How a field is compared. Of each pair the second holds exactly where the first does not, unless it is ordered."""

    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    BETWEEN = "between"
    NOT_BETWEEN = "not_between"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    BEGINS_WITH = "begins_with"
    NOT_BEGINS_WITH = "not_begins_with"
    ENDS_WITH = "ends_with"
    NOT_ENDS_WITH = "not_ends_with"
    IS_NOT_NULL = "is_not_null"
    IS_NULL = "is_null"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


@dataclass(frozen=True)
class Rule:
    """One condition. `operands` are of the field's type: texts, numbers, moments or truth values."""

    source: Source
    field: str
    operator: Operator
    operands: tuple[Operand, ...] = ()


@dataclass(frozen=True)
class Group:
    """Rules and groups of which `every` one must hold, or at least one; an empty group leaves nothing out."""

    members: Sequence[Rule | Group] = field(default_factory=tuple)
    every: bool = True


@dataclass(frozen=True)
class Order:
    """By which field, and in which direction. Experiments without a value stand last in both."""

    source: Source
    field: str
    descending: bool = False
