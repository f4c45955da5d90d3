"""A killed server has all that it answered; the long form is `make kills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local import kills


@pytest.mark.long
def test_what_a_killed_server_answered_is_there_and_marked_values_once(daemon_folder: Path) -> None:
    outcome = kills.play(daemon_folder, 2, seed=4, most=40)
    assert outcome.problems == []
    assert (outcome.answered > 50, outcome.files > 0) == (True, True), outcome
