"""Each kind of value a user may log has the form on the wire that the tables of docs/client.md give it; none raises."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import enum
import json
import math
import re
import types
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenml_comet_tracker.comet import nesting, scalars, structures, values
from zenml_comet_tracker.comet.values import Refusal

TABLES = (Path(__file__).parents[2] / "docs" / "client.md").read_text("utf-8")
REFUSED = object()


class Colour(enum.Enum):
    RED = "red"
    SEVEN = 7


class Optimizer(NamedTuple):
    name: str
    rate: float


@dataclasses.dataclass
class Layer:
    units: int
    rate: Optimizer


@attrs.define
class Block:
    units: int


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    lr: float
    layer: dict[str, int]
    token: str = pydantic.Field("secret", exclude=True)


class OldModel:
    """As pydantic's first version describes a model."""

    __fields__ = {"lr": None}
    lr = 0.1


class Tensor:
    """Looks like an array of torch or jax: no number to Python, one to itself when it holds one element."""

    def __init__(self, *held: float, broken: bool = False) -> None:
        self.held, self.broken, self.shape = held, broken, (len(held),)

    def item(self) -> float:
        if self.broken:
            raise RuntimeError("traced")
        (one,) = self.held
        return one

    def __float__(self) -> float:
        return float(self.item())

    def tolist(self) -> list[float]:
        return list(self.held)


class Hostile:
    """Raises from every conversion and from every look at what it lacks."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __float__(self) -> float:
        raise RuntimeError("no")


class Untouchable(Hostile):
    """Raises even when asked of which class it is. No test may show one."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no")


class Missing(Mapping[str, Any]):
    """A configuration with a value that is not set, as OmegaConf has it, and with keys that may break off."""

    def __init__(self, breaks: bool = False) -> None:
        self.breaks = breaks

    def __getitem__(self, key: str) -> Any:
        if key == "unset":
            raise ValueError("missing")
        return 1

    def __iter__(self) -> Iterator[str]:
        yield "unset"
        if self.breaks:
            raise RuntimeError("no more")
        yield "set"

    def __len__(self) -> int:
        return 2


class Plain:
    """A configuration as people write it."""

    rate = 0.1

    def __init__(self) -> None:
        self.units = 3
        self._private = 1

    @property
    def computed(self) -> int:
        raise RuntimeError("asked")

    def method(self) -> None: ...


CYCLE: dict[str, Any] = {"a": 1}
CYCLE["self"] = CYCLE
DEEP: dict[str, Any] = {"end": 1}
for _ in range(12):
    DEEP = {"d": DEEP}
NS = argparse.Namespace


def numbers(values_: Any, wire: Any) -> Any:
    return [(value, wire, value) for value in values_]


