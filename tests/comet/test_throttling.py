"""How long to leave a server alone, from what it says in its headers."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from zenml_comet_tracker.comet.throttling import retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After-Custom": "1.5", "Retry-After": "9"}, 1.5),
        ({"Retry-After": "9"}, 9.0),
        ({}, 60.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:20 GMT", "Date": DATE}, 20.0),
        ({"Retry-After": "Wed, 21 Oct 2026 09:28:20 GMT", "Date": DATE}, 3_600.0),
        ({"Retry-After": "Wed, 21 Oct 2020 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "inf"}, 3_600.0),
        ({"Retry-After": "1e300"}, 3_600.0),
        ({"Retry-After-Custom": "nan", "Retry-After": "soon"}, 60.0),
        ({"Retry-After": DATE, "Date": "no date"}, 60.0),
    ],
)
def test_the_first_that_can_be_understood_counts(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_a_date_without_the_servers_own_is_taken_by_our_clock() -> None:
    assert 800 < retry_after({"Retry-After": formatdate(time.time() + 900, usegmt=True)}) <= 901
