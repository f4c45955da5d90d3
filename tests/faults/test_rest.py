"""The same faults when everything goes over documented REST, one request a value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.fixtures import at_rate, check
from tests.faults.matrix import Cell, one_of_each

# Each fourth fault: what differs from the batch protocol is how requests are made, and not what becomes of them.
CELLS = at_rate(one_of_each(arguments={"protocol": "rest"}, points=30, first=2, seconds=300.0), 20.0)[::4]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_fault_over_documented_rest(cell: Cell, outcomes: dict[str, Any]) -> None:
    check(cell, outcomes[cell.name].result(90))
