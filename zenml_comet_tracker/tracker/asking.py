"""What ZenML's store says of a step, asked for in bounded time: nothing of a step waits for ZenML's server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from zenml_comet_tracker.tracker.patience import in_time

if TYPE_CHECKING:
    from zenml.models import ArtifactVersionResponse, StepRunResponse

logger = logging.getLogger(__name__)

# Seconds.
PATIENCE = 5.0

T = TypeVar("T")


def step(step_run_id: UUID, patience: float = PATIENCE) -> StepRunResponse | None:
    """The step run as it is stored now; None when ZenML does not say in `patience` seconds."""
    from zenml.client import Client

    return _answer(lambda: Client().get_run_step(step_run_id), patience)


def attempts(run_id: UUID, invocation: str, patience: float = PATIENCE) -> list[StepRunResponse]:
    """All step runs of an invocation, one for each attempt; none when ZenML does not say in `patience` seconds."""
    from zenml.client import Client

    def ask() -> list[StepRunResponse]:
        found = Client().list_run_steps(
            pipeline_run_id=run_id, name=invocation, exclude_retried=False, hydrate=True, size=100
        )
        return list(found.items)

    return _answer(ask, patience) or []


def stored_outputs(step_run_id: UUID, patience: float = PATIENCE) -> list[ArtifactVersionResponse]:
    """The artifact versions that a step has stored, also before ZenML says that they are its outputs."""
    from zenml.client import Client

    # Their addresses hold the id of the step run.
    place = f"contains:{step_run_id}"
    return _answer(lambda: list(Client().list_artifact_versions(uri=place, size=100).items), patience) or []


def _answer(ask: Callable[[], T], patience: float) -> T | None:
    answers: list[T] = []

    def call() -> None:
        try:
            answers.append(ask())
        except Exception:
            logger.debug("ZenML did not say what it knows of a step.", exc_info=True)

    in_time(call, patience)
    return answers[0] if answers else None
