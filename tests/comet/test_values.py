"""Each kind of value a user may log has a defined form on the wire, and none raises."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.values import Refusal


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Layer:
    units: int
    kind: Colour


class Model(pydantic.BaseModel):
    lr: float
    layer: dict[str, int]


class Hostile:
    """Raises from every conversion."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __float__(self) -> float:
        raise RuntimeError("no")

    @property
    def item(self) -> Any:
        return lambda: 1 / 0


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (1, 1.0),
        (0.1, 0.1),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7.0),
        (np.array([[2.5]]), 2.5),
        (Decimal("1.5"), 1.5),
        ("0.25", 0.25),
        (2**53 + 1, float(2**53)),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (np.float64("-inf"), "-Infinity"),
    ],
)
def test_metric_values(value: Any, wire: Any) -> None:
    assert values.metric("m", value) == ("m", wire)


@pytest.mark.parametrize(
    "value", [None, "text", 1j, np.complex64(1), [1, 2], np.zeros(3), object(), Hostile(), 10**400, {}]
)
def test_what_is_no_number_is_refused_with_the_name_and_what_was_expected(value: Any) -> None:
    refusal = values.metric("loss", value)
    assert isinstance(refusal, Refusal)
    assert "'loss'" in refusal.message
    assert "expects a number" in refusal.message


def test_a_metric_without_a_name_is_refused() -> None:
    assert isinstance(values.metric("  ", 1), Refusal)
    assert [type(found) for found in values.metrics({"": 1, "a": {"": 2}}, prefix="p")] == [Refusal, Refusal]


def test_nested_metrics_join_by_slash_in_the_users_order() -> None:
    found = list(values.metrics({"b": 1, "a": {"y": 2, "x": {"z": 3}}, 4: 5}, prefix="val"))
    assert found == [("val_b", 1.0), ("val_a/y", 2.0), ("val_a/x/z", 3.0), ("val_4", 5.0)]


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("adam", "adam"),
        (None, "None"),
        (True, True),
        (3, 3),
        (2**70, str(2**70)),
        (float("nan"), "NaN"),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (Colour.RED, "red"),
        (Path("/a/b"), "/a/b"),
        ([1, "a", None], [1, "a", "None"]),
        ((1, (2, 3)), "(1, (2, 3))"),
        (b"raw", "b'raw'"),
        ("\ud800", "?"),
        ("🚀", "🚀"),
        (Hostile(), "<Hostile whose text raised RuntimeError>"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_parameter_values(value: Any, wire: Any) -> None:
    assert list(values.parameters({"p": value})) == [("p", wire)]
    json.dumps(wire)


@pytest.mark.parametrize(
    "holder",
    [
        {"lr": 0.1, "layer": {"units": 3}},
        argparse.Namespace(lr=0.1, layer={"units": 3}),
        Model(lr=0.1, layer={"units": 3}),
    ],
)
def test_parameters_of_every_kind_of_holder(holder: Any) -> None:
    assert list(values.parameters(holder)) == [("lr", 0.1), ("layer|units", 3)]


def test_a_dataclass_flattens_and_an_empty_mapping_stays_visible() -> None:
    assert list(values.parameters({"l": Layer(4, Colour.RED), "e": {}})) == [
        ("l|units", 4),
        ("l|kind", "red"),
        ("e", "{}"),
    ]


def test_a_cycle_ends() -> None:
    cycle: dict[str, Any] = {"lr": 1}
    cycle["self"] = cycle["root"] = cycle
    assert [name for name, _ in values.parameters(cycle)] == ["lr", "self", "root"]


def test_a_flood_of_names_is_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_LEAVES", 3)
    found = list(values.metrics({f"m{i}": i for i in range(10)}))
    assert len(found) == 4
    assert isinstance(found[-1], Refusal)


def test_any_metadata_becomes_strict_json() -> None:
    for value in ({"a": 1}, {(1, 2): 3}, {"a": float("nan")}, object(), Hostile()):
        json.loads(values.json_text(value), parse_constant=lambda name: pytest.fail(name))
    assert values.json_text({"foo": "bar"}) == '{"foo":"bar"}'


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
