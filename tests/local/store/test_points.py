"""Columns come back to the bit from however few bytes they took."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zenml_comet_tracker.local.store.points import (
    NO_STEP,
    pack_integers,
    pack_numbers,
    unpack_integers,
    unpack_numbers,
)

close_together = st.lists(st.integers(-40_000, 40_000), min_size=1, max_size=50).map(np.cumsum)
anything = arrays.arrays(np.int64, st.integers(1, 50), elements=st.integers(NO_STEP, 2**63 - 1))
even = st.builds(
    lambda first, gap, count: (np.int64(first) + np.arange(count) * gap).astype(np.int64),
    st.integers(-(2**62), 2**62),
    st.integers(-(2**50), 2**50),
    st.integers(1, 50),
)
numbers = arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(width=64))
short_numbers = arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(width=32))
whole_numbers = arrays.arrays(np.float64, st.integers(1, 50), elements=st.integers(-300, 300).map(float))


@settings(max_examples=150, deadline=None)
@given(close_together | anything | even)
def test_integers_come_back(column: np.ndarray) -> None:
    packed = pack_integers(column.astype(np.int64))
    assert len(packed) <= 8 * len(column)
    assert unpack_integers(packed, len(column)).tolist() == column.tolist()


@settings(max_examples=150, deadline=None)
@given(numbers | short_numbers | whole_numbers)
def test_numbers_come_back_to_the_bit(column: np.ndarray) -> None:
    packed = pack_numbers(column)
    assert len(packed) <= 8 * len(column)
    assert unpack_numbers(packed, len(column)).tobytes() == column.tobytes()


@pytest.mark.parametrize("column", [[-0.0, 1.0, 2.0], [0.0, -0.0, 0.0], [np.nan] * 5, [np.inf, 1e300, -1e300]])
def test_odd_numbers_come_back_to_the_bit(column: list[float]) -> None:
    logged = np.array(column)
    assert unpack_numbers(pack_numbers(logged), len(logged)).tobytes() == logged.tobytes()


def test_what_is_regular_takes_little() -> None:
    count = 1_000
    assert len(pack_integers(np.arange(count))) < 20
    assert len(pack_integers(np.full(count, NO_STEP))) < 20
    assert len(pack_numbers(np.full(count, np.nan))) < 20
    assert len(pack_numbers(np.arange(count) // 100 * 1.0)) < 2 * count
    random = np.random.default_rng(1)
    assert len(pack_integers(1_700_000_000_000 + np.cumsum(random.integers(0, 100, count)))) < 2 * count
    assert len(pack_numbers(random.random(count).astype(np.float32).astype(np.float64))) < 5 * count


def test_columns_of_full_width_are_read_as_they_are() -> None:
    assert unpack_integers(np.arange(5).tobytes(), 5).tolist() == [0, 1, 2, 3, 4]
    assert unpack_numbers(np.arange(5.0).tobytes(), 5).tolist() == [0, 1, 2, 3, 4]
