"""A batch read column by column is the batch read value by value; what is refused is refused with the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zenml_comet_tracker.local.routes import metric_batches
from zenml_comet_tracker.local.routes.answers import RequestError
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.metric_batches import MetricBatch, metric_value
from zenml_comet_tracker.local.store.points import NO_STEP

NOW = 1_790_000_000_000
odd = st.sampled_from(
    [None, "", "1", "NaN", "x", True, 0, 1.5, [], {}, NO_STEP, 2**63 - 1, 2**63, 9e15, 8_640_000_000_000_001]
)
values = st.fixed_dictionaries(
    {"metricName": st.sampled_from(["loss", "acc"]), "metricValue": st.floats(allow_nan=False, allow_infinity=False)},
    optional={
        "step": st.none() | st.integers(-5, 5),
        "epoch": st.none() | st.integers(0, 3) | st.floats(0, 3),
        "context": st.sampled_from([None, "", "train"]),
        "timestamp": st.none() | st.integers(0, 10),
    },
)
spoiled = st.tuples(st.sampled_from(["metricName", "metricValue", "step", "epoch", "context", "timestamp"]), odd)


def outcome(read: Callable[[], Any]) -> Any:
    """What was read, in plain values, or the words of the refusal."""
    try:
        return read()
    except RequestError as error:
        return error.message, error.status


def by_columns(batch: list[Any]) -> Any:
    read = MetricBatch.read(Fields({"values": batch}), NOW)
    points = read.points
    epochs = [None if np.isnan(epoch) else epoch for epoch in points.epochs.tolist()]
    steps = [None if step == NO_STEP else step for step in points.steps.tolist()]
    columns = (read.names, read.contexts, map(repr, points.values.tolist()), steps, epochs, points.millis.tolist())
    return list(zip(*columns, strict=True))


def by_values(batch: list[Any]) -> Any:
    read = [metric_value(each, NOW) for each in Fields({"values": batch}).objects("values")]
    return [(v.name, v.context, repr(v.value), v.step, None if v.epoch != v.epoch else v.epoch, v.millis) for v in read]


@settings(max_examples=200, deadline=None)
@given(st.lists(values, max_size=6), st.lists(spoiled, max_size=2), st.integers(0, 5))
@example([{"metricName": "loss", "metricValue": 1.0, "step": 3}], [("step", NO_STEP)], 0)
@example([{"metricName": "loss", "metricValue": 1.0}], [("context", 0)], 0)
def test_columns_and_values_are_read_alike(batch: list[dict[str, Any]], spoils: list[tuple[str, Any]], at: int) -> None:
    for name, value in spoils:
        if at < len(batch):
            batch[at][name] = value
    sent = orjson.loads(orjson.dumps(batch))
    assert outcome(lambda: by_columns(sent)) == outcome(lambda: by_values(sent))


@pytest.mark.parametrize("sent", [None, 5, {}, [1], [{}], [None], [{"metricName": ["a"], "metricValue": 1}]])
def test_what_is_no_batch_is_refused_alike(sent: Any) -> None:
    assert outcome(lambda: by_columns(sent)) == outcome(lambda: by_values(sent))


def test_the_usual_batch_is_not_looked_at_value_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("value by value")

    monkeypatch.setattr(metric_batches, "metric_value", refuse)
    usual = {"metricName": "loss", "metricValue": 0.5, "step": 1, "epoch": None, "context": None, "timestamp": 5}
    assert len(MetricBatch.read(Fields({"values": [usual, {**usual, "metricValue": "NaN", "epoch": 2}]}), NOW)) == 2


def test_a_batch_is_told_apart_by_shown_name_from_any_value_on() -> None:
    sent = [
        {"metricName": "train_loss", "metricValue": 1},
        {"metricName": "loss", "metricValue": 2, "context": "train"},
        {"metricName": "acc", "metricValue": 3},
    ]
    batch = MetricBatch.read(Fields({"values": sent}), NOW)
    points, contexts = batch.by_metric(0)
    assert {name: found.values.tolist() for name, found in points.items()} == {"train_loss": [1, 2], "acc": [3]}
    assert contexts == {"train_loss": "", "acc": ""}
    points, contexts = batch.by_metric(1)
    assert {name: found.values.tolist() for name, found in points.items()} == {"train_loss": [2], "acc": [3]}
    assert contexts == {"train_loss": "train", "acc": ""}
