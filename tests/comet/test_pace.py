"""Giving way to a server that says it is too much, with a clock that the test turns."""

from __future__ import annotations

import pytest

from zenml_comet_tracker.comet.delivery.pace import Pace


class Turned:
    def __init__(self) -> None:
        self.now = 100.0
        self.pace = Pace(lambda: self.now)


@pytest.fixture
def turned() -> Turned:
    return Turned()


def test_each_refusal_doubles_the_stretch_and_each_calm_minute_halves_it(turned: Turned) -> None:
    seen = [turned.pace.stretch]
    for _ in range(5):
        turned.pace.hold_back(10, by_server=True)
        turned.now += 10
        seen.append(turned.pace.stretch)
    assert seen == [1, 2, 4, 8, 8, 8]
    turned.now += 61
    assert turned.pace.stretch == 4
    turned.now += 3600
    assert turned.pace.stretch == 1


def test_a_storm_over_all_lanes_is_one_reason(turned: Turned) -> None:
    for _ in range(4):
        turned.pace.hold_back(30, by_server=True)
        turned.now += 1
    assert turned.pace.stretch == 2


def test_signs_of_life_are_stretched_to_twice_at_most(turned: Turned) -> None:
    for _ in range(4):
        turned.pace.hold_back(1, by_server=True)
        turned.now += 1
    assert (turned.pace.stretch, turned.pace.beat_stretch) == (8, 2)


def test_time_held_back_counts_once_and_only_as_it_passes(turned: Turned) -> None:
    turned.pace.hold_back(60, by_server=True)
    assert turned.pace.throttled_seconds == 0
    turned.now += 20
    turned.pace.hold_back(60, by_server=False)
    assert turned.pace.throttled_seconds == 20
    turned.now += 500
    assert turned.pace.throttled_seconds == 80
    turned.pace.hold_back(5, by_server=False)
    turned.now += 5
    assert turned.pace.throttled_seconds == 85


def test_our_own_allowance_is_no_reason_to_gather_longer(turned: Turned) -> None:
    turned.pace.hold_back(60, by_server=False)
    assert (turned.pace.stretch, turned.pace.held_back_by_server) == (1, False)