# By the row of the table: value, what it is as a metric named `m`, what it is as a parameter named `p`. Several names
# are given as a dict of them, by what follows the name.
ROWS: dict[str, list[tuple[Any, Any, Any]]] = {
    "`int`, `float`": [
        (1, 1.0, 1),
        (0.1, 0.1, 0.1),
        (2**53 + 1, float(2**53), 2**53 + 1),
        (2**70, float(2**70), str(2**70)),
        (-(2**63), -(2.0**63), -(2**63)),
    ],
    "`bool`": [(True, 1.0, True), (False, 0.0, False), (np.bool_(True), 1.0, True)],
    "NaN, infinities": [
        (float("nan"), "NaN", "NaN"),
        (float("inf"), "Infinity", "Infinity"),
        (np.float64("-inf"), "-Infinity", "-Infinity"),
        (Decimal("Infinity"), "Infinity", "Infinity"),
        ("-inf", "-Infinity", "-inf"),
    ],
    "numpy, torch or other scalar, array of one element": [
        (np.float32(0.5), 0.5, 0.5),
        (np.int64(7), 7.0, 7),
        (np.uint64(2**64 - 1), 2.0**64, 2**64 - 1),
        (np.array(2.5), 2.5, 2.5),
        (np.array([[2.5]]), 2.5, 2.5),
        (Tensor(1.5), 1.5, 1.5),
    ],
    "`Decimal`, `Fraction`": [(Decimal("1.50"), 1.5, "1.50"), (Fraction(1, 4), 0.25, "1/4")],
    "integer, `Decimal` or text beyond the range of float64": [
        (10**400, REFUSED, str(10**400)),
        (10**5000, REFUSED, hex(10**5000)),
        (Decimal("1e999"), REFUSED, "1E+999"),
        ("1e999", REFUSED, "1e999"),
    ],
    "complex number": [(1j, REFUSED, "1j"), (np.complex64(1), REFUSED, "(1+0j)")],
    "text": [
        ("adam", REFUSED, "adam"),
        ("0.25", 0.25, "0.25"),
        ("größer 🚀", REFUSED, "größer 🚀"),
        ("a\ud800", REFUSED, "a?"),
        ("", REFUSED, ""),
        (np.str_("adam"), REFUSED, "adam"),
    ],
    "text of more than 1,000 characters": [("x" * 1001, REFUSED, "x" * 1001)],
    "`None`": [(None, REFUSED, "None")],
    "enum": [(Colour.RED, REFUSED, "red"), (Colour.SEVEN, 7.0, 7)],
    "path, UUID, date, bytes, class, function, generator, any other object": [
        (Path("/a/b"), REFUSED, "/a/b"),
        (uuid.UUID(int=1), REFUSED, "00000000-0000-0000-0000-000000000001"),
        (datetime.datetime(2026, 1, 2, 3), REFUSED, "2026-01-02 03:00:00"),
        (datetime.timedelta(1), REFUSED, "1 day, 0:00:00"),
        (b"12", REFUSED, "b'12'"),
        (int, REFUSED, "<class 'int'>"),
        (Hostile(), REFUSED, "<Hostile whose text raised RuntimeError>"),
        (Tensor(1.0, broken=True), REFUSED, [1.0]),
        (range(10**12), REFUSED, "range(0, 1000000000000)"),
    ],
    "list, tuple, deque": [
        ([1, "a", None, True, 0.5], REFUSED, [1, "a", "None", True, 0.5]),
        ([0.5], 0.5, [0.5]),
        ((1, (2, 3)), REFUSED, "[1,[2,3]]"),
        (
            [{"units": 3}, Layer(1, Optimizer("a", 2))],
            REFUSED,
            '[{"units":3},{"units":1,"rate":{"name":"a","rate":2}}]',
        ),
        (collections.deque([1, 2]), REFUSED, [1, 2]),
        ([Hostile()], REFUSED, '["<Hostile whose text raised RuntimeError>"]'),
        ([], REFUSED, []),
    ],
    "set": [({"b", "a"}, REFUSED, ["a", "b"]), (frozenset({1}), REFUSED, [1])],
    "array of several elements": [
        (np.array([1, 2]), REFUSED, [1, 2]),
        (np.eye(2), REFUSED, "[[1.0,0.0],[0.0,1.0]]"),
        (Tensor(1.0, 2.0), REFUSED, [1.0, 2.0]),
        (np.zeros(0), REFUSED, []),
        (np.zeros(10_001), REFUSED, "[0. 0. 0. ... 0. 0. 0.]"),
    ],
    "mapping, dataclass, named tuple, attrs class, pydantic model, `argparse.Namespace`": [
        ({"b": 1, "a": {"x": 2}}, {"/b": 1.0, "/a/x": 2.0}, {"|b": 1, "|a|x": 2}),
        (
            Layer(4, Optimizer("adam", 0.1)),
            {"/units": 4.0, "/rate/name": REFUSED, "/rate/rate": 0.1},
            {"|units": 4, "|rate|name": "adam", "|rate|rate": 0.1},
        ),
        (Block(4), {"/units": 4.0}, {"|units": 4}),
        (
            Model(lr=0.1, layer={"units": 3}, more=1),
            {"/lr": 0.1, "/layer/units": 3.0, "/more": 1.0},
            {"|lr": 0.1, "|layer|units": 3, "|more": 1},
        ),
        (OldModel(), {"/lr": 0.1}, {"|lr": 0.1}),
        (NS(lr=0.1, layer=NS(units=3)), {"/lr": 0.1, "/layer/units": 3.0}, {"|lr": 0.1, "|layer|units": 3}),
        (types.MappingProxyType({1: 2}), {"/1": 2.0}, {"|1": 2}),
    ],
    "the same, empty": [({}, REFUSED, "{}"), (NS(), REFUSED, "{}")],
    "the same, nested deeper than Comet goes": [
        (DEEP, {"/d" * 12 + "/end": 1.0}, {"|d" * 9: '{"d":{"d":{"d":{"end":1}}}}'}),
    ],
    "a structure that holds itself": [
        (
            CYCLE,
            {"/a": 1.0, "/self": REFUSED},
            {"|a": 1, "|self": json.dumps({"a": 1, "self": str(CYCLE)}, separators=(",", ":"))},
        ),
    ],
    "a member that raises when it is read": [
        (
            Missing(),
            {"/unset": REFUSED, "/set": 1.0},
            {"|unset": "<Missing that raised ValueError when it was read>", "|set": 1},
        ),
        (
            Missing(breaks=True),
            {"/unset": REFUSED, "/": REFUSED},
            {
                "|unset": "<Missing that raised ValueError when it was read>",
                "|": "<Missing that raised RuntimeError when it was read>",
            },
        ),
    ],
}
CASES = [(value, as_metric, as_parameter) for cases in ROWS.values() for value, as_metric, as_parameter in cases]


