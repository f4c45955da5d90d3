"""Points go in in any pieces and come out whole, in the order that is promised."""

from __future__ import annotations

import math
import sqlite3
import uuid
from contextlib import closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from tests.local.store.conftest import KEY
from zenml_comet_tracker.local.store import experiments, metrics, projects, series
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.metrics import MetricValue
from zenml_comet_tracker.local.store.points import NO_STEP, Points, number_or_none
from zenml_comet_tracker.local.store.series import CHUNK_POINTS, SETTLED_POINTS
from zenml_comet_tracker.local.store.store import Store

WRITERS = ["", "a" * 32, "b" * 32]
values = st.builds(
    MetricValue,
    name=st.sampled_from(["loss", "ünï/code"]),
    value=st.floats(),
    step=st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    epoch=st.none() | st.floats(allow_nan=False),
    context=st.sampled_from(["", "train"]),
    millis=st.integers(0, 50),
)
writes = st.lists(st.tuples(st.sampled_from(WRITERS), st.lists(values, min_size=1, max_size=9)), max_size=12)


def write(store: Store, writer: str, points: list[MetricValue], key: str = KEY) -> None:
    with store.write_to(key) as target:
        metrics.add(target.connection, target.experiment.id, writer, points)


def read(store: Store, key: str = KEY) -> dict[tuple[str, str], Points]:
    with store.read() as connection:
        experiment = experiments.require(connection, key)
        return {(row.name, row.context): points for row, points in metrics.points(connection, experiment.id)}


def expected_order(logged: list[tuple[str, MetricValue]]) -> list[MetricValue]:
    """The promise, spelled out: by the newest time of the writer so far, then writer, then arrival."""
    newest: dict[str, int] = {}
    keyed = []
    for arrival, (writer, value) in enumerate(logged):
        newest[writer] = max(newest.get(writer, 0), value.millis)
        keyed.append((newest[writer], writer, arrival, value))
    return [value for _, _, _, value in sorted(keyed, key=lambda item: item[:3])]


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=writes)
def test_any_pieces_by_any_writers_come_back_in_order(
    store: Store, writes: list[tuple[str, list[MetricValue]]]
) -> None:
    key = uuid.uuid4().hex
    with store.write() as transaction:
        project = projects.ensure(transaction, "ws", "p")
        experiments.create(transaction, NewExperiment(key, project, running=True))
    logged: dict[tuple[str, str], list[tuple[str, MetricValue]]] = {}
    for writer, points in writes:
        write(store, writer, points, key)
        for point in points:
            shown = metrics.shown_name(point.name, point.context)
            logged.setdefault((shown, point.context), []).append((writer, point))
    found = read(store, key)
    assert found.keys() == logged.keys()
    for name, pairs in logged.items():
        check_series(found[name], expected_order(pairs))
        check_summary(store, key, name, expected_order(pairs))


def check_series(found: Points, expected: list[MetricValue]) -> None:
    assert len(found) == len(expected)
    assert all(same(one, value.value) for one, value in zip(found.values.tolist(), expected, strict=True))
    assert found.steps.tolist() == [NO_STEP if value.step is None else value.step for value in expected]
    epochs = [math.nan if value.epoch is None else value.epoch for value in expected]
    assert all(same(one, epoch) for one, epoch in zip(found.epochs.tolist(), epochs, strict=True))
    assert found.millis.tolist() == [value.millis for value in expected]


def check_summary(store: Store, key: str, name: tuple[str, str], expected: list[MetricValue]) -> None:
    with store.read() as connection:
        experiment = experiments.require(connection, key)
        rows = {(row.name, row.context): row._mapping for row in metrics.summaries(connection, experiment.id)}
    row = rows[name]
    numbers = [value.value for value in expected if not math.isnan(value.value)]
    last = expected[-1]
    assert row["count"] == len(expected)
    assert row["last_value"] == (None if math.isnan(last.value) else last.value)
    assert (row["last_step"], row["last_millis"]) == (last.step, last.millis)
    assert row["min_value"] == min(numbers, default=None)
    assert row["max_value"] == max(numbers, default=None)
    steps = [value.step for value in expected if value.step is not None]
    assert (row["step_min"], row["step_max"]) == (min(steps, default=None), max(steps, default=None))
    assert (row["millis_min"], row["millis_max"]) == (
        min(value.millis for value in expected),
        max(value.millis for value in expected),
    )


