"""ZenML's steps that ended before all of theirs was delivered, and that another process delivers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from zenml_comet_tracker.comet.delivery.leftovers import Outcome
from zenml_comet_tracker.comet.journal.record import SPOKEN
from zenml_comet_tracker.comet.journal.survey import Found, last_other
from zenml_comet_tracker.tracker import delivered


class UntoldStep(NamedTuple):
    """A step run whose journal is left, the tracker component that it is of, and the key of its experiment.

    `answered` says that a server had answered to an earlier delivery, which may have been the step's own.
    """

    step_run: UUID
    component: UUID
    experiment: str
    answered: bool

    def tell(self, page: str | None, *, complete: bool, local: bool) -> None:
        """Has ZenML know where the experiment is and, when it is complete, that nothing waits; a warning if it fails.

        `local` says that it is with the local Comet. Waits for ZenML as long as `metadata.publish` does.
        """
        if complete or (page is not None and not self.answered):
            delivered.tell(self.step_run, self.component, self.experiment, page, complete=complete, local=local)


def untold_step(found: Found) -> UntoldStep | None:
    """The step that a journal is of, as long as the journal has its records; None when no step is known."""
    component = found.header.component_id
    if component is None or not found.header.primary:
        return None
    step_run = last_other(found.folder, "zenml_step_run_id")
    key, answered = found.header.experiment_key, (found.folder / SPOKEN).exists()
    try:
        return None if step_run is None else UntoldStep(UUID(step_run), UUID(component), key, answered)
    except ValueError:
        return None


def adopted(found: Found) -> Callable[[Outcome], None] | None:
    """What to call when the delivery of an adopted journal is over; None when no step is known."""
    step = untold_step(found)
    return None if step is None else functools.partial(_tell, step)


def _tell(step: UntoldStep, outcome: Outcome) -> None:
    step.tell(outcome.url, complete=not outcome.waiting, local=outcome.local)