def table(heading: str) -> list[str]:
    """The first cells of the rows of a table of the documentation."""
    rows = TABLES.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [row.split(" | ")[0].removeprefix("| ") for row in rows]


def test_every_row_of_the_documented_table_has_a_case() -> None:
    in_place_of_a_mapping = [row for row in table("value") if row.startswith("in place of a mapping")]
    assert [row for row in table("value") if row not in in_place_of_a_mapping] == list(ROWS)
    assert len(in_place_of_a_mapping) == 2
    assert len(table("name")) == 5


@pytest.mark.parametrize(("value", "wire", "_"), CASES, ids=range(len(CASES)))
def test_metric_values(value: Any, wire: Any, _: Any) -> None:
    expected = {f"m{end}": number for end, number in (wire if isinstance(wire, dict) else {"": wire}).items()}

    found = list(values.metrics({"m": value}))

    refused = [item for item in found if isinstance(item, Refusal)]
    assert {item.name for item in refused} == {name for name, number in expected.items() if number is REFUSED}
    assert all("expects a number" in item.message and repr(item.name) in item.message for item in refused)
    logged = [item for item in found if not isinstance(item, Refusal)]
    assert logged == [(name, number) for name, number in expected.items() if number is not REFUSED]
    assert all(type(number) in (float, str) for _, number in logged)
    if not isinstance(wire, dict):
        assert [values.metric("m", value)] == found


@pytest.mark.parametrize(("value", "_", "wire"), CASES, ids=range(len(CASES)))
def test_parameter_values(value: Any, _: Any, wire: Any) -> None:
    several = isinstance(wire, dict)
    expected = [(f"p{end}", scalar) for end, scalar in (wire if several else {"": wire}).items()]

    found = list(values.parameters({"p": value}))

    assert found == expected
    assert [type(scalar) for _, scalar in found] == [type(scalar) for _, scalar in expected]
    json.dumps(found, allow_nan=False)
    if not several:
        assert values.scalar(value) == wire


@pytest.mark.parametrize(
    "holder",
    [
        {"lr": 0.1, "layer": {"units": 3}},
        argparse.Namespace(lr=0.1, layer={"units": 3}),
        types.SimpleNamespace(lr=0.1, layer=Block(3)),
        Model(lr=0.1, layer={"units": 3}),
    ],
)
def test_every_kind_of_holder_can_stand_in_place_of_a_mapping(holder: Any) -> None:
    assert list(values.parameters(holder)) == [("lr", 0.1), ("layer|units", 3)]
    assert list(values.metrics(holder, prefix="val")) == [("val_lr", 0.1), ("val_layer/units", 3.0)]