def test_small_writes_are_folded_into_few_chunks(store: Store) -> None:
    count = 600
    with store.write_to(KEY) as target:
        for step in range(count):
            value = MetricValue("m", float(step), step, None, "", step)
            metrics.add(target.connection, target.experiment.id, "", [value])
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        sizes = [size for (size,) in connection.execute('SELECT "count" FROM chunk ORDER BY start')]
    assert sum(sizes) == count
    assert len(sizes) <= 10
    assert read(store)[("m", "")].steps.tolist() == list(range(count))


@pytest.mark.parametrize(
    "sizes",
    [[1] * 700, [30] * 60, list(range(60, 20, -1)) * 2, [300, 1] * 20],
    ids=["one", "equal", "shrinking", "mixed"],
)
def test_writes_of_any_rhythm_leave_few_small_chunks(store: Store, sizes: list[int]) -> None:
    with store.write_to(KEY) as target:
        for size in sizes:
            points = Points.of([1.0] * size, [None] * size, [None] * size, [0] * size)
            metrics.add_points(target.connection, target.experiment.id, "", {"m": points}, {"m": ""})
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        stored = [size for (size,) in connection.execute('SELECT "count" FROM chunk ORDER BY start')]
    assert sum(stored) == sum(sizes)
    assert sum(size < SETTLED_POINTS for size in stored) <= 17


def test_a_small_write_leaves_large_chunks_alone(store: Store) -> None:
    def rows() -> list[tuple[int, int]]:
        with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
            return connection.execute('SELECT id, "count" FROM chunk ORDER BY start').fetchall()

    write(store, "", [MetricValue("m", 1.0, step, None, "", 0) for step in range(512)])
    before = rows()
    write(store, "", [MetricValue("m", 1.0, 512, None, "", 0)])
    assert rows()[: len(before)] == before
    assert [size for _, size in rows()] == [512, 1]


def test_a_large_write_is_cut_into_chunks_of_bounded_size(store: Store) -> None:
    count = 3 * CHUNK_POINTS + 1
    write(store, "", [MetricValue("m", float(step), None, None, "", step) for step in range(count)])
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        rows = connection.execute('SELECT "count", start, value_min, value_max, value_first FROM chunk').fetchall()
    assert max(row[0] for row in rows) == CHUNK_POINTS
    for size, start, low, high, first in rows:
        assert (low, high, first) == (start, start + size - 1, start)
    assert read(store)[("m", "")].values.tolist() == list(map(float, range(count)))


def test_a_value_of_an_older_time_that_arrives_late_is_not_the_last(store: Store) -> None:
    write(store, "b" * 32, [MetricValue("m", 2.0, 2, None, "", 200)])
    write(store, "a" * 32, [MetricValue("m", 1.0, 1, None, "", 100)])
    with store.read() as connection:
        (row,) = metrics.summaries(connection, experiments.require(connection, KEY).id)
    assert (row.last_value, row.last_step) == (2.0, 2)
    assert read(store)[("m", "")].values.tolist() == [1.0, 2.0]


def test_points_can_be_taken_by_mask_and_slice() -> None:
    points = Points.of([1, 2, 3], [None, 5, 6], [None, None, 1.5], [7, 8, 9])
    assert points.take(slice(1, None)).values.tolist() == [2, 3]
    assert points.take(points.steps != NO_STEP).steps.tolist() == [5, 6]
    assert np.isnan(points.epochs).tolist() == [True, True, False]
    assert len(Points.join([])) == 0
    assert number_or_none(math.nan) is None


def test_a_batch_of_many_names_takes_a_few_statements(store: Store) -> None:
    statements: list[str] = []
    names = [f"m{number}" for number in range(2_000)]
    for round_ in range(2):
        values = [MetricValue(name, round_, round_, None, "", 1_000 + round_) for name in names]
        with store.write_to(KEY) as target:
            connection = target.connection
            event.listen(connection, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
            metrics.add(connection, target.experiment.id, "w", values)
    assert len(statements) < 80
    with store.read() as connection:
        rows = metrics.summaries(connection, target.experiment.id)
        assert [(row.name, row.count, row.min_value, row.last_value) for row in rows] == [
            (name, 2, 0.0, 1.0) for name in names
        ]
        assert {tuple(series.read(connection, row.id).values) for row in rows} == {(0.0, 1.0)}
