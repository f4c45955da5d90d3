"""Every fault of the network, each in one of its windows: the step does not notice, and everything arrives once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.fixtures import at_rate, check
from tests.faults.matrix import Cell, one_of_each

CELLS = at_rate(one_of_each(), 20.0)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_fault_of_the_network(cell: Cell, outcomes: dict[str, Any]) -> None:
    check(cell, outcomes[cell.name].result(90))
