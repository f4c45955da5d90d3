"""What a lane's reader makes of a disk that cannot be read for a moment."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from zenml_comet_tracker.comet.journal.lane_reader import LaneReader
from zenml_comet_tracker.comet.journal.lane_writer import LaneWriter
from zenml_comet_tracker.comet.journal.record import METRICS
from zenml_comet_tracker.comet.journal.spill import Memory

LINES = [b'{"a":%d}' % number for number in range(9)]


@pytest.fixture
def lane(tmp_path: Path) -> LaneReader:
    """Nine lines in two segments, to be read by another process than their writer."""
    writer = LaneWriter(tmp_path, METRICS, Memory())
    writer._segment_bytes = 40
    for line in LINES:
        writer.append(line + b"\n", 1)
    writer.close()
    return LaneReader(tmp_path, METRICS)


def too_many_files(*_: Any, **__: Any) -> Any:
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_segment_that_cannot_be_opened_for_a_moment_is_not_passed_over(
    lane: LaneReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", too_many_files)
        with pytest.raises(OSError, match="Too many"):
            lane.peek(100)
    found: list[bytes] = []
    while (portion := lane.peek(100)) is not None:
        found += portion.lines
        lane.commit(portion)
    lane.close()
    assert (found, lane.lost) == (LINES, 0)


def test_a_lane_that_cannot_be_looked_at_is_not_taken_for_a_delivered_one(
    lane: LaneReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lane.peek(100)
    assert first is not None
    lane.commit(first)
    lane.close()
    monkeypatch.setattr(os, "listdir", too_many_files)
    monkeypatch.setattr(os, "stat", too_many_files)
    assert lane.waiting is True
