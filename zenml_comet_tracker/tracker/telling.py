"""What ZenML is to be told of a step's experiment, and the experiment of ZenML, once the step has run."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Telling:
    """Whose step it is, and what its settings want told: its outputs, its context, its last metric values."""

    run_id: UUID
    step_name: str
    artifacts: bool = True
    context: bool = True
    final_metrics: bool = True
