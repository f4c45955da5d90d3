"""Warnings of delivery: one for one cause, and one for all that an outage stops."""

from __future__ import annotations

import logging

import pytest

from zenml_comet_tracker.comet.delivery.notices import INTERVAL_SECONDS, OUTAGE, Notices, cause_of
from zenml_comet_tracker.comet.errors import ConnectionFailedError, RequestError

logger = logging.getLogger("zenml_comet_tracker.tests")


def test_an_outage_is_told_once_whatever_it_stops_and_other_troubles_each(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices(logger, clock=lambda: 0.0)
    for error in (ConnectionFailedError("no answer"), RequestError("no")):
        for what in ("open", "metrics", "end"):
            notices.warn(cause_of(what, error), "%s: %s", what, error)
    assert [record.getMessage() for record in caplog.records] == [
        "open: no answer",
        "open: no",
        "metrics: no",
        "end: no",
    ]


def test_an_outage_of_one_server_is_told_once_for_all_experiments_of_the_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A run has many steps, and each has an experiment, which goes on trying behind it."""
    now = [0.0]
    first, second, other = (Notices(logger, clock=lambda: now[0], server=root) for root in ("a", "a", "b"))
    for name, notices in (("first", first), ("second", second), ("other", other)):
        notices.warn(OUTAGE, "%s has no answer", name)
        notices.warn("metrics", "%s is refused", name)
    now[0] = INTERVAL_SECONDS
    second.warn(OUTAGE, "%s has no answer", "second")
    # Who says it to nobody leaves it to others to say.
    now[0] = 2 * INTERVAL_SECONDS
    Notices(logger, clock=lambda: now[0], server="a", quiet=True).warn(OUTAGE, "%s has no answer", "third")
    first.warn(OUTAGE, "%s has no answer", "first")
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "first has no answer",
        "first is refused",
        "second is refused",
        "other has no answer",
        "other is refused",
        "second has no answer",
        "first has no answer",
    ]