def test_of_another_object_the_public_attributes_are_parameters() -> None:
    assert sorted(values.parameters(Plain())) == [("rate", 0.1), ("units", 3)]
    assert list(values.parameters(Plain)) == [("rate", 0.1)]
    assert [type(found) for found in values.metrics(Plain())] == [Refusal]


@pytest.mark.parametrize("value", [5, "text", None, [1, 2], object(), Hostile(), np.zeros(2)], ids=range(7))
def test_what_has_no_names_is_refused_once_with_what_was_expected(value: Any) -> None:
    for found in (list(values.metrics(value)), list(values.parameters(value))):
        (refusal,) = found
        assert isinstance(refusal, Refusal)
        assert "expected by name" in refusal.message


def test_names() -> None:
    given = {" lr ": 1, 4: 2, None: 3, Colour.RED: 4, "🚀": 5, "\ud800": 6, (1, 2): 7, "a|b": 8, "a": {"b": 9, "": 10}}
    joined = ["lr", "4", "None", "red", "🚀", "?", "(1, 2)", "a|b", "a|b", "a|"]
    assert list(values.parameters(given)) == [(name, number + 1) for number, name in enumerate(joined)]
    assert [name for name, _ in values.metrics(given)] == [*joined[:-2], "a/b", "a/"]


def test_blank_names_are_refused() -> None:
    assert [type(values.metric(name, 1)) for name in ("", "  ", None)] == [Refusal] * 3
    found = [*values.metrics({"": 1}), *values.parameters({" ": 1})]
    assert [type(item) for item in found] == [Refusal] * 2


@pytest.mark.parametrize(
    ("prefix", "metric", "parameter"),
    [(None, "a", "a"), ("", "_a", "a"), ("val", "val_a", "val_a"), ("val/", "val/_a", "val/a"), (3, "3_a", "3_a")],
)
def test_prefixes_join_as_in_comets_own_client(prefix: Any, metric: str, parameter: str) -> None:
    assert list(values.metrics({"a": 1}, prefix)) == [(metric, 1.0)]
    assert list(values.parameters({"a": 1}, prefix)) == [(parameter, 1)]


def test_what_follows_too_many_names_is_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "MAX_LEAVES", 3)
    flood = {f"m{i}": i for i in range(8)} | {"nested": {"x": 1, "y": 2}}
    for found in (list(values.metrics(flood)), list(values.parameters(flood))):
        assert [name for name, _ in found[:3]] == ["m0", "m1", "m2"]
        assert (len(found), found[-1].reason, found[-1].values) == (4, "too many names", 7)


def test_what_cannot_even_be_looked_at_harms_nothing() -> None:
    one = Untouchable()
    assert [type(found) for found in (values.metric("m", one), *values.metrics(one), *values.parameters(one))] == [
        Refusal
    ] * 3
    wire = "<Untouchable whose text raised RuntimeError>"
    assert list(values.parameters({"p": one, "q": [one, {"r": one}]})) == [
        ("p", wire),
        ("q", json.dumps([wire, {"r": wire}], separators=(",", ":"))),
    ]
    assert list(values.metrics({"a": {"b": one, "c": 1}}))[1:] == [("a/c", 1.0)]
    assert isinstance(values.metric(one, 1), tuple)


class Endless(Mapping[int, Any]):
    """A mapping without an end in either direction."""

    def __getitem__(self, key: int) -> Any:
        return Endless() if key % 2 else key

    def __iter__(self) -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    def __len__(self) -> int:
        return 2


def test_structures_without_an_end_come_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"[{(endless := Endless())}]"
    monkeypatch.setattr(nesting, "MAX_LEAVES", 100)
    monkeypatch.setattr(nesting, "MAX_COUNTED", 1000)
    monkeypatch.setattr(structures, "MAX_VALUES", 1000)
    for found in (list(values.metrics(Endless())), list(values.parameters(Endless()))):
        assert (len(found), found[-1].values) == (101, 1001)
    assert values.json_text([endless]) == json.dumps(text)


