"""What ZenML knows of a step, told to its experiment: others and parameters. Asks ZenML's server for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.capture import redaction

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo


def others(info: StepRunInfo) -> dict[str, Any]:
    """Who ran the step, on what, from which code, behind which steps, by the names of others; unknown ones left out.

    Texts; lists are joined by commas. The dashboard's address is not among them: see `dashboard.address_of`.
    """
    snapshot, step_run = info.snapshot, info.step_run
    # Each is a request: what can be seen elsewhere, such as the version among the packages, is left out.
    found = {
        "zenml_user": _name(held(step_run, "user")),
        "zenml_stack": _name(held(snapshot, "stack")),
        "zenml_upstream_steps": _joined(info.spec.upstream_steps),
        "zenml_tags": _joined(_tag_names(info)),
        **_model(info),
        **_code(info),
    }
    return {name: said for name, said in found.items() if said}


def parameters(info: StepRunInfo, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The step's parameters as they are configured, nested as they are, with `***` in place of secrets."""
    hidden: dict[str, Any] = redaction.holder(dict(info.config.parameters), secrets)
    return hidden


def held(model: Any, name: str) -> Any:
    """An attribute of one of ZenML's answers, if the answer holds it; it is not fetched when it does not."""
    for part in (model, *(getattr(model, kind, None) for kind in ("body", "metadata", "resources"))):
        if part is not None and name in getattr(type(part), "model_fields", ()):
            return getattr(part, name)
    return None


def _model(info: StepRunInfo) -> dict[str, str | None]:
    """The model version of the step, which is the run's where the step has none of its own."""
    version = held(info.step_run, "model_version")
    if version is not None:
        model = held(version, "model")
        return {"zenml_model": _name(model), "zenml_model_version": _version_of(version)}
    wanted = info.config.model or info.pipeline.model
    return {} if wanted is None else {"zenml_model": wanted.name}


def _version_of(version: Any) -> str | None:
    said = held(version, "name") or held(version, "number")
    return None if said is None else str(said)


def _code(info: StepRunInfo) -> dict[str, str | None]:
    """Where ZenML takes the code from, when it takes it from a repository."""
    reference = held(info.snapshot, "code_reference")
    if reference is None:
        return {}
    return {
        "zenml_commit": held(reference, "commit"),
        "zenml_code_repository": _name(held(reference, "code_repository")),
        "zenml_code_subdirectory": held(reference, "subdirectory"),
    }


def _tag_names(info: StepRunInfo) -> list[str]:
    """Tags of the pipeline and of the snapshot, each once."""
    tags = [*(info.pipeline.tags or ()), *(held(info.snapshot, "tags") or ())]
    return list(dict.fromkeys(tag if isinstance(tag, str) else tag.name for tag in tags))


def _name(model: Any) -> str | None:
    return None if model is None else str(model.name)


def _joined(names: Sequence[str] | None) -> str:
    return ", ".join(names or ())
