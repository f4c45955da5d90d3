"""How a step's experiment is called, how it is found again, and what it says about where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from zenml_comet_tracker.tracker import naming

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo


def experiment_key(component_id: UUID, run_id: UUID, invocation: str, attempt: int | None = None) -> str:
    """The key of a step's experiment: 40 hex digits that any process can compute. All attempts share one without it."""
    parts = [str(component_id), str(run_id), invocation, *([] if attempt is None else [str(attempt)])]
    return hashlib.sha1("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


class Keys(NamedTuple):
    """The key of an attempt's experiment and, where the attempts before and after have others, those."""

    own: str
    earlier: str | None = None
    later: str | None = None


def keys_of(component_id: UUID, info: StepRunInfo, on_retry: str, chosen: str | None = None) -> Keys:
    """The keys of an attempt: the one that the settings choose, else one that any process can compute."""
    if chosen is not None:
        return Keys(chosen)
    step, attempt = (component_id, info.run_id, info.pipeline_step_name), info.step_run.version
    if on_retry == "continue":
        return Keys(experiment_key(*step))
    earlier = experiment_key(*step, attempt - 1) if attempt > 1 else None
    return Keys(experiment_key(*step, attempt), earlier, experiment_key(*step, attempt + 1))


def experiment_name(info: StepRunInfo, given: str | None = None) -> str:
    """The name `given` in the settings, else `<run>_<step>`; in one line, and shortened when it is too long."""
    default = f"{info.run_name}_{info.pipeline_step_name}"
    return naming.experiment_name(given or "") or naming.experiment_name(default)


def experiment_tags(info: StepRunInfo, tags: list[str], automatic: Collection[str]) -> list[str]:
    """The automatic tags that are wanted (`pipeline`, `run`, `zenml`) and the settings' tags, each once."""
    # A tag of ZenML's is a text, or an object with a name.
    given = [str(getattr(tag, "name", tag)) for tag in info.pipeline.tags or ()]
    found = {"pipeline": [info.pipeline.name], "run": [info.run_name, str(info.run_id)], "zenml": given}
    taken = [name for kind, names in found.items() if kind in automatic for name in names]
    return list(dict.fromkeys(naming.one_line(tag) for tag in (*taken, *tags)))


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
