"""How a step's experiment is called, how it is found again, and what it says about where it came from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo


def experiment_key(component_id: UUID, run_id: UUID, invocation: str, attempt: int | None = None) -> str:
    """The key of a step's experiment: 40 hex digits that any process can compute. All attempts share one without it."""
    parts = [str(component_id), str(run_id), invocation, *([] if attempt is None else [str(attempt)])]
    return hashlib.sha1("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


def keys_of(component_id: UUID, info: StepRunInfo, on_retry: str) -> tuple[str, str | None]:
    """The key of this attempt's experiment and, where that is another one, of the attempt before."""
    attempt = info.step_run.version
    if on_retry == "continue":
        return experiment_key(component_id, info.run_id, info.pipeline_step_name), None
    earlier = experiment_key(component_id, info.run_id, info.pipeline_step_name, attempt - 1) if attempt > 1 else None
    return experiment_key(component_id, info.run_id, info.pipeline_step_name, attempt), earlier


def experiment_name(info: StepRunInfo) -> str:
    """`<run>_<step>`."""
    return f"{info.run_name}_{info.pipeline_step_name}"


def experiment_tags(info: StepRunInfo, tags: list[str]) -> list[str]:
    """The pipeline's name, the run's name and the settings' tags, each once."""
    return list(dict.fromkeys([info.pipeline.name, info.run_name, *tags]))


def origin(info: StepRunInfo, earlier_key: str | None) -> dict[str, Any]:
    """The step's place in ZenML, logged as others of its experiment."""
    others: dict[str, Any] = {
        "zenml_pipeline_name": info.pipeline.name,
        "zenml_run_name": info.run_name,
        "zenml_run_id": str(info.run_id),
        "zenml_step_name": info.pipeline_step_name,
        "zenml_step_run_id": str(info.step_run_id),
        "zenml_attempt": info.step_run.version,
    }
    return others if earlier_key is None else {**others, "zenml_earlier_attempt": earlier_key}
