"""How experiments stand, told in SQL for the API, the pages and search, against the same told in Python."""

from __future__ import annotations

import itertools

import pytest

from tests.local.store.conftest import KEY
from zenml_comet_tracker.local.store import experiments, standing, views
from zenml_comet_tracker.local.store.store import Store

NOW = 1_790_000_000_000
START = NOW - 100_000
SILENT = (0, 29_999, 30_000, 30_001, 90_000, 120_000)
STATES = list(itertools.product((True, False), (True, False), SILENT, (None, NOW - 5_000, START - 1)))


def _expected(running: bool, crashed: bool, silent: int, end: int | None) -> tuple[str, int]:
    """The status, and when it ended."""
    if not running:
        return ("failed" if crashed else "finished", START if end is None else end)
    return ("lost", max(START, NOW - silent)) if silent > 30_000 else ("running", NOW)


def test_api_and_page_say_the_same_of_every_state(store: Store) -> None:
    for running, crashed, silent, end in STATES:
        columns = {"running": running, "crashed": crashed, "last_beat_millis": NOW - silent, "end_millis": end}
        with store.write_to(KEY) as target:
            experiments.change(target.transaction, target.experiment.id, start_millis=START, **columns)
        with store.read() as connection:
            row = standing.require(connection, KEY, NOW)
            page = views.find_experiment(connection, NOW, KEY)
        assert page is not None
        status, ended = _expected(running, crashed, silent, end)
        assert (row.status, row.ended_millis) == (status, ended), columns
        assert (page.status, page.seconds) == (status, max(0, ended - START) / 1_000), columns


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (None, None),
        ("train.py", "train.py"),
        ("/srv/src/train.py", "train.py"),
        ("/srv/srv/work", "work"),
        ("a/b/größe 100%.py", "größe 100%.py"),
        ("C:\\x\\train.py", "C:\\x\\train.py"),
        ("/", ""),
    ],
)
def test_the_file_name_is_what_follows_the_last_slash(store: Store, path: str | None, name: str | None) -> None:
    with store.write_to(KEY) as target:
        experiments.change(target.transaction, target.experiment.id, file_path=path)
    with store.read() as connection:
        assert standing.require(connection, KEY, NOW).file_name == name
