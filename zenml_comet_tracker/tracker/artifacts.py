"""What a step reads and writes in ZenML's artifact store, as remote assets of its experiment."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zenml.steps.step_context import StepContext

from zenml_comet_tracker.comet.capture import redaction
from zenml_comet_tracker.tracker import asking
from zenml_comet_tracker.tracker.context import held
from zenml_comet_tracker.tracker.runs import StepRun

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo
    from zenml.models import ArtifactVersionResponse

    from zenml_comet_tracker.comet.experiment import Experiment

logger = logging.getLogger(__name__)


class Link(NamedTuple):
    """One artifact version: where it lies, what it is called among the assets, and what ZenML says of it."""

    uri: str
    name: str
    metadata: dict[str, Any]


def log_inputs(experiment: Experiment, info: StepRunInfo) -> None:
    """Logs the address of each input, as `inputs/<name>`, and which step it is from."""
    sources = info.spec.inputs
    _log(experiment, _links("inputs", info.step_run.inputs, lambda name: _source(sources.get(name))))


def log_outputs(run: StepRun) -> None:
    """Logs the address of each output, as `outputs/<name>`; to be called in the step's context, with them stored."""
    context = StepContext.get()
    uris = {} if context is None else {output.artifact_uri: name for name, output in context._outputs.items()}
    if run.telling is None or not run.telling.artifacts or not uris:
        return
    found: dict[str, list[ArtifactVersionResponse]] = {}
    for version in asking.stored_outputs(run.step_run_id):
        found.setdefault(uris.get(version.uri, version.artifact.name), []).append(version)
    if not found:
        logger.warning("The output artifacts of %s are not logged: ZenML does not say where they are.", run.name)
    _log(run.experiment, _links("outputs", found, lambda _: {}))


def _log(experiment: Experiment, links: Iterator[Link]) -> None:
    for link in links:
        experiment.log_remote_asset(link.uri, link.name, metadata=link.metadata)


def _links(folder: str, found: Mapping[str, Sequence[ArtifactVersionResponse]], more: Any) -> Iterator[Link]:
    for name, versions in found.items():
        for number, version in enumerate(versions):
            # Of an input that gathers several outputs, each by its place.
            shown = f"{folder}/{name}" if len(versions) == 1 else f"{folder}/{name}/{number}"
            yield Link(redaction.url(version.uri), shown, {**_described(version), **more(name)})


def _described(version: ArtifactVersionResponse) -> dict[str, Any]:
    """What ZenML's answer holds of an artifact version, as short texts."""
    said = {
        "zenml_artifact": version.artifact.name,
        "zenml_artifact_version": version.version,
        "zenml_artifact_version_id": version.id,
        "zenml_artifact_type": version.type.value,
        "zenml_data_type": version.data_type.import_path,
        "zenml_producer_step_run_id": held(version, "producer_step_run_id"),
        "zenml_producer_run_id": held(version, "producer_pipeline_run_id"),
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _source(spec: Any) -> dict[str, str]:
    """The step of the same run that makes an input; empty for one that comes from elsewhere."""
    specs = spec if isinstance(spec, list) else [spec]
    names = dict.fromkeys(one.step_name for one in specs if one is not None)
    return {"zenml_from_step": ", ".join(names)} if names else {}