def test_a_mapping_that_another_thread_changes_is_read_as_it_was() -> None:
    changing = {"a": 1, "b": 2}
    found = []
    for item in values.metrics(changing):
        changing[f"c{len(found)}"] = 3
        found.append(item)
    assert found == [("a", 1.0), ("b", 2.0)]


def test_a_generator_is_not_consumed() -> None:
    generator = (number for number in range(3))
    assert [name for name, _ in values.parameters({"p": generator})] == ["p"]
    assert isinstance(values.metric("m", generator), Refusal)
    assert list(generator) == [0, 1, 2]


def test_any_metadata_becomes_strict_json() -> None:
    given = {"a": 1, (1, 2): 3, "nan": float("nan"), "none": None, "set": {2, 1}, "cycle": CYCLE, "odd": Hostile()}
    read = json.loads(values.json_text(given), parse_constant=lambda name: pytest.fail(name))
    assert (read["a"], read["(1, 2)"], read["nan"], read["none"], read["set"]) == (1, 3, "NaN", None, [1, 2])
    assert read["cycle"]["a"] == 1
    assert values.json_text({"foo": "bär"}) == '{"foo":"bär"}'


def test_long_texts_are_told_and_previewed() -> None:
    assert [values.long_text(wire) for wire in ("x" * 1000, 10**9, 0.5, True, [1] * 400)] == [None] * 5
    assert values.long_text("x" * 1001) == "x" * 1001
    text = values.long_text(list(range(1000)))
    assert text is not None
    assert json.loads(text) == list(range(1000))
    shown = values.preview("y" * 5000, "long-values/p.txt")
    assert len(shown) == 1000
    assert re.fullmatch(r"y{900,}\.\.\. \[5000 characters, in full in the asset long-values/p\.txt\]", shown)


def test_only_integers_that_float64_cannot_keep_apart_are_called_rounded() -> None:
    assert [scalars.is_rounded(value) for value in (2**53, -(2**53), 2**53 + 1, -(2**60), 1e300, "x")] == [
        False, False, True, True, False, False,
    ]  # fmt: skip


@given(st.floats())
def test_every_float_survives_the_wire_exactly(number: float) -> None:
    wire = json.loads(json.dumps(values.wire_number(number), allow_nan=False))
    back = float(wire)
    assert back == number or (math.isnan(back) and math.isnan(number))


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=5))
def test_any_parameter_becomes_strict_json(value: Any) -> None:
    ((name, wire),) = values.parameters({"p": value})
    assert name == "p"
    assert json.loads(json.dumps(wire, allow_nan=False)) == wire


def test_steps() -> None:
    assert [values.step_of(s) for s in (None, 3, np.int64(4), 2.9, "5", "x", float("nan"), 2**63, 1e30)] == [
        None, 3, 4, 2, 5, None, None, None, None,
    ]  # fmt: skip
    assert [values.epoch_of(e) for e in (None, 3, 2.5, np.float32(2.0), "x", 1e300)] == [None, 3, 2.5, 2, None, 1e300]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", [np.complex64(1 + 2j), np.complex128(1), [np.complex64(1 + 2j)]])
def test_a_complex_number_is_refused_also_where_warnings_are_no_errors(value: Any) -> None:
    assert isinstance(values.metric("m", value), Refusal)


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked,
        np.ma.array([1.5], mask=[True]),
        np.datetime64("2026-11-21T07:00:00", "ns"),
        np.timedelta64(5, "ns"),
        np.array(["2026-11-21"], dtype="datetime64[ns]"),
    ],
    ids=repr,
)
def test_what_numpy_would_make_a_number_up_for_is_none(value: Any) -> None:
    assert isinstance(values.metric("m", value), values.Refusal)
    (found,) = values.parameter("p", value)
    assert not isinstance(found, values.Refusal)
    assert not isinstance(found[1], int | float), found


def test_an_element_that_is_not_masked_is_its_number() -> None:
    assert values.metric("m", np.ma.array([1.5], mask=[False])) == ("m", 1.5)
