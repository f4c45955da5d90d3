"""A lane is read in pieces of any size, and no value is given out twice or left out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenml_comet_tracker.comet.journal.lane_reader import LaneReader
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import METRICS, Header
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.resources import metrics

HEADER = Header("k" * 32, "http://127.0.0.1:1", "abc")


def write(journal: JournalWriter, sizes: list[int]) -> int:
    """Writes records of so many values each, named by their number from 1; how many that are."""
    number = 0
    for size in sizes:
        journal.append(METRICS, [metrics.row(f"m{number + i + 1}", float("1e300"), 1) for i in range(size)])
        number += size
    return number


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_the_head_of_a_portion_is_followed_by_the_rest(count: int, tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, HEADER)
    write(journal, [1, 1, 1])
    lane = JournalReader(journal.folder, journal).lanes[METRICS]
    portion = lane.peek(3)
    assert portion is not None
    head = portion.head(count)
    lane.commit(head)
    first = [int(row["metricName"][1:]) for row in head.rows()]
    assert (first, first + take(lane, 3)) == (list(range(1, min(count, 3) + 1)), [1, 2, 3])


def take(lane: LaneReader, at_most: int) -> list[int]:
    """The numbers of the next values, at most so many, which then are delivered."""
    portion = lane.peek(at_most)
    if portion is None:
        return []
    numbers = [int(row["metricName"][1:]) for row in portion.rows()]
    assert len(numbers) == portion.values <= at_most
    assert numbers == list(range(portion.first, portion.first + portion.values))
    lane.commit(portion)
    return numbers


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 6), max_size=8), st.lists(st.tuples(st.integers(1, 7), st.booleans()), max_size=60))
def test_pieces_of_any_size_make_up_the_whole(sizes: list[int], pieces: list[tuple[int, bool]]) -> None:
    """Each piece may be the last one of its process: what it took was remembered."""
    with tempfile.TemporaryDirectory() as folder:
        journal = JournalWriter(Path(folder), HEADER)
        count = write(journal, sizes)
        reader = JournalReader(journal.folder)
        taken: list[int] = []
        for at_most, anew in [*pieces, *[(1, False)] * count]:
            taken += take(reader.lanes[METRICS], at_most)
            if anew:
                reader.close()
                reader = JournalReader(journal.folder)
        assert taken == list(range(1, count + 1))
        assert reader.lanes[METRICS].waiting is False
        assert reader.lanes[METRICS].lost == 0
        reader.close()
        journal.close()


@pytest.mark.parametrize("at_most", [1, 2, 7])
def test_what_is_only_in_memory_goes_in_pieces_too(at_most: int) -> None:
    journal = JournalWriter(None, HEADER)
    count = write(journal, [5, 1, 3])
    lane = JournalReader(None, journal).lanes[METRICS]
    taken: list[int] = []
    while piece := take(lane, at_most):
        taken += piece
    assert taken == list(range(1, count + 1))
    assert (lane.delivered, journal.spilled) == (count, False)


def test_one_refused_value_of_a_record_is_set_aside_alone(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, HEADER)
    write(journal, [3])
    lane = JournalReader(journal.folder).lanes[METRICS]
    assert take(lane, 1) == [1]
    portion = lane.peek(1)
    assert portion is not None
    lane.set_aside(portion, "status 400")
    assert take(lane, 10) == [3]
    assert journal.folder is not None
    (line,) = (journal.folder / "metrics.refused.jsonl").read_text().splitlines()
    assert '"m2"' in line
    assert '"m1"' not in line
    assert (lane.delivered, dict(lane.refused)) == (2, {"status 400": 1})


@pytest.mark.parametrize(("length", "at_most"), [(10, 1), (300, 1), (300, 1000), (5_000, 3)])
def test_a_piece_says_whether_others_were_there(tmp_path: Path, length: int, at_most: int) -> None:
    journal = JournalWriter(tmp_path, HEADER)
    for i in range(1_200):
        journal.append(METRICS, [metrics.row("m" * length, i, 1)])
    lane = JournalReader(journal.folder).lanes[METRICS]
    while (portion := lane.peek(at_most)) is not None:
        lane.commit(portion)
        assert portion.more or lane.delivered == 1_200
    assert lane.delivered == 1_200
