"""Warnings of delivery: one for one cause, and one for all that an outage stops."""

from __future__ import annotations

import logging

import pytest

from zenml_comet_tracker.comet.delivery.notices import Notices, cause_of
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
