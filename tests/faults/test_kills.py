"""Twenty kills, at random and at the worst places: what had been logged arrives once, and the experiment is closed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults import kills
from tests.faults.cell import Outcome
from tests.fixtures.local_server import LocalServer

# The n-th touch of the journal that looks like this.
PLACES = {
    "before the journal exists": (r"os.mkdir .*\.", 1),
    "before the header is in place": (r"os.rename \.header", 1),
    "before the first line": (r"open metrics\.0*1\.", 1),
    "in the middle of a line": (r"os.write metrics\.", 150),
    "in the middle of a file's line": (r"os.write files\.", 2),
    "before a kept file": (r"open [0-9a-f]{32}$", 2),
    "before the handshake is noted": (r"os.rename \.opened", 1),
    "at a rotation": (r"open metrics\.0*[1-9]\d+\.", 1),
    "before a cursor moves": (r"os.pwrite metrics\.cursor", 1),
    "before a delivered segment goes": (r"os.remove metrics\.", 1),
    "before a delivered file goes": (r"os.remove [0-9a-f]{32}$", 1),
    "before the end is noted": (r"os.rename \.end\.json", 1),
    "before the journal goes": (r"shutil.rmtree", 1),
}


def unharmed(outcome: Outcome) -> None:
    assert outcome.exit_code == -9, outcome
    assert outcome.whole, outcome
    assert outcome.left == []
    assert not outcome.running


@pytest.fixture(scope="module")
def touches(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How a healthy step touches its journal."""
    return kills.touches_of(local_server, tmp_path_factory.mktemp("touches") / "cell")


@pytest.mark.parametrize("place", PLACES)
def test_a_writer_killed_at_the_worst_place(
    local_server: LocalServer, tmp_path: Path, touches: list[str], place: str
) -> None:
    pattern, nth = PLACES[place]
    assert len([touch for touch in touches if re.match(pattern, touch)]) >= nth, sorted(set(touches))
    unharmed(kills.writer_at_touch(local_server, tmp_path / "cell", pattern, nth))


def test_a_writer_killed_at_random(local_server: LocalServer, tmp_path: Path) -> None:
    unharmed(kills.writer_at_random(local_server, tmp_path / "cell", 2))


@pytest.mark.parametrize(("request_number", "moment"), [(1, "answered"), (5, "answered")])
def test_a_writer_killed_in_a_request(
    local_server: LocalServer, tmp_path: Path, request_number: int, moment: str
) -> None:
    unharmed(kills.writer_in_request(local_server, tmp_path / "cell", request_number, moment))


def test_an_adopter_killed_before_it_moves_a_cursor(local_server: LocalServer, tmp_path: Path) -> None:
    unharmed(kills.adopter(local_server, tmp_path / "cell", place=(r"os.pwrite metrics\.cursor", 2)))


def test_an_adopter_killed_in_a_request(local_server: LocalServer, tmp_path: Path) -> None:
    unharmed(kills.adopter(local_server, tmp_path / "cell", request=5))


def test_a_successor_killed_while_it_delivers_what_another_left(local_server: LocalServer, tmp_path: Path) -> None:
    outcome = kills.successor_at_random(local_server, tmp_path / "cell", 5)
    unharmed(outcome)
    assert outcome.balance.logged > 400


def test_a_server_killed_in_the_middle(tmp_path: Path) -> None:
    outcome = kills.server_at_random(tmp_path / "cell", 3)
    assert (outcome.exit_code, outcome.lost_at_first) == (0, 0), outcome
    assert outcome.whole, outcome
