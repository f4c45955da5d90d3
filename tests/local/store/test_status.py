"""The status in Python, for the API, and in SQL, for the pages: of every state the same."""

from __future__ import annotations

import itertools

import pytest

from tests.local.store.conftest import KEY
from zenml_comet_tracker.local.store import experiments, status, views
from zenml_comet_tracker.local.store.store import Store

NOW = 1_790_000_000_000
SILENT = (0, 29_999, 30_000, 30_001, 90_000)
STATES = list(itertools.product((True, False), (True, False), SILENT, (None, NOW - 5_000)))


@pytest.mark.parametrize(("running", "crashed", "silent", "end"), STATES)
def test_both_say_the_same(store: Store, running: bool, crashed: bool, silent: int, end: int | None) -> None:
    if running and end is not None:
        end = None
    columns = {"running": running, "crashed": crashed, "last_beat_millis": NOW - silent, "end_millis": end}
    with store.write_to(KEY) as target:
        start = NOW - 100_000
        experiments.change(target.transaction, target.experiment.id, start_millis=start, **columns)
    with store.read() as connection:
        row = experiments.require(connection, KEY)
        page = views.find_experiment(connection, NOW, KEY)
    assert page is not None
    assert page.status == status.of(row, NOW)
    if running or end is not None:
        assert page.seconds == (status.end_millis(row, NOW) - start) / 1000
