"""Each point of the table holds for this tracker; with `make parity`, and fails for ZenML's own as the table says."""

from __future__ import annotations

import re

import pytest

from tests.coverage import sources
from tests.parity.conftest import FLAVOR
from tests.parity.page import PAGE, written
from tests.parity.peers.observations import OBSERVATIONS
from tests.parity.table import Point, features, functions, points
from tests.parity.world import World

POINTS = points()


@pytest.mark.parametrize("point", [p for p in POINTS if FLAVOR or not p.long], ids=lambda point: point.check)
def test_the_point(point: Point, world: World) -> None:
    if world.subject.ours:
        point.call(world)
        return
    said = _failure(point, world)
    assert said is not None, "ZenML's own tracker does it by now"
    assert re.search(point.built_in, said), f"It fails for another reason than {point.built_in!r}: {said}"


def _failure(point: Point, world: World) -> str | None:
    try:
        point.call(world)
    except Exception as failure:
        return f"{type(failure).__name__}: {failure}"
    return None


def test_every_check_is_of_one_point() -> None:
    assert sorted(point.check for point in POINTS) == sorted(functions())


def test_every_test_that_is_named_is_there() -> None:
    named = {test for row in (*POINTS, *features()) for test in row.shown_by}
    assert sorted(test for test in named if sources.of(test) is None) == []


def test_every_cell_that_was_seen_names_what_was_played() -> None:
    cells = [cell for row in features() for cell in row.theirs.values()]
    assert {point for cell in cells for point in cell.points} <= functions()
    assert {name for cell in cells for name in cell.shows} == set(OBSERVATIONS)
    for cell in cells:
        for pattern in cell.shows.values():
            re.compile(pattern)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == written(), "make parity writes it anew; python -m tests.parity write, that alone"
