"""What befalls a process, its disk and its clock: the step does not notice, and what is lost is counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.fixtures import at_rate, check
from tests.faults.matrix import Cell, process_cells

CELLS = at_rate(process_cells(spawn=False), 5.0)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_fault_of_the_process(cell: Cell, outcomes: dict[str, Any]) -> None:
    check(cell, outcomes[cell.name].result(90))
