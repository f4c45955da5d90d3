"""The soak itself, for a few seconds: what it would find in an hour, it can find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.soak import soak


@pytest.mark.long
def test_a_short_soak_finds_nothing(tmp_path: Path) -> None:
    soaked = soak(tmp_path / "soak", 3.0)
    assert soaked.faults == []
    assert soaked.outcome.balance.logged > 100
    assert len(soaked.samples) > 10
