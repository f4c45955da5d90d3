"""What ZenML's store says of a step, asked for in bounded time: nothing of a step waits for ZenML's server."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from zenml.models import ArtifactVersionResponse, StepRunResponse

logger = logging.getLogger(__name__)

# Seconds.
PATIENCE = 5.0

T = TypeVar("T")


def step(step_run_id: UUID, patience: float = PATIENCE) -> StepRunResponse | None:
    """The step run as it is stored now; None when ZenML does not say in `patience` seconds."""
    from zenml.client import Client

    return _in_time(lambda: Client().get_run_step(step_run_id), patience)


def attempts(run_id: UUID, invocation: str, patience: float = PATIENCE) -> list[StepRunResponse]:
    """All step runs of an invocation, one for each attempt; none when ZenML does not say in `patience` seconds."""
    from zenml.client import Client

    def ask() -> list[StepRunResponse]:
        found = Client().list_run_steps(
            pipeline_run_id=run_id, name=invocation, exclude_retried=False, hydrate=True, size=100
        )
        return list(found.items)

    return _in_time(ask, patience) or []


def stored_outputs(step_run_id: UUID, patience: float = PATIENCE) -> list[ArtifactVersionResponse]:
    """The artifact versions that a step has stored, also before ZenML says that they are its outputs."""
    from zenml.client import Client

    # Their addresses hold the id of the step run.
    place = f"contains:{step_run_id}"
    return _in_time(lambda: list(Client().list_artifact_versions(uri=place, size=100).items), patience) or []


def _in_time(ask: Callable[[], T], patience: float) -> T | None:
    # In a thread, because ZenML's client repeats what its server does not answer, for minutes.
    answers: list[T] = []

    def call() -> None:
        try:
            answers.append(ask())
        except Exception:
            logger.debug("ZenML did not say what it knows of a step.", exc_info=True)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(call,), name="comet-asking", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # Python is ending, and starts no thread any more.
        return None
    thread.join(patience)
    return answers[0] if answers else None
