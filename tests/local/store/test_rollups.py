"""What every 64 points come to, against the points; in whatever pieces and by whomever they were written."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.local.store.conftest import KEY
from zenml_comet_tracker.local.store import experiments, metrics, projects, rollups, series
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.points import NO_STEP, Points
from zenml_comet_tracker.local.store.store import Store

WRITERS = ["", "a" * 32, "b" * 32]
odd_floats = st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324])
values = arrays.arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e3, 1e3) | odd_floats, fill=st.just(0.0))


def points(logged: np.ndarray, first: int = 0) -> Points:
    """The values at steps that count on from `first`, a second apart, in epochs of ten."""
    steps = np.arange(first, first + len(logged))
    return Points(logged, steps, (steps // 10).astype(np.float64), 1_000 * steps)


def add(store: Store, writer: str, logged: Points, key: str = KEY) -> int:
    """Stores the points as the metric `m`; gives its id."""
    with store.write_to(key) as target:
        metrics.add_points(target.connection, target.experiment.id, writer, {"m": logged}, {"m": ""})
        row = metrics.summary(target.connection, target.experiment.id, "m")
    assert row is not None
    return int(row.id)


def check(groups: rollups.Groups, expected: np.ndarray) -> None:
    """Each group against the values it stands for."""
    ends = np.cumsum(groups["count"].astype(int))
    assert ends[-1] == len(expected)
    for group, part in zip(groups, np.split(expected, ends[:-1]), strict=True):
        finite = part[np.isfinite(part)]
        assert np.array_equal([group["first"], group["last"]], part[[0, -1]], equal_nan=True)
        assert group["finite"] == len(finite)
        if len(finite):
            assert (group["low"], group["high"]) == (finite.min(), finite.max())
            assert (part[group["low_at"]], part[group["high_at"]]) == (finite.min(), finite.max())
            assert abs(group["mean"] - np.sum(finite / len(finite))) <= 1e-9 * np.abs(finite).max()
        else:
            assert (group["low"], group["high"]) == (np.inf, -np.inf)


@settings(max_examples=60, deadline=None)
@given(values)
def test_a_group_says_what_its_points_say(logged: np.ndarray) -> None:
    made = rollups.unpack(rollups.pack(rollups.groups(points(logged))))
    assert (made["count"][:-1] == rollups.GROUP_POINTS).all()
    check(made, logged)
    ends = np.cumsum(made["count"].astype(int)) - 1
    assert made["step_last"].tolist() == ends.tolist()
    assert (made["millis_first"] == 1_000 * (ends - made["count"] + 1)).all()


@pytest.mark.parametrize("fall", [5, 63, 64, 100])
def test_only_the_group_in_which_an_axis_falls_back_is_said_to(fall: int) -> None:
    logged = points(np.zeros(130))
    steps = logged.steps.copy()
    steps[fall:] -= 40
    made = rollups.groups(Points(logged.values, steps, logged.epochs, logged.millis))
    within = fall % rollups.GROUP_POINTS != 0
    expected = [not (within and fall // rollups.GROUP_POINTS == at) for at in range(3)]
    assert (made["ascending"] & rollups.STEPS_ASCEND > 0).tolist() == expected
    assert (made["ascending"] & rollups.MILLIS_ASCEND > 0).all()


def test_steps_and_epochs_that_are_absent_stand_before_all_others() -> None:
    logged = points(np.zeros(4))
    bare = Points(logged.values, np.full(4, NO_STEP), np.full(4, np.nan), logged.millis)
    every = rollups.STEPS_ASCEND | rollups.EPOCHS_ASCEND | rollups.MILLIS_ASCEND
    assert rollups.groups(bare)["ascending"].tolist() == [every]
    torn = Points(logged.values, np.array([1, NO_STEP, 2, 3]), np.array([1, np.nan, 2, 3]), logged.millis)
    assert rollups.groups(torn)["ascending"].tolist() == [rollups.MILLIS_ASCEND]
    endless = Points(logged.values, logged.steps, np.array([-np.inf, 0, 1, 2]), logged.millis)
    assert not rollups.groups(endless)["ascending"][0] & rollups.EPOCHS_ASCEND


pieces = st.lists(st.tuples(st.sampled_from(WRITERS), st.sampled_from([1, 2, 63, 64, 300, 600, 2_500])), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces.filter(bool), st.integers(0, 2**32 - 1))
def test_the_outline_holds_every_spike_of_every_writer(store: Store, written: list[tuple[str, int]], seed: int) -> None:
    key = uuid.uuid4().hex
    with store.write() as transaction:
        experiments.create(transaction, NewExperiment(key, projects.ensure(transaction, "ws", "p"), running=True))
    random = np.random.default_rng(seed)
    logged: dict[str, list[np.ndarray]] = {}
    for writer, count in written:
        part = random.choice([0.0, np.nan, np.inf, -5.0, 7.0], count) + random.random(count)
        metric = add(store, writer, points(part), key)
        logged.setdefault(writer, []).append(part)
    with store.read() as connection:
        outline = series.outline(connection, metric)
        whole = series.read(connection, metric)
    expected = np.concatenate([np.concatenate(logged[writer]) for writer in sorted(logged)])
    check(outline.groups, expected)
    assert outline.writers == len(logged)
    assert len(outline.chunks) == len(outline.groups)
    finite = whole.values[np.isfinite(whole.values)]
    if len(finite):
        assert (outline.groups["low"].min(), outline.groups["high"].max()) == (finite.min(), finite.max())


def _chunks(store: Store) -> list[tuple[int, bool]]:
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        return connection.execute(
            'SELECT "count", groups IS NOT NULL FROM chunk LEFT JOIN rollup ON chunk_id = chunk.id ORDER BY start'
        ).fetchall()


def test_a_rollup_goes_with_its_chunk(store: Store) -> None:
    for at in range(5):
        add(store, "", points(np.zeros(300), 300 * at))
    assert _chunks(store) == [(1_200, True), (300, True)]
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection:
        assert connection.execute("SELECT count(*) FROM rollup").fetchone() == (2,)


def test_chunks_without_a_rollup_are_outlined_from_their_points(store: Store) -> None:
    logged = np.random.default_rng(2).random(5_000)
    metric = add(store, "", points(logged))
    with closing(sqlite3.connect(store.folder / "comet.db")) as connection, connection:
        connection.execute("DELETE FROM rollup WHERE chunk_id % 2 = 0")
    with store.read() as connection:
        check(series.outline(connection, metric).groups, logged)


def test_small_chunks_become_few_and_say_the_same(store: Store) -> None:
    logged = np.random.default_rng(3).random(700)
    with store.write_to(KEY) as target:
        for at, value in enumerate(logged):
            one = {"m": points(np.array([value]), at)}
            metrics.add_points(target.connection, target.experiment.id, WRITERS[at % 2], one, {"m": ""})
        summary = metrics.summary(target.connection, target.experiment.id, "m")
    assert summary is not None
    metric = summary.id
    before = _chunks(store)
    with store.read() as connection:
        whole = series.read(connection, metric)
    with store.write() as transaction:
        gone = series.compact(transaction.connection)
        assert series.compact(transaction.connection) == 0
    assert gone == len(before) - 2
    assert _chunks(store) == [(350, True), (350, True)]
    with store.read() as connection:
        again = series.read(connection, metric)
    assert [column.tolist() for column in (again.values, again.steps, again.millis)] == [
        column.tolist() for column in (whole.values, whole.steps, whole.millis)
    ]
    assert again.values.tolist() == logged.tolist()
    # What comes later goes on where the writer was.
    add(store, WRITERS[0], points(np.array([9.0]), 700))
    with store.read() as connection:
        assert series.read(connection, metric).values.tolist() == [*logged, 9.0]


def test_joined_chunks_stand_where_their_points_stood(store: Store) -> None:
    sizes = range(511, 496, -1)
    logged = np.random.default_rng(4).random(sum(sizes))
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        metric = add(store, "", points(logged[end - size : end], end - size))
    assert len(_chunks(store)) == len(sizes)
    with store.write() as transaction:
        assert series.compact(transaction.connection) == 11
    assert [rolled for _, rolled in _chunks(store)] == [True] * 4
    add(store, "", points(np.array([9.0]), len(logged)))
    with store.read() as connection:
        assert series.read(connection, metric).values.tolist() == [*logged, 9.0]
        check(series.outline(connection, metric).groups, np.append(logged, 9.0))


@pytest.mark.parametrize("writers", [1, 2])
def test_the_last_points_are_those_of_the_whole(store: Store, writers: int) -> None:
    for at in range(6):
        metric = add(store, WRITERS[at % writers], points(np.arange(at * 400.0, (at + 1) * 400), at * 400))
    with store.read() as connection:
        whole = series.read(connection, metric).values.tolist()
        for count in (1, 399, 401, 1_500, 9_000):
            assert series.read_last(connection, metric, count).values.tolist() == whole[-count:]
