"""Queries as data of our own: generated, written with either library, and answered in plain Python."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any

START = datetime(2026, 3, 1, 12)

# Every field that queries ask for: class, name, type, and values worth asking for.
FIELDS: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
    ("Metric", "loss", "double", (0.1, 0.5, 2, -1, 1e-7, True)),
    ("Metric", "acc", "double", (0, 0.5, 1, "NaN")),
    ("Metric", "steps", "double", (10, 1_000, 10**12)),
    ("Parameter", "optimizer", "string", ("adam", "sgd", "Adam", "%", "")),
    ("Parameter", "lr", "double", (0.1, 1, 10, 1e-7)),
    ("Parameter", "flag", "string", (True, False)),
    ("Parameter", "mixed", "string", (5, "auto", "5", 2.5)),
    ("Parameter", "acc", "double", (0.5, 3)),
    ("Other", "note", "string", ("hi", "hide", "", "ü")),
    ("Other", "score", "double", (1, 2.5)),
    ("Environment", "hostname", "string", ("alpha", "box")),
    ("Metadata", "start_server_timestamp", "datetime", tuple(START + timedelta(hours=h) for h in (0, 7, 19.5))),
    ("Metadata", "duration", "timenumber", (60, 90.5, 600)),
    ("Metadata", "hasHtml", "boolean", (True, False)),
    ("Tag", "best", "string", ()),
    ("Tag", "not so good", "string", ()),
)
SOURCES = {
    "Metric": "metrics",
    "Parameter": "params",
    "Other": "log_other",
    "Environment": "env_details",
    "Metadata": "metadata",
    "Tag": "tag",
}
COLUMNS = [
    {"name": name, "id": f"{name}--{SOURCES[kind]}", "type": of_type, "source": SOURCES[kind]}
    for kind, name, of_type, _ in FIELDS
]
_TEXT_METHODS = ("contains", "startswith", "endswith")
_OPPOSITES = {"==": "!=", "<": ">=", ">": "<=", "null": "not null", "empty": "not empty"}
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items()}
_OPPOSITES |= {one: f"not {one}" for one in ("between", *_TEXT_METHODS)}


@dataclass(frozen=True)
class Leaf:
    """A variable, how it is compared, and with what."""

    kind: str
    name: str
    of_type: str
    operator: str
    value: Any = None


@dataclass(frozen=True)
class Not:
    """The opposite."""

    of: Node


@dataclass(frozen=True)
class Pair:
    """Both, or either."""

    left: Node
    right: Node
    every: bool


Node = Leaf | Not | Pair


def generate(chance: random.Random, depth: int = 4) -> Node:
    """A query of at most 2 ** depth comparisons."""
    if not depth or chance.random() < 0.3:
        return _leaf(chance)
    if chance.random() < 0.2:
        return Not(generate(chance, depth - 1))
    return Pair(generate(chance, depth - 1), generate(chance, depth - 1), chance.random() < 0.5)


def _leaf(chance: random.Random) -> Leaf:
    kind, name, of_type, values = chance.choice(FIELDS)
    if kind == "Tag":
        return Leaf(kind, name, of_type, "==", name)
    operators = ["==", "!="]
    value = chance.choice(values)
    if kind != "Metadata" and chance.random() < 0.1:
        value = chance.choice([None, ""])
    elif not isinstance(value, bool) and value not in ("", "NaN"):
        operators += ["<", "<=", ">", ">="]
        operators += _TEXT_METHODS if of_type == "string" and isinstance(value, str) else ()
        if of_type in ("double", "timenumber"):
            operators.append("between")
    operator = chance.choice(operators)
    if operator == "between":
        value = (value, chance.choice([one for one in values if not isinstance(one, str | bool)]))
    return Leaf(kind, name, of_type, operator, value)


def build(node: Node, library: Any) -> Any:
    """The query as a user of the library writes it."""
    if isinstance(node, Not):
        return ~build(node.of, library)
    if isinstance(node, Pair):
        left, right = build(node.left, library), build(node.right, library)
        return left & right if node.every else left | right
    variable = getattr(library, node.kind)(node.name)
    if node.kind == "Tag":
        return variable
    if node.operator == "between":
        return variable.between(*node.value)
    if node.operator in _TEXT_METHODS:
        return getattr(variable, node.operator)(node.value)
    return {
        "==": lambda: variable == node.value,
        "!=": lambda: variable != node.value,
        "<": lambda: variable < node.value,
        "<=": lambda: variable <= node.value,
        ">": lambda: variable > node.value,
        ">=": lambda: variable >= node.value,
    }[node.operator]()


@dataclass
class Facts:
    """What one experiment logged, by class and name: a value is missing where nothing was."""

    values: dict[tuple[str, str], Any]
    tags: tuple[str, ...]


def experiments(count: int = 40) -> list[Facts]:
    """Experiments of every kind, the same each time."""
    chance = random.Random(7)
    some: Mapping[tuple[str, str], tuple[Any, ...]] = {
        ("Metric", "loss"): (0.1, 0.5, 0.05, 7.0, 1.0, -3.5),
        ("Metric", "acc"): (math.nan, 0.0, 0.5, 1.0),
        ("Metric", "steps"): (10.0, 999.0, 1e12, math.inf),
        ("Parameter", "optimizer"): ("adam", "sgd", "Adam_m", "", "50%"),
        ("Parameter", "lr"): (0.1, 1, 10, 1e-7),
        ("Parameter", "flag"): (True, False),
        ("Parameter", "mixed"): ("5", "auto", 7, 2.5),
        ("Parameter", "acc"): (0.5, 3, 4.5),
        ("Other", "note"): ("hi", "hide", "", "grün"),
        ("Other", "score"): (1, 2.5, -4),
        ("Environment", "hostname"): ("alpha", "box", "Alpha"),
    }
    found = []
    for number in range(count):
        values = {key: chance.choice(choice) for key, choice in some.items() if chance.random() < 0.7}
        values["Metadata", "start_server_timestamp"] = START + timedelta(hours=number / 2, milliseconds=number)
        values["Metadata", "duration"] = chance.choice((30.0, 60.0, 90.5, 1_000.0))
        values["Metadata", "hasHtml"] = chance.random() < 0.5
        found.append(Facts(values, tuple(tag for tag in ("best", "not so good") if chance.random() < 0.5)))
    return found


def holds(node: Node, facts: Facts, opposite: bool = False) -> bool:
    """Whether the query holds for the experiment. `~` turns each comparison into its opposite: an absent value is
    unequal to everything, and neither smaller nor greater than anything."""
    if isinstance(node, Not):
        return holds(node.of, facts, not opposite)
    if isinstance(node, Pair):
        left, right = holds(node.left, facts, opposite), holds(node.right, facts, opposite)
        return (left and right) if node.every != opposite else (left or right)
    operator, value = node.operator, node.value
    if value is None or value == "":
        absent = "null" if value is None else "empty"
        operator = absent if operator == "==" else _OPPOSITES.get(absent, "") if operator == "!=" else operator
    return _compare(node, _OPPOSITES[operator] if opposite else operator, value, facts)


def _compare(node: Leaf, operator: str, value: Any, facts: Facts) -> bool:
    if node.kind == "Tag":
        return (node.name in facts.tags) == (operator == "==")
    found = facts.values.get((node.kind, node.name))
    if operator.endswith("null"):
        return (found is None) == (operator == "null")
    if operator == "not empty":
        return found is not None and found != ""
    if operator == "empty":
        return found == ""
    if operator.startswith("not ") or operator == "!=":
        return not _compare(node, operator.removeprefix("not ") if operator != "!=" else "==", value, facts)
    return found is not None and _true(operator, found, value)


def _true(operator: str, found: Any, value: Any) -> bool:
    if value == "NaN":
        return found != found
    if isinstance(value, str):
        found = found if isinstance(found, str) else str(found)
    elif isinstance(found, str):
        # A text counts as the number that it spells.
        found = float(found) if found.isdigit() else math.nan
    if operator == "between":
        return bool(value[0] <= found <= value[1])
    if operator in _TEXT_METHODS:
        return value in found if operator == "contains" else bool(getattr(found, operator)(value))
    compare = {"==": eq, "<": lt, "<=": le, ">": gt, ">=": ge}[operator]
    return bool(compare(found, value))
